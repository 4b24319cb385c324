"""How the expert walks: down the field of path costs, over steps, through water."""

import math

from xview_training.sim import physics
from xview_training.sim.compiled import compiled
from xview_training.tasks.paths import can_step

LOOK_AHEAD = 8  # path steps that the walk may cut short where the ground is free


@compiled()
def _straight(floor, toll, x, z, gx, gz, climb, drop, target):
    """Whether a body can walk straight from (x, z) to (gx, gz) without a step it may not take or a distractor."""
    length = math.hypot(gx - x, gz - z)
    steps = int(length / 0.3) + 1
    height = floor[int(x), int(z)]
    clear = toll[int(x), int(z)] == 0
    for i in range(1, steps + 1):
        px, pz = x + (gx - x) * i / steps, z + (gz - z) * i / steps
        top, centre = -1, floor[int(px), int(pz)]
        for a in range(4):
            cx, cz = int(px - 0.34 + 0.68 * (a & 1)), int(pz - 0.34 + 0.68 * (a >> 1))
            if not (cx == target[0] and cz == target[2]):
                top = max(top, floor[cx, cz])
        if int(px) == target[0] and int(pz) == target[2]:
            return True
        if top - height > climb or height - centre > drop or (clear and toll[int(px), int(pz)] > 0):
            return False
        height = centre
    return True


@compiled()
def waypoint(floor, toll, field, body, target, climb, drop):
    """Next point (x, z) to walk to, down the field of path costs, cutting corners where the ground is free."""
    x, z = body[physics.X], body[physics.Z]
    px, pz = int(x), int(z)
    gx, gz = target[0] + 0.5, target[2] + 0.5
    for step in range(LOOK_AHEAD):
        best, nx, nz = field[px, pz], px, pz
        for dx in range(-1, 2):
            for dz in range(-1, 2):
                ax, az = px + dx, pz + dz
                if ax < 1 or az < 1 or ax > floor.shape[0] - 2 or az > floor.shape[1] - 2:
                    continue
                goal = ax == target[0] and az == target[2]
                if field[ax, az] < best - 1e-4 and (goal or can_step(floor, px, pz, ax, az, climb, drop)):
                    best, nx, nz = field[ax, az], ax, az
        if nx == px and nz == pz:
            break
        px, pz = nx, nz
        free = _straight(floor, toll, x, z, px + 0.5, pz + 0.5, climb, drop, target)
        if free or step == 0:
            gx, gz = px + 0.5, pz + 0.5
        if not free:
            break
    return gx, gz


@compiled()
def must_jump(grid, floor, body, gx, gz, target):
    """Whether a step up lies within the next block of the way to (gx, gz), or water has to be left."""
    if physics.in_water(grid, body):
        return True
    if body[physics.ON_GROUND] == 0:
        return False
    dx, dz = gx - body[physics.X], gz - body[physics.Z]
    length = max(math.hypot(dx, dz), 1e-6)
    feet = int(round(body[physics.Y]))
    for i in range(1, 4):
        px, pz = body[physics.X] + dx / length * 0.32 * i, body[physics.Z] + dz / length * 0.32 * i
        for a in range(4):
            cx, cz = int(px - 0.28 + 0.56 * (a & 1)), int(pz - 0.28 + 0.56 * (a >> 1))
            if floor[cx, cz] == feet + 1 and not (cx == target[0] and cz == target[2]):
                return True
    return False
