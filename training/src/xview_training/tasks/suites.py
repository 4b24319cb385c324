"""Suites: what a family of tasks is drawn from, and which world seeds belong to it.

Task k of a suite is made from seed `first_seed + k`, so a suite is a list that need not be stored. Seed ranges do not
overlap between suites: a held-out world was never trained on.
"""

from __future__ import annotations

import dataclasses
import math

import numpy as np

from xview_training.naming import named
from xview_training.tasks.bodies import ARMED_PLAYER, EYES, LOW_ROBOT, PLAYER, ROBOT, VARIED, BodyRange
from xview_training.tasks.events import TaskEvent
from xview_training.tasks.task import task_name


@dataclasses.dataclass(frozen=True)
class Scene:
    """One kind of world in a suite, and who acts in it. `weight` is its share of the tasks."""

    place: str
    body: BodyRange
    weight: float
    difficulties: tuple[tuple[str, float], ...]  # (difficulty, share)
    events: tuple[tuple[TaskEvent, float], ...]  # (event, share)

    def offers(self, event: TaskEvent | None, difficulty: str | None) -> bool:
        """Whether it draws such tasks; None: any."""
        return event in (None, *dict(self.events)) and difficulty in (None, *dict(self.difficulties))


@dataclasses.dataclass(frozen=True)
class Suite:
    """A family of tasks. Goal cameras see at least `min_goal_pixels` of a 64 x 64 picture's target.

    min_contrast: how plainly the target must show in it (goal_views.contrast); 0: however dark it is. at_goal_camera:
    share of the tasks whose target is moved to where a goal camera that was drawn first sees it, as some of ROCKET-3's
    are generated there; the others are among the objects that the seed scattered around the starts.
    walk_share: most of the time limit that walking from the start to the target may take at the body's speed.
    hidden: only tasks whose target is out of sight in the first frame. strict: a wrong arrival ends the episode.
    randomise: false gives everyone the published player's body, eye and start (`bodies_in`).
    """

    name: str
    first_seed: int
    size: int
    scenes: tuple[Scene, ...]
    min_goal_pixels: int = 8
    min_contrast: float = 0.0
    walk_share: float = math.inf
    at_goal_camera: float = 0.0
    strict: bool = False
    hidden: bool = False
    randomise: bool = True

    @property
    def title(self) -> str:
        """What its tasks are called where they are shown or recorded."""
        return self.name if self.randomise else f"{self.name}, the player's body"

    @property
    def events(self) -> tuple[TaskEvent, ...]:
        """What its tasks ask for."""
        asked = {event for scene in self.scenes for event, _ in scene.events}
        return tuple(event for event in TaskEvent if event in asked)

    def scenes_for(self, event: TaskEvent | None, difficulty: str | None) -> list[Scene]:
        """The scenes to draw from when event and difficulty are wished for: those that offer them, else all."""
        return [scene for scene in self.scenes if scene.offers(event, difficulty)] or list(self.scenes)

    def bodies_in(self, scene: Scene) -> BodyRange:
        """From what bodies, and the pitch at the start, are drawn in one of its scenes."""
        return scene.body if self.randomise else scene.body.players()

    def pool(self, event: TaskEvent | None, difficulty: str | None) -> np.ndarray:
        """Indices of the tasks that such a wish can be met with: all, for a task is made as it is wished."""
        return np.arange(self.size, dtype=np.int32)

    def request(
        self, index: int, event: TaskEvent | None = None, difficulty: str | None = None
    ) -> tuple[Suite, int, TaskEvent | None, str | None]:
        """What to ask a Synthesiser for to be given task `index`."""
        return self, index, event, difficulty

    def task_id(self, index: int) -> str:
        """What task `index` is called."""
        return task_name(self.name, index)

    def strictly(self, strict: bool) -> Suite:
        """The same tasks, ended by a wrong arrival or not."""
        return dataclasses.replace(self, strict=strict)


