"""The privileged expert: looks around until it has seen the target, then walks the shortest path to it.

It knows the map, but turns on the spot first as an agent must that knows only its pictures: what it does can then be
inferred from what the policy sees (a clairvoyant expert teaches guessing). It labels any state, also those that a
learner has got itself into (DAgger: Ross, Gordon, Bagnell 2011).
"""

import math

import numpy as np

from xview_training.envs.crossview import CrossViewEnvs
from xview_training.sim import physics
from xview_training.sim.compiled import compiled
from xview_training.sim.hands import BLOCK_REACH
from xview_training.sim.simulator import EYE_HEIGHT
from xview_training.tasks import rules
from xview_training.tasks.paths import can_step
from xview_training.tasks.visibility import PIXELS, SEEN_PIXELS

# Columns of a search, float64: the target has been seen; how far the agent has turned while looking; last yaw.
FOUND, TURNED, LAST_YAW, SEARCH_SIZE = range(4)
ALL_ROUND = 2 * math.pi + 0.2
LOOK_AHEAD = 8  # path steps that the walk may cut short where the ground is free
VALUE_DISCOUNT = 0.99  # a decision
BLOCKS_A_DECISION = 0.216 * 3
LEVEL_PITCH = 0.05  # radians: where the view rests while walking
PITCH_TOLERANCE = 0.2
AIM_DISTANCE = 3.2  # blocks from which a block to break is aimed at


@compiled()
def _nearest_bin(steps_rad, wanted):
    best, error = 0, 1e9
    for k in range(len(steps_rad)):
        if abs(wanted - steps_rad[k]) < error:
            best, error = k, abs(wanted - steps_rad[k])
    return best


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
def _must_jump(floor, body, gx, gz, target):
    """Whether a step up lies within the next block of the way to (gx, gz)."""
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


@compiled()
def _aim_pitch(body, eye_height, target):
    """Pitch in radians that looks at the middle of the block."""
    distance = math.hypot(target[0] + 0.5 - body[physics.X], target[2] + 0.5 - body[physics.Z])
    return -math.atan2(target[1] + 0.5 - body[physics.Y] - eye_height, distance)


@compiled()
def _act(floor, toll, field, body, eye_height, target, event, climb, drop, search, steps_rad, action):
    """The expert's action for one agent into int64 (3,). Rows of the buttons follow spec.ActionTable's default."""
    centre = len(steps_rad) // 2
    action[0], action[1], action[2] = 0, centre, centre
    angle, distance = rules.bearing(body, target[0] + 0.5, target[2] + 0.5)
    if search[FOUND] == 0 and search[TURNED] < ALL_ROUND:
        action[2] = len(steps_rad) - 1
        return
    close = 2.0 if event == rules.APPROACH else min(AIM_DISTANCE, BLOCK_REACH - 1.0)
    near = distance < close
    if not near:
        gx, gz = waypoint(floor, toll, field, body, target, climb, drop)
        angle, _ = rules.bearing(body, gx, gz)
        if abs(angle) < 0.6:
            action[0] = 5 if climb > 0 and _must_jump(floor, body, gx, gz, target) else 1
    action[2] = _nearest_bin(steps_rad, angle)
    if event == rules.APPROACH:
        if abs(body[physics.PITCH] - LEVEL_PITCH) > PITCH_TOLERANCE:
            action[1] = _nearest_bin(steps_rad, LEVEL_PITCH - body[physics.PITCH])
        if near and abs(angle) < 0.7 and distance > 1.1:
            action[0] = 1
        return
    pitch = _aim_pitch(body, eye_height, target) if distance < AIM_DISTANCE + 1.5 else LEVEL_PITCH
    tilt = pitch - body[physics.PITCH]
    action[1] = _nearest_bin(steps_rad, tilt)
    if near and abs(angle) < 0.12 and abs(tilt) < 0.12:
        action[0] = 6


@compiled()
def _label(
    indices,
    floor,
    toll,
    field,
    body,
    embodiment,
    target,
    episode,
    view,
    climb,
    drop,
    search,
    steps_rad,
    seen,
    actions,
    values,
):
    for i in indices:
        turned = body[i, physics.YAW] - search[i, LAST_YAW]
        turned -= 2 * math.pi * math.floor((turned + math.pi) / (2 * math.pi))
        search[i, TURNED] += max(turned, 0.0)
        search[i, LAST_YAW] = body[i, physics.YAW]
        angle, distance = rules.bearing(body[i], target[i, 0] + 0.5, target[i, 2] + 0.5)
        if view[i, PIXELS] >= seen or (distance < 2.5 and abs(angle) < 0.5) or search[i, TURNED] >= ALL_ROUND:
            search[i, FOUND] = 1
        _act(
            floor[i], toll[i], field[i], body[i], embodiment[i, EYE_HEIGHT], target[i], int(episode[i, rules.EVENT]),
            climb[i], drop[i], search[i], steps_rad, actions[i],
        )  # fmt: skip
        left = field[i, int(body[i, physics.X]), int(body[i, physics.Z])] / BLOCKS_A_DECISION
        if search[i, FOUND] == 0:
            left += (ALL_ROUND - search[i, TURNED]) / (3 * steps_rad[-1] / 3) * 0.5
        values[i] = VALUE_DISCOUNT ** min(left + 3, 600.0)


class Expert:
    """Labels the states of a batch of environments, and remembers what each agent has looked at.

    After `label`: actions int64 (N, 3), values float32 (N,) (discounted success by the path that is left),
    found bool (N,).
    """

    def __init__(self, envs: CrossViewEnvs):
        n = len(envs)
        self._envs = envs
        self.search = np.zeros((n, SEARCH_SIZE))
        self.actions = np.zeros((n, 3), np.int64)
        self.values = np.zeros(n, np.float32)
        ticks = envs.actions.ticks_per_action
        self._steps_rad = np.radians(np.array(envs.actions.camera_deg)) * ticks
        pixels = envs.sim.config.width * envs.sim.config.height
        self.seen_pixels = max(1, round(SEEN_PIXELS * pixels / 4096))

    @property
    def found(self) -> np.ndarray:
        """bool (N,): the target has been seen, or the agent has looked all round."""
        return self.search[:, FOUND] > 0

    def forget(self, slots: np.ndarray) -> None:
        """Starts the search afresh in these slots (a new task)."""
        self.search[slots] = 0
        self.search[slots, LAST_YAW] = self._envs.sim.body[slots, physics.YAW]

    def label(self, indices: np.ndarray | None = None) -> None:
        """Updates actions and values for the states as they are."""
        envs, sim = self._envs, self._envs.sim
        indices = np.arange(len(envs)) if indices is None else indices
        sim.run_slices(
            lambda part, _: _label(
                part, sim.floor, envs.toll, envs.field, sim.body, sim.embodiment, envs.target, envs.episode, envs.view,
                envs.climb, envs.drop, self.search, self._steps_rad, self.seen_pixels, self.actions, self.values,
            ),
            indices,
        )  # fmt: skip
