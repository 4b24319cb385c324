"""The privileged expert: looks around until it has seen the target, then goes there and does what is asked.

It knows the map, but turns on the spot first as an agent must that knows only its pictures: what it does can then be
inferred from what the policy sees (a clairvoyant expert teaches guessing). It labels any state, also those that a
learner has got itself into (DAgger: Ross, Gordon, Bagnell 2011).
"""

import math

import numpy as np
from xview_deploy.spec import ActionTable

from xview_training.envs.crossview import CrossViewEnvs
from xview_training.imitation.aiming import aim_point, flight, line_is_free, nearest_bin, pitch_to, turn_bin
from xview_training.imitation.walking import must_jump, waypoint
from xview_training.sim import physics
from xview_training.sim.blocks import PASSABLE
from xview_training.sim.compiled import compiled
from xview_training.sim.creatures import HEIGHTS, SPECIES, WIDTHS
from xview_training.sim.hands import BLOCK_REACH, DRAWN, FULL_DRAW, USING, YAW_RATE, view_of
from xview_training.sim.raycast import cast
from xview_training.sim.simulator import EYE_HEIGHT
from xview_training.tasks import rules
from xview_training.tasks.visibility import PIXELS, SEEN_PIXELS

# Columns of a search, float64: the target has been seen; how far the agent has turned while looking; last yaw.
FOUND, TURNED, LAST_YAW, SEARCH_SIZE = range(4)
ALL_ROUND = 2 * math.pi + 0.2
VALUE_DISCOUNT = 0.99  # a decision
BLOCKS_A_DECISION = 0.216 * 3
LEVEL_PITCH = 0.05  # radians: where the view rests while walking
PITCH_TOLERANCE = 0.2
AIM_DISTANCE = min(3.2, BLOCK_REACH - 1.0)  # blocks from which a block is aimed at
STRIKE_DISTANCE = 2.6  # blocks, of a blow
SHOT_DISTANCE = 22.0  # blocks, of a shot
PATIENCE = 6.0  # blocks farther that a creature may get while the bow is drawn: walking on would let a weak shot go
AIMED = 0.12  # radians off that are near enough for a block

# Rows of the action table that the expert presses; those that a table lacks are the nearest that it has.
STAND, AHEAD, JUMP, ATTACK, USE, SPRINT, ROWS = range(7)
WANTED = ((), ("forward",), ("forward", "jump"), ("attack",), ("use",), ("forward", "sprint"))
INSTEAD = {SPRINT: AHEAD, USE: STAND, ATTACK: STAND}


def rows_of(table: ActionTable) -> np.ndarray:
    """int64 (ROWS,): which row of the table presses what the expert wants to."""
    rows = np.zeros(ROWS, np.int64)
    for wanted, keys in enumerate(WANTED):
        held = [set(row) for row in table.buttons]
        rows[wanted] = held.index(set(keys)) if set(keys) in held else rows[INSTEAD[wanted]]
    return rows


@compiled()
def _walk(grid, floor, toll, field, body, doing, target, climb, drop, rows, steps_rad, hurry, action):
    """One decision of the way to the target."""
    gx, gz = waypoint(floor, toll, field, body, target, climb, drop)
    angle, _ = rules.bearing(body, gx, gz)
    if abs(angle) < 0.6:
        jumps = climb > 0 and must_jump(grid, floor, body, gx, gz, target)
        action[0] = rows[JUMP] if jumps else rows[SPRINT if hurry and abs(angle) < 0.3 else AHEAD]
    action[2] = turn_bin(steps_rad, angle, doing[YAW_RATE])
    if abs(body[physics.PITCH] - LEVEL_PITCH) > PITCH_TOLERANCE:
        action[1] = nearest_bin(steps_rad, LEVEL_PITCH - body[physics.PITCH])


@compiled()
def _arrive(body, target, rows, steps_rad, action):
    """The last blocks to an object: towards it, without standing in it."""
    angle, distance = rules.bearing(body, target[0] + 0.5, target[2] + 0.5)
    action[2] = nearest_bin(steps_rad, angle)
    if abs(body[physics.PITCH] - LEVEL_PITCH) > PITCH_TOLERANCE:
        action[1] = nearest_bin(steps_rad, LEVEL_PITCH - body[physics.PITCH])
    if abs(angle) < 0.7 and distance > 1.1:
        action[0] = rows[AHEAD]


@compiled()
def _handle(grid, body, doing, eye_height, point, event, rows, steps_rad, action):
    """Aims at a point of a block within reach, and breaks or uses it; plants in between are broken first."""
    angle, _ = rules.bearing(body, point[0], point[2])
    tilt = pitch_to(body, eye_height, point[0], point[1], point[2]) - body[physics.PITCH]
    action[1], action[2] = nearest_bin(steps_rad, tilt), nearest_bin(steps_rad, angle)
    if abs(angle) > AIMED or abs(tilt) > AIMED:
        return
    if event == rules.BREAK:
        action[0] = rows[ATTACK]
        return
    dx, dy, dz = view_of(body)
    x, y, z, axis, _, _ = cast(
        grid, body[physics.X], body[physics.Y] + eye_height, body[physics.Z], dx, dy, dz, BLOCK_REACH
    )
    if axis >= 0 and PASSABLE[grid[x, z, y]]:
        action[0] = rows[ATTACK]
    elif doing[USING] == 0:
        action[0] = rows[USE]