APPROACH_AND_BREAK = ((TaskEvent.APPROACH, 0.7), (TaskEvent.BREAK, 0.3))
ONLY_APPROACH = ((TaskEvent.APPROACH, 1.0),)
FIVE_EVENTS = tuple((event, 0.2) for event in TaskEvent)
BLOCK_EVENTS = tuple((event, 1 / 3) for event in TaskEvent if not event.hunts)
FOUR_DISTANCES = (("near", 0.25), ("easy", 0.25), ("medium", 0.25), ("hard", 0.25))
PLAIN = 20.0  # of 255: contrast below which a person has to search a goal picture for its target
IN_TIME = 2 / 3  # leaves time to look about, and for turning, detours and what is to be done there
SOMETIMES = 0.25  # ROCKET-3 says no more of how often targets are generated at the goal camera
# Episodes at the far distances are the long ones: evenly drawn they take most of the decisions, and a small picture of
# a far target teaches little.
RATHER_CLOSE = (("near", 0.5), ("easy", 0.35), ("medium", 0.1), ("hard", 0.05))
OPEN_AIR = ("plains", "forest", "desert", "snow", "hills")


def all_places(
    body: BodyRange, distances: tuple[tuple[str, float], ...] = FOUR_DISTANCES, share: float = 1.0
) -> tuple[Scene, ...]:
    """Every place of the full world: biomes and the village with five events, the mine and the halls with their own.

    share: of the suite's tasks, all these places together.
    """
    outdoors = tuple(Scene(place, body, 0.12 * share, distances, FIVE_EVENTS) for place in OPEN_AIR)
    return (
        *outdoors,
        Scene("village", body, 0.16 * share, distances, FIVE_EVENTS),
        Scene("cave", body, 0.12 * share, distances, FIVE_EVENTS),
        Scene("halls", body, 0.12 * share, distances, BLOCK_EVENTS),
    )


SUITES = {
    suite.name: suite
    for suite in (
        # The first version's: small landscapes and rooms, approach and break.
        Suite(
            "train",
            0,
            1_000_000,
            (
                Scene("landscape", VARIED, 0.4, (("near", 0.5), ("easy", 0.4), ("medium", 0.1)), APPROACH_AND_BREAK),
                Scene("rooms", ROBOT, 0.6, (("near", 0.7), ("easy", 0.3)), ONLY_APPROACH),
            ),
        ),
        Suite("heldout", 1_000_000, 100_000, (Scene("landscape", PLAYER, 1.0, FOUR_DISTANCES, APPROACH_AND_BREAK),)),
        Suite(
            "robot", 2_000_000, 100_000, (Scene("rooms", ROBOT, 1.0, (("near", 0.5), ("easy", 0.5)), ONLY_APPROACH),)
        ),
        Suite("twin", 3_000_000, 100_000, (Scene("rooms", ROBOT, 1.0, (("near", 1.0),), ONLY_APPROACH),)),
        # The full world's: every place, five events.
        Suite(
            "train-v1",
            10_000_000,
            10_000_000,
            all_places(EYES),
            min_contrast=PLAIN,
            walk_share=IN_TIME,
            at_goal_camera=SOMETIMES,
        ),
        Suite(
            "heldout-v1",
            20_000_000,
            1_000_000,
            all_places(ARMED_PLAYER),
            min_contrast=PLAIN,
            walk_share=IN_TIME,
            at_goal_camera=SOMETIMES,
        ),
        Suite(
            "invisible-v1",
            30_000_000,
            1_000_000,
            all_places(ARMED_PLAYER),
            min_contrast=PLAIN,
            walk_share=IN_TIME,
            at_goal_camera=SOMETIMES,
            hidden=True,
        ),
        # What the shipped policy learns from: the full world, near targets more often, and the robot's rooms beside it.
        Suite(
            "curriculum",
            50_000_000,
            10_000_000,
            (
                *all_places(EYES, RATHER_CLOSE, 0.75),
                Scene("rooms", ROBOT, 0.25, (("near", 0.6), ("easy", 0.4)), ONLY_APPROACH),
            ),
            min_contrast=PLAIN,
            walk_share=IN_TIME,
            at_goal_camera=SOMETIMES,
        ),
        Suite(
            "robot-v1",
            40_000_000,
            1_000_000,
            (
                Scene("halls", LOW_ROBOT, 0.6, FOUR_DISTANCES, ONLY_APPROACH),
                Scene("rooms", LOW_ROBOT, 0.4, (("near", 0.5), ("easy", 0.5)), ONLY_APPROACH),
            ),
            min_contrast=PLAIN,
            walk_share=IN_TIME,
        ),
    )
}


def suite_named(name: str, randomise: bool = True) -> Suite:
    """The suite of that name; ValueError names the nearest one.

    randomise: false gives everyone the published player's body, eye and start.
    """
    suite: Suite = named(SUITES, name, "suite")
    return suite if randomise else dataclasses.replace(suite, randomise=False)
