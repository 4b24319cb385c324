"""Films episodes as they are played: the agent's own view with the truth, the belief and the choice drawn in.

Drawn sharper than what the policy sees, from the same place at the same moment. White: where the target really is.
The rest is drawn as on a robot's videos (xview_deploy.replay.annotate): the goal picture with the mask's outline, the
policy's box, point and arrow, its keys.
"""

from __future__ import annotations

import dataclasses

import cv2
import numpy as np
from xview_deploy.goal import CrossViewGoal
from xview_deploy.replay.annotate import Annotator, Caption
from xview_deploy.runtime.policy import Decision
from xview_deploy.spec import TICK_HZ

from xview_training.envs.crossview import CrossViewEnvs
from xview_training.evaluation.players import Player
from xview_training.runs.video import webm
from xview_training.sim import physics
from xview_training.tasks import rules
from xview_training.tasks.goal_views import GoalPicture
from xview_training.tasks.task import GoalCamera, Task
from xview_training.tasks.visibility import target_id

SIDE = 480  # pixels of the square that is drawn
TRUTH = (255, 255, 255)
STILL_PICTURES = 6  # of the last one, at the end


@dataclasses.dataclass
class _Reel:
    """One episode's pictures so far."""

    annotator: Annotator
    size: tuple[int, int]  # width, height of the agent's picture
    pictures: list[np.ndarray]


class Camera:
    """Watches a batch being played; `films` are its episodes as WebM, by slot."""

    def __init__(self) -> None:
        self._picture = GoalPicture(SIDE)
        self._reels: dict[int, _Reel] = {}

    def begin(self, envs: CrossViewEnvs, slots: np.ndarray) -> None:
        """New tasks have been put into these slots."""
        self._reels = {int(slot): self._reel(envs, int(slot)) for slot in slots}

    def saw(self, envs: CrossViewEnvs, rows: np.ndarray, actions: np.ndarray, player: Player) -> None:
        """What the slots `rows` show and what was chosen there, before it is played."""
        for slot in map(int, rows):
            reel, task = self._reels[slot], envs.tasks[slot]
            assert task is not None
            view = self._view(envs, slot, task, reel.size)
            decision = Decision(actions[slot], 0.0, player.belief(slot), 0.0)
            time_s = float(envs.episode[slot, rules.TICKS]) / TICK_HZ
            reel.pictures.append(reel.annotator.draw(view, decision, Caption(time_s, player.name)))

    def films(self, rate_hz: float) -> dict[int, bytes]:
        """WebM of every slot's episode."""
        return {
            slot: webm([*reel.pictures, *reel.pictures[-1:] * STILL_PICTURES], rate_hz)
            for slot, reel in self._reels.items()
        }

    def _reel(self, envs: CrossViewEnvs, slot: int) -> _Reel:
        task = envs.tasks[slot]
        assert task is not None
        size = _size(task.body.aspect)
        annotator = Annotator(*size, self._goal(envs, slot, task), envs.actions)
        return _Reel(annotator, (annotator.size[0], round(annotator.size[0] / task.body.aspect / 2) * 2), [])

    def _goal(self, envs: CrossViewEnvs, slot: int, task: Task) -> CrossViewGoal:
        """The goal as an operator would have sent it: picture in its own aspect, exact mask."""
        self._picture.draw(envs.sim, slot, task.goal_camera, task.body)
        size = _size(task.goal_camera.aspect)
        mask = self._target(envs, task, size)
        picture = cv2.resize(self._picture.rgb, size, interpolation=cv2.INTER_LINEAR)
        return CrossViewGoal("goal", task.event.asked, np.asarray(picture, np.uint8), mask > 0, 0, "goal")

    def _view(self, envs: CrossViewEnvs, slot: int, task: Task, size: tuple[int, int]) -> np.ndarray:
        """What the agent sees, with the target's outline."""
        x, y, z, yaw, pitch = envs.sim.body[slot, [physics.X, physics.Y, physics.Z, physics.YAW, physics.PITCH]]
        body = task.body
        eye = GoalCamera(x, y + body.eye_height, z, yaw, pitch, body.vertical_fov_deg, body.aspect)
        self._picture.draw(envs.sim, slot, eye, body)
        picture = np.ascontiguousarray(cv2.resize(self._picture.rgb, size, interpolation=cv2.INTER_LINEAR))
        outlines, _ = cv2.findContours(self._target(envs, task, size), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
        cv2.drawContours(picture, outlines, -1, TRUTH, 1, cv2.LINE_AA)
        return np.asarray(picture, np.uint8)

    def _target(self, envs: CrossViewEnvs, task: Task, size: tuple[int, int]) -> np.ndarray:
        """Mask uint8 of the target in the picture that was drawn last."""
        mask = (self._picture.ids == target_id(envs.sim.grid.shape[1:], task)).astype(np.uint8)
        return np.asarray(cv2.resize(mask, size, interpolation=cv2.INTER_NEAREST), np.uint8)


def _size(aspect: float) -> tuple[int, int]:
    """Width and height in pixels of a picture of that aspect."""
    return round(SIDE * aspect), SIDE
