"""Minecraft's player on foot, one tick of 1/20 s at a time.

Figures (Minecraft Wiki, "Player" and "Transportation"; mcpk.wiki, movement formulas): box 0.6 x 1.8, walking 4.317 m/s,
sprinting 5.612, sneaking 0.3 of walking, jump impulse 0.42 (1.25 blocks high), gravity 0.08 and drag 0.98 a tick,
ground friction 0.6 * 0.91, air friction 0.91, air control 0.02.
"""

import math

import numpy as np

from xview_training.sim.compiled import compiled

# Columns of a body's state, float64: position of the feet, velocity in blocks a tick, view, ground contact.
X, Y, Z, VX, VY, VZ, YAW, PITCH, ON_GROUND, BODY_SIZE = range(10)
# Columns of a row of pressed keys, float32.
FORWARD, BACK, LEFT, RIGHT, JUMP, SNEAK, SPRINT, ATTACK, KEYS = range(9)
KEY_NAMES = ("forward", "back", "left", "right", "jump", "sneak", "sprint", "attack")

WIDTH = 0.6  # blocks
HEIGHT = 1.8
GROUND_FRICTION = 0.6 * 0.91
AIR_FRICTION = 0.91


def key_rows(buttons: tuple[tuple[str, ...], ...]) -> np.ndarray:
    """Pressed keys of each row of an action table: float32 (rows, KEYS)."""
    rows = np.zeros((len(buttons), KEYS), np.float32)
    for row, names in enumerate(buttons):
        for name in names:
            rows[row, KEY_NAMES.index(name)] = 1
    return rows


@compiled()
def solid(grid, x, y, z):
    """Whether block (x, y, z) stops a body. Outside the world's sides and floor everything does."""
    if x < 0 or z < 0 or y < 0 or x >= grid.shape[0] or z >= grid.shape[1]:
        return True
    return y < grid.shape[2] and grid[x, z, y] != 0


@compiled()
def _clip(grid, low, high, axis, move):
    """How far of `move` the box low..high (3,) can go along one axis before it touches a block."""
    if move == 0.0:
        return 0.0
    a0, a1 = low[axis], high[axis]
    first = int(math.floor(a1 - 1e-7)) + 1 if move > 0 else int(math.floor(a0 + 1e-7)) - 1
    last = int(math.floor(a1 + move)) if move > 0 else int(math.floor(a0 + move))
    step = 1 if move > 0 else -1
    other, third = (axis + 1) % 3, (axis + 2) % 3
    cell = np.empty(3, np.int64)
    a = first
    while (a <= last) if step > 0 else (a >= last):
        cell[axis] = a
        for b in range(int(math.floor(low[other] + 1e-7)), int(math.floor(high[other] - 1e-7)) + 1):
            cell[other] = b
            for c in range(int(math.floor(low[third] + 1e-7)), int(math.floor(high[third] - 1e-7)) + 1):
                cell[third] = c
                if solid(grid, cell[0], cell[1], cell[2]):
                    return max(0.0, a - a1) if step > 0 else min(0.0, a + 1 - a0)
        a += step
    return move


@compiled()
def move(grid, body, dx, dy, dz, width, height):
    """Moves the body by (dx, dy, dz) as far as blocks allow: y first, then x, then z, as Minecraft does."""
    half = width / 2
    low = np.array([body[X] - half, body[Y], body[Z] - half])
    high = np.array([body[X] + half, body[Y] + height, body[Z] + half])
    wanted = (dx, dy, dz)
    for axis in (1, 0, 2):
        done = _clip(grid, low, high, axis, wanted[axis])
        low[axis] += done
        high[axis] += done
        body[axis] += done
        if done != wanted[axis]:
            body[VX + axis] = 0.0
            if axis == 1:
                body[ON_GROUND] = 1.0 if dy < 0 else 0.0
        elif axis == 1 and dy != 0:
            body[ON_GROUND] = 0.0


@compiled()
def player_tick(grid, body, keys, speed_scale):
    """One tick of walking, jumping and falling. speed_scale multiplies the ground acceleration (1 is Minecraft)."""
    on_ground = body[ON_GROUND] > 0
    if on_ground and keys[JUMP] > 0:
        body[VY] = 0.42
        if keys[SPRINT] > 0 and keys[FORWARD] > 0:
            body[VX] -= 0.2 * math.sin(body[YAW])
            body[VZ] += 0.2 * math.cos(body[YAW])
    ahead = 0.98 * (keys[FORWARD] - keys[BACK])
    aside = 0.98 * (keys[RIGHT] - keys[LEFT])
    if keys[SNEAK] > 0:
        ahead, aside = 0.3 * ahead, 0.3 * aside
    sprint = 1.3 if keys[SPRINT] > 0 and keys[FORWARD] > 0 and keys[SNEAK] == 0 else 1.0
    push = (0.1 if on_ground else 0.02) * sprint * speed_scale / max(1.0, math.hypot(ahead, aside))
    sin_yaw, cos_yaw = math.sin(body[YAW]), math.cos(body[YAW])
    body[VX] += push * (-sin_yaw * ahead - cos_yaw * aside)
    body[VZ] += push * (cos_yaw * ahead - sin_yaw * aside)
    move(grid, body, body[VX], body[VY], body[VZ], WIDTH, HEIGHT)
    friction = GROUND_FRICTION if on_ground else AIR_FRICTION
    body[VX] *= friction
    body[VZ] *= friction
    body[VY] = (body[VY] - 0.08) * 0.98
