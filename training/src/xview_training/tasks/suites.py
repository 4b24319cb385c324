"""Suites: what a family of tasks is drawn from, and which world seeds belong to it.

Task k of a suite is made from seed `first_seed + k`, so a suite is a list that need not be stored. Seed ranges do not
overlap between suites: a held-out world was never trained on.
"""

import dataclasses

from xview_deploy.spec import Event

from xview_training.naming import named


@dataclasses.dataclass(frozen=True)
class BodyRange:
    """From what an agent's body and eye are drawn, uniformly between (low, high)."""

    eye_height: tuple[float, float] = (1.62, 1.62)  # blocks
    vertical_fov_deg: tuple[float, float] = (70.0, 70.0)
    speed: tuple[float, float] = (1.0, 1.0)
    turn: tuple[float, float] = (1.0, 1.0)
    turn_lag: tuple[float, float] = (0.0, 0.0)
    latency_ticks: tuple[int, int] = (0, 0)
    light: tuple[float, float] = (1.0, 1.0)
    pitch: tuple[float, float] = (0.0, 0.0)  # radians at the start
    texture_sets: int = 1


PLAYER = BodyRange()
VARIED = BodyRange(
    eye_height=(1.0, 1.8),
    vertical_fov_deg=(60.0, 80.0),
    light=(0.7, 1.1),
    pitch=(-0.1, 0.15),
    latency_ticks=(0, 1),
    texture_sets=8,
)
ROBOT = BodyRange(
    eye_height=(0.6, 1.6),
    vertical_fov_deg=(60.0, 80.0),
    speed=(0.4, 1.0),
    turn=(0.5, 1.0),
    turn_lag=(0.0, 0.6),
    latency_ticks=(0, 2),
    light=(0.7, 1.1),
    pitch=(-0.05, 0.15),
    texture_sets=8,
)


@dataclasses.dataclass(frozen=True)
class Scene:
    """One kind of world in a suite, and who acts in it. `weight` is its share of the tasks."""

    place: str
    body: BodyRange
    weight: float
    difficulties: tuple[tuple[str, float], ...]  # (difficulty, share)
    events: tuple[tuple[Event, float], ...]  # (event, share)


@dataclasses.dataclass(frozen=True)
class Suite:
    """A family of tasks. Goal cameras see at least `min_goal_pixels` of a 64 x 64 picture's target."""

    name: str
    first_seed: int
    size: int
    scenes: tuple[Scene, ...]
    min_goal_pixels: int = 8
    strict: bool = False


APPROACH_AND_BREAK = ((Event.APPROACH, 0.7), (Event.BREAK, 0.3))
ONLY_APPROACH = ((Event.APPROACH, 1.0),)
FOUR_DISTANCES = (("near", 0.25), ("easy", 0.25), ("medium", 0.25), ("hard", 0.25))

SUITES = {
    suite.name: suite
    for suite in (
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
    )
}


def suite_named(name: str) -> Suite:
    """The suite of that name; ValueError names the nearest one."""
    return named(SUITES, name, "suite")
