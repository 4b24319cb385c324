"""`xview evaluate`. Imported for every `xview`, so the function imports what it needs."""

from __future__ import annotations

from pathlib import Path

from xview_deploy.spec import ContractError

from xview_training.command_line import checked, write_json


def evaluate(
    policy: str | None = None,
    suite: str = "heldout",
    event: str | None = None,
    difficulty: str | None = None,
    episodes: int = 200,
    seed: int = 0,
    strict: bool = False,
    json: Path | None = None,
) -> None:
    """Plays a suite's tasks with a policy and prints success by event, difficulty and first-frame visibility.

    Args:
        policy: a bundle, "random", "forward_biased_random" or "expert"; the shipped bundle by default.
        suite: a suite (heldout, heldout-v1, ...) or a file of tasks.
        event: approach, break, use, melee or archery; what the suite draws by default.
        difficulty: near, easy, medium or hard; what the suite draws by default.
        episodes: how many tasks, each another world.
        seed: chooses the tasks, and the random numbers of the policy.
        strict: an arrival at a wrong candidate ends the episode.
        json: write everything to this file.
    """
    from rich.console import Console

    from xview_training.evaluation import table
    from xview_training.evaluation.episodes import Selection, play
    from xview_training.evaluation.players import player_named
    from xview_training.tasks.events import TaskEvent, table_for
    from xview_training.tasks.sources import source_named
    from xview_training.tasks.task import DIFFICULTIES

    if difficulty is not None and difficulty not in DIFFICULTIES:
        raise ContractError(f"difficulty: expected one of {', '.join(DIFFICULTIES)}, got {difficulty!r}")
    chosen = checked(source_named, suite).strictly(strict)
    wanted = None if event is None else TaskEvent.parse(event)
    selection = Selection(chosen, episodes, seed, wanted, difficulty)
    player = checked(player_named, policy, seed, table_for(chosen.events))
    results = checked(play, player, selection)
    Console().print(table.as_text(player.name, suite, results))
    if json is not None:
        write_json(json, table.as_json(player.name, suite, seed, results) | {"strict": strict})
