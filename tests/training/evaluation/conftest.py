"""Episodes as an evaluation books them, made up."""

from collections.abc import Callable

import pytest
from xview_training.evaluation.endings import Ending
from xview_training.evaluation.episodes import Episode


@pytest.fixture
def episode() -> Callable[..., Episode]:
    def make(
        event="approach", difficulty="near", visible=True, success=True, first="right", ticks=60, number=0, **changes
    ) -> Episode:
        made = {
            "task_id": f"heldout-{number}",
            "task": f"digest-{number}",
            "event": event,
            "difficulty": difficulty,
            "visible_at_start": visible,
            "same_kind": 0,
            "success": success,
            "first_right": first == "right",
            "first_wrong": first == "wrong",
            "died": False,
            "ending": Ending.SUCCESS if success else Ending.FAR,
            "ticks": ticks,
            "path_blocks": 9.0,
            "shortest_blocks": None if event in ("melee", "archery") else 6.0,
            "left_blocks": 1.5 if success else 20.0,
        }
        return Episode(**(made | changes))

    return make
