"""Why a draw is given up when tasks are made: a kind for each reason, and what it means."""

from __future__ import annotations

from enum import Enum


class Rejection(Enum):
    """Kinds of rejection; the value says why. Their order is that of the columns in journals of made tasks."""

    NO_OBJECT = "the world has no object for the event"
    NO_GOAL_VIEW = "none of the cameras drawn around the target sees enough of it"
    INDISTINCT = "a camera sees enough of the target, but none shows it plainly: too dark, or like what is around it"
    NO_START = "no place at the difficulty's distance from which the target can be walked to"
    TOO_FAR = "at the body's speed, the way from the start to the target takes too much of the time limit"
    IN_SIGHT = "the target is in sight at the start, and the suite wants it hidden"
    TWO_AT_ONCE = "another object stands so close that who arrives at one has arrived at both"
    NO_WORLD = "none of the worlds tried for one task gave one"
    WORLD_TAKEN = "an earlier task of the file has that world: it would not be another task"

    @property
    def kind(self) -> str:
        """Its name in reports."""
        return self.name.lower()
