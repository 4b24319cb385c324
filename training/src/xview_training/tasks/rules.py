"""When a task is done: arrival, breaking, use and kills, checked on every tick by the world itself.

Reward is binary and the simulator's own event (ROCKET-3, task synthesis). Beside it the first object that was arrived
at, broken, used or killed is kept, right or wrong: success alone cannot tell recognition from trying one object after
another. An agent that dies has lost.

Breaking, use and kills are the world's own events; arriving is no event of Minecraft's, so its figures are ours. What
is carried and how long a task lasts are tasks/events.py's and tasks/task.py's.
"""

import math

from xview_training.sim import physics
from xview_training.sim.compiled import compiled
from xview_training.sim.hands import BROKEN, EDITED, SHOT_DEAD, STRUCK_DEAD, USED_BLOCK
from xview_training.sim.mesh import remesh_column
from xview_training.sim.raycast import cast
from xview_training.sim.simulator import EYE_HEIGHT, LATENCY, tick, voxel_of
from xview_training.tasks.events import TaskEvent

# Ours: two blocks on the ground, from the body's axis to the block's centre, are as near as bodies get with a block to
# spare; 25 degrees sideways off the view's axis lie well inside the narrowest lens's picture, 37 to a side.
ARRIVAL_DISTANCE = 2.0
ARRIVAL_ANGLE = math.radians(25)
APPROACH, BREAK, USE, MELEE, ARCHERY = (event.code for event in TaskEvent)

# Columns of an episode, float64. TARGET: number of the candidate, or of the creature that is hunted. ACTION_TICKS: how
# long an action lasts.
TICKS, DONE, SUCCESS, FIRST, EVENT, LIMIT, STRICT, TARGET, PATH, DIED, ACTION_TICKS, EPISODE_SIZE = range(12)
NOTHING_YET, TARGET_FIRST, DISTRACTOR_FIRST = 0, 1, 2


@compiled()
def bearing(body, x, z):
    """Angle in radians, -pi..pi and positive to the right, from the view to the point (x, z); and its distance."""
    dx, dz = x - body[physics.X], z - body[physics.Z]
    angle = math.atan2(-dx, dz) - body[physics.YAW]
    return angle - 2 * math.pi * math.floor((angle + math.pi) / (2 * math.pi)), math.hypot(dx, dz)


@compiled()
def belongs(grid, hx, hy, hz, x, y, z):
    """Whether block (hx, hy, hz) is (x, y, z) or its upper half: of a door, the lower half is the candidate."""
    return hx == x and hz == z and (hy == y or (hy == y + 1 and grid[x, z, hy] == grid[x, z, y]))


@compiled()
def first_towards(grid, ox, oy, oz, x, y, z):
    """(x, y, z, axis) of the first block from a point towards the middle of block (x, y, z); axis -1: nothing.

    The ray goes on to that block's far side: the leaf of a door stands on one of its sides.
    """
    dx, dy, dz = x + 0.5 - ox, y + 0.5 - oy, z + 0.5 - oz
    reach = 1.0 + 0.5 / max(math.sqrt(dx * dx + dy * dy + dz * dz), 1e-6)
    hx, hy, hz, axis, _, _ = cast(grid, ox, oy, oz, dx, dy, dz, reach)
    return hx, hy, hz, axis


@compiled()
def at_candidate(grid, body, eye_height, candidate):
    """Whether the agent has arrived at a candidate (x, y, z, block): near, facing it, nothing in between."""
    x, y, z = candidate[0], candidate[1], candidate[2]
    angle, distance = bearing(body, x + 0.5, z + 0.5)
    if distance > ARRIVAL_DISTANCE or abs(angle) > ARRIVAL_ANGLE or grid[x, z, y] == 0:
        return False
    eye = body[physics.Y] + eye_height
    hx, hy, hz, axis = first_towards(grid, body[physics.X], eye, body[physics.Z], x, y, z)
    return axis >= 0 and belongs(grid, hx, hy, hz, x, y, z)


@compiled()
def _touched(grid, body, hands, eye_height, candidates, count, event, target):
    """Number of the candidate, or creature, that this tick's event concerns, the target before others; -1: none."""
    if event == MELEE:
        return int(hands[STRUCK_DEAD]) - 1
    if event == ARCHERY:
        return int(hands[SHOT_DEAD]) - 1
    if event in (BREAK, USE):
        block = hands[BROKEN] if event == BREAK else hands[USED_BLOCK]
        if block > 0:
            x, z, y = voxel_of(block, grid.shape[1], grid.shape[2])
            for j in range(count):
                cx, cy, cz = candidates[j, 0], candidates[j, 1], candidates[j, 2]
                if (x == cx and y == cy and z == cz) or (event == USE and belongs(grid, x, y, z, cx, cy, cz)):
                    return j
        return -1
    if at_candidate(grid, body, eye_height, candidates[target]):
        return target
    for j in range(count):
        if at_candidate(grid, body, eye_height, candidates[j]):
            return j
    return -1


@compiled()
def judge(grid, body, hands, eye_height, candidates, count, episode):
    """Books one tick into the episode: time, first arrival, success, end."""
    episode[TICKS] += 1
    target = int(episode[TARGET])
    touched = _touched(grid, body, hands, eye_height, candidates, count, int(episode[EVENT]), target)
    if touched >= 0:
        right = touched == target
        if episode[FIRST] == NOTHING_YET:
            episode[FIRST] = TARGET_FIRST if right else DISTRACTOR_FIRST
        if right:
            episode[SUCCESS] = 1
        if right or episode[STRICT] > 0:
            episode[DONE] = 1
    if body[physics.HEALTH] <= 0:
        episode[DIED] = episode[DONE] = 1
    if episode[TICKS] >= episode[LIMIT]:
        episode[DONE] = 1


@compiled()
def advance(
    indices, key_table, camera_rad, actions, previous,
    grid, floor, quads, counts, tops, models, model_counts, body, hands, slots, creatures, arrows, state,
    embodiment, candidates, candidate_count, episode,
):  # fmt: skip
    """Plays one decision, ACTION_TICKS ticks, in each environment of `indices` that is not done.

    actions, previous int64 (N, 3): [buttons row, pitch bin, yaw bin]; during the body's latency the previous action
    still acts. Books the path walked, in blocks.
    """
    for i in indices:
        for t in range(int(episode[i, ACTION_TICKS])):
            if episode[i, DONE] > 0:
                break
            action = previous[i] if t < embodiment[i, LATENCY] else actions[i]
            x, z = body[i, physics.X], body[i, physics.Z]
            tick(
                grid[i], floor[i], body[i], hands[i], slots[i], creatures[i], arrows[i], state[i],
                key_table[action[0]], camera_rad[action[1:]], embodiment[i],
            )  # fmt: skip
            remesh_column(grid[i], hands[i, EDITED], quads[i], counts[i], tops[i], models[i], model_counts[i])
            episode[i, PATH] += math.hypot(body[i, physics.X] - x, body[i, physics.Z] - z)
            judge(grid[i], body[i], hands[i], embodiment[i, EYE_HEIGHT], candidates[i], candidate_count[i], episode[i])
