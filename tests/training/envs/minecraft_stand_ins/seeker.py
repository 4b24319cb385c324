"""Plays tasks in a flat world from what the environments know: turns to the target, walks up to it, does what is asked.

Only for tests: it shows that keys, camera, positions and events fit together.
"""

import math

import numpy as np
from xview_deploy.spec import ActionTable
from xview_training.envs.minecraft.playing import MinecraftEnvs
from xview_training.tasks.events import TaskEvent

TABLE = ActionTable(buttons=((), ("forward",), ("attack",), ("use",)))
STILL, FORWARD, ATTACK, USE = range(4)
# Blocks from eye to target; else a blow's.
CLOSE = {TaskEvent.APPROACH: 0.0, TaskEvent.BREAK: 3.0, TaskEvent.USE: 3.0, TaskEvent.ARCHERY: 8.0}
DRAWING = 8  # decisions from one arrow to the next


def act(envs: MinecraftEnvs, slot: int, number: int = 0, event: TaskEvent | None = None) -> np.ndarray:
    """The next decision towards object `number` of a slot, int64 (3,). event: done to it instead of the task's."""
    thing, view = envs._judges[slot]._things[number], envs._sights[slot].view
    dx, dy, dz = (c - e for c, e in zip(thing.box.centre, view.eye, strict=True))
    turn = (math.degrees(math.atan2(-dx, dz)) - view.yaw_deg + 180) % 360 - 180
    tilt = math.degrees(math.atan2(-dy, math.hypot(dx, dz))) - view.pitch_deg
    bins = np.array(envs.actions.camera_deg)
    pitch, yaw = (int(np.abs(bins * envs.actions.ticks_per_action - error).argmin()) for error in (tilt, turn))
    event = event or envs.tasks[slot].event
    if math.dist((dx, dy, dz), (0, 0, 0)) > CLOSE.get(event, 2.0):
        return np.array((FORWARD if abs(turn) < 12 else STILL, pitch, yaw))
    if abs(turn) > 4 or abs(tilt) > 8:
        return np.array((STILL, pitch, yaw))
    phase = envs._seeker_phase = getattr(envs, "_seeker_phase", 0) + 1
    if event is TaskEvent.BREAK:
        return np.array((ATTACK, pitch, yaw))
    if event is TaskEvent.ARCHERY:
        return np.array((USE if phase % DRAWING else STILL, pitch, yaw))
    return np.array(((USE if event is TaskEvent.USE else ATTACK) if phase % 2 else STILL, pitch, yaw))


def play(envs: MinecraftEnvs, number: int = 0, decisions: int = 200) -> None:
    """Plays all slots until they are done."""
    for _ in range(decisions):
        if envs.done.all():
            return
        envs.step(np.stack([envs.actions.noop if envs.done[k] else act(envs, k, number) for k in range(len(envs))]))
    raise AssertionError(f"not done after {decisions} decisions: {[sight.view for sight in envs._sights]}")
