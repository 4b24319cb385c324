"""When a task is done: arrival, breaking, use and kills, checked on every tick by the world itself.

Reward is binary and the simulator's own event (ROCKET-3, task synthesis). Beside it the first object that was arrived
at, broken, used or killed is kept, right or wrong: success alone cannot tell recognition from trying one object after
another. An agent that dies has lost.
"""

import math

from xview_training.sim import physics
from xview_training.sim.compiled import compiled
from xview_training.sim.hands import BROKEN, EDITED, SHOT_DEAD, STRUCK_DEAD, USED_BLOCK
from xview_training.sim.mesh import remesh_column
from xview_training.sim.raycast import sees_block
from xview_training.sim.simulator import EYE_HEIGHT, LATENCY, tick, voxel_of
from xview_training.tasks.events import TaskEvent

ARRIVAL_DISTANCE = 2.0  # blocks on the ground, from the body's axis to the block's centre
ARRIVAL_ANGLE = math.radians(25)  # off the view's axis, sideways
APPROACH, BREAK, USE, MELEE, ARCHERY = (event.code for event in TaskEvent)

# Columns of an episode, float64. TARGET: number of the candidate, or of the creature that is hunted.
TICKS, DONE, SUCCESS, FIRST, EVENT, LIMIT, STRICT, TARGET, PATH, DIED, EPISODE_SIZE = range(11)
NOTHING_YET, TARGET_FIRST, DISTRACTOR_FIRST = 0, 1, 2


@compiled()
def bearing(body, x, z):
    """Angle in radians, -pi..pi and positive to the right, from the view to the point (x, z); and its distance."""
    dx, dz = x - body[physics.X], z - body[physics.Z]
    angle = math.atan2(-dx, dz) - body[physics.YAW]
    return angle - 2 * math.pi * math.floor((angle + math.pi) / (2 * math.pi)), math.hypot(dx, dz)


@compiled()
def at_candidate(grid, body, eye_height, candidate):
    """Whether the agent has arrived at a candidate (x, y, z, block): near, facing it, nothing in between."""
    x, y, z = candidate[0], candidate[1], candidate[2]
    angle, distance = bearing(body, x + 0.5, z + 0.5)
    if distance > ARRIVAL_DISTANCE or abs(angle) > ARRIVAL_ANGLE or grid[x, z, y] == 0:
        return False
    return sees_block(grid, body[physics.X], body[physics.Y] + eye_height, body[physics.Z], x, y, z)


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
                if candidates[j, 0] == x and candidates[j, 1] == y and candidates[j, 2] == z:
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
    indices, ticks, key_table, camera_rad, actions, previous,
    grid, floor, quads, counts, tops, models, model_counts, body, hands, slots, creatures, arrows, state,
    embodiment, candidates, candidate_count, episode,
):  # fmt: skip
    """Plays one decision, `ticks` ticks, in each environment of `indices` that is not done.

    actions, previous int64 (N, 3): [buttons row, pitch bin, yaw bin]; during the body's latency the previous action
    still acts. Books the path walked, in blocks.
    """
    for i in indices:
        for t in range(ticks):
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