@compiled()
def _strike(body, eye_height, creature, rows, steps_rad, action):
    """Aims at a creature within reach, and strikes."""
    kind = int(creature[SPECIES])
    angle, distance = rules.bearing(body, creature[physics.X], creature[physics.Z])
    middle = creature[physics.Y] + 0.6 * HEIGHTS[kind]
    tilt = pitch_to(body, eye_height, creature[physics.X], middle, creature[physics.Z]) - body[physics.PITCH]
    action[1], action[2] = nearest_bin(steps_rad, tilt), nearest_bin(steps_rad, angle)
    slack = math.atan2(0.45 * WIDTHS[kind], max(distance, 0.3)) + 0.05
    if abs(angle) < slack and abs(tilt) < 0.3:
        action[0] = rows[ATTACK]
    elif distance > 1.6 and abs(angle) < 0.5:
        action[0] = rows[AHEAD]


@compiled()
def _shoot(body, doing, eye_height, creature, rows, steps_rad, action):
    """Draws, aims ahead of the creature and above it, and lets go when both are right."""
    kind = int(creature[SPECIES])
    distance = math.hypot(creature[physics.X] - body[physics.X], creature[physics.Z] - body[physics.Z])
    ticks, sag = flight(distance)
    ahead = ticks + 3.0  # the decision's own ticks
    x = creature[physics.X] + creature[physics.VX] * ahead
    z = creature[physics.Z] + creature[physics.VZ] * ahead
    angle, _ = rules.bearing(body, x, z)
    tilt = pitch_to(body, eye_height, x, creature[physics.Y] + 0.55 * HEIGHTS[kind] + sag, z) - body[physics.PITCH]
    action[1], action[2] = nearest_bin(steps_rad, tilt), nearest_bin(steps_rad, angle)
    slack = max(math.atan2(0.5 * WIDTHS[kind], max(distance, 0.3)), 0.025)
    tall = max(math.atan2(0.4 * HEIGHTS[kind], max(distance, 0.3)), 0.025)
    ready = doing[DRAWN] >= FULL_DRAW and abs(angle) < slack and abs(tilt) < tall
    action[0] = rows[STAND] if ready else rows[USE]


@compiled()
def _act(
    grid, floor, toll, field, body, doing, creatures, eye_height, target, event, number, climb, drop, search, rows,
    steps_rad, action,
):  # fmt: skip
    """The expert's action for one agent into int64 (3,)."""
    centre = len(steps_rad) // 2
    action[0], action[1], action[2] = rows[STAND], centre, centre
    if search[FOUND] == 0 and search[TURNED] < ALL_ROUND:
        action[2] = len(steps_rad) - 1
        return
    _, distance = rules.bearing(body, target[0] + 0.5, target[2] + 0.5)
    point = np.empty(3)
    if event == rules.MELEE or event == rules.ARCHERY:
        creature = creatures[number]
        middle = creature[physics.Y] + 0.6 * HEIGHTS[int(creature[SPECIES])]
        _, distance = rules.bearing(body, creature[physics.X], creature[physics.Z])
        free = line_is_free(grid, body, eye_height, creature[physics.X], middle, creature[physics.Z])
        if event == rules.MELEE and free and distance < STRIKE_DISTANCE:
            _strike(body, eye_height, creature, rows, steps_rad, action)
        elif event == rules.ARCHERY and free and distance < SHOT_DISTANCE + (PATIENCE if doing[DRAWN] > 0 else 0.0):
            _shoot(body, doing, eye_height, creature, rows, steps_rad, action)
        else:
            _walk(grid, floor, toll, field, body, doing, target, climb, drop, rows, steps_rad, True, action)
    elif event == rules.APPROACH and distance < 2.0:
        _arrive(body, target, rows, steps_rad, action)
    elif event != rules.APPROACH and distance < AIM_DISTANCE and aim_point(grid, body, eye_height, target, point):
        _handle(grid, body, doing, eye_height, point, event, rows, steps_rad, action)
    else:
        _walk(grid, floor, toll, field, body, doing, target, climb, drop, rows, steps_rad, False, action)


@compiled()
def _label(
    indices, grid, floor, toll, field, body, doing, creatures, embodiment, target, episode, view, climb, drop, search,
    rows, tick_rad, seen, actions, values,
):  # fmt: skip
    for i in indices:
        steps_rad = tick_rad * episode[i, rules.ACTION_TICKS]
        turned = body[i, physics.YAW] - search[i, LAST_YAW]
        turned -= 2 * math.pi * math.floor((turned + math.pi) / (2 * math.pi))
        search[i, TURNED] += max(turned, 0.0)
        search[i, LAST_YAW] = body[i, physics.YAW]
        angle, distance = rules.bearing(body[i], target[i, 0] + 0.5, target[i, 2] + 0.5)
        if view[i, PIXELS] >= seen or (distance < 2.5 and abs(angle) < 0.5) or search[i, TURNED] >= ALL_ROUND:
            search[i, FOUND] = 1
        _act(
            grid[i], floor[i], toll[i], field[i], body[i], doing[i], creatures[i], embodiment[i, EYE_HEIGHT],
            target[i], int(episode[i, rules.EVENT]), int(episode[i, rules.TARGET]), climb[i], drop[i], search[i],
            rows, steps_rad, actions[i],
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
        self._tick_rad = np.radians(np.array(envs.actions.camera_deg))
        self._rows = rows_of(envs.actions)
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
        envs.follow(indices)
        sim.run_slices(
            lambda part, _: _label(
                part, sim.grid, sim.floor, envs.toll, envs.field, sim.body, sim.hands, sim.creatures, sim.embodiment,
                envs.target, envs.episode, envs.view, envs.climb, envs.drop, self.search, self._rows,
                self._tick_rad, self.seen_pixels, self.actions, self.values,
            ),
            indices,
        )  # fmt: skip
