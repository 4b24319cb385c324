"""One evaluation from its wishes to its files: plays, films some of what was played, writes table, JSON and page."""

from __future__ import annotations

import dataclasses
import functools
import sys
from pathlib import Path
from typing import Any

from rich.console import Console
from xview_deploy.spec import ContractError

from xview_training.envs.minecraft.backends import BACKENDS, make
from xview_training.envs.minecraft.supervisor import GameDownError, MissingBackendError
from xview_training.evaluation import table
from xview_training.evaluation.episodes import Episode, Selection, Table
from xview_training.evaluation.players import settled
from xview_training.evaluation.real_game import LeftOut, play_in_game
from xview_training.evaluation.real_game import as_text as left_out_as_text
from xview_training.evaluation.workers import Entrant, play_all
from xview_training.naming import named
from xview_training.runs.manifest import this_start
from xview_training.tasks.events import TaskEvent, table_for
from xview_training.tasks.sources import Request, source_named
from xview_training.tasks.task import DIFFICULTIES

WIDTH = None if sys.stdout.isatty() else 120  # of what is printed; a file has no width of its own


@dataclasses.dataclass(frozen=True)
class Wishes:
    """Which tasks to play, and by which rules; checked when it is made."""

    suite: str = "heldout"
    event: str | None = None
    difficulty: str | None = None
    episodes: int = 200
    seed: int = 0
    strict: bool = False
    workers: int | None = None
    randomise: bool = True  # False: everyone of the suite is the published player (tasks/sources.py)
    backend: str | None = None  # real Minecraft, `workers` games (envs/minecraft/backends.py); None: our own world
    backend_python: str | None = None  # the interpreter that has its package; None: this one
    temperature: float = 1.0  # of a network's sampling; 0 takes the most likely action

    def __post_init__(self) -> None:
        if self.backend is not None:
            named(BACKENDS, self.backend, "Minecraft back-end")
        elif self.backend_python is not None:
            raise ContractError(f"backend_python: expected a backend with it, got {self.backend_python} alone")
        if self.difficulty is not None:
            named(DIFFICULTIES, self.difficulty, "difficulty")
        if self.workers is not None and self.workers < 1:
            raise ContractError(f"workers: expected at least 1, got {self.workers}")
        if not 0 <= self.temperature < float("inf"):
            raise ContractError(f"temperature: expected a number of 0 or more, got {self.temperature}")

    def selection(self) -> Selection:
        """The tasks. ValueError where there is no such suite, file or event."""
        source = source_named(self.suite, self.randomise).strictly(self.strict)
        event = None if self.event is None else TaskEvent.parse(self.event)
        return Selection(source, self.episodes, self.seed, event, self.difficulty)


@dataclasses.dataclass(frozen=True)
class Evaluated:
    """Who played what, and what came of it."""

    policy: str  # what it calls itself
    entrant: Entrant
    selection: Selection
    wishes: Wishes
    episodes: list[Episode]
    left_out: list[LeftOut] = dataclasses.field(default_factory=list)  # tasks that the real game did not let be played

    @property
    def title(self) -> str:
        """What was played, where results are shown."""
        where = "" if self.wishes.backend is None else f" in {self.wishes.backend}"
        how = "" if self.wishes.temperature == 1 else f", temperature {self.wishes.temperature:g}"
        return f"{self.selection.suite.title}{where}{how}"

    def record(self) -> dict[str, Any]:
        """What `--json` writes."""
        wishes = self.wishes
        head = table.as_json(self.policy, wishes.suite, wishes.seed, self.episodes)
        return head | {
            "strict": wishes.strict,
            "randomise": wishes.randomise,
            "backend": wishes.backend,
            "temperature": wishes.temperature,
            "left_out": [dataclasses.asdict(one) for one in self.left_out],
            "start": this_start(),
        }


def evaluate(policy: str | None, wishes: Wishes, quiet: bool = False) -> Evaluated:
    """Plays. ValueError for unknown names, more tasks than there are, or a real game that cannot be had.

    A run is one of its checkpoints throughout, whatever is trained meanwhile; ValueError where that one is removed.
    """
    selection = wishes.selection()
    entrant = Entrant(settled(policy), wishes.seed, table_for(selection.suite.events), wishes.temperature)
    player = entrant.player()
    entrant = dataclasses.replace(entrant, called=player.name)
    if wishes.backend is None:
        return Evaluated(player.name, entrant, selection, wishes, play_all(entrant, selection, wishes.workers, quiet))
    game = functools.partial(make, wishes.backend, python=wishes.backend_python or sys.executable)
    try:
        episodes, left_out = play_in_game(player, selection, game, wishes.workers or 1, quiet)
    except (GameDownError, MissingBackendError) as error:
        raise ValueError(f"{wishes.backend}: {error}") from error
    if not episodes:
        raise ValueError(f"{wishes.backend}: no task was played. {left_out_as_text(left_out, selection.episodes)}")
    return Evaluated(player.name, entrant, selection, wishes, episodes, left_out)


def show(evaluated: Evaluated) -> None:
    """Prints the tables."""
    console = Console(width=WIDTH)
    console.print(table.as_text(evaluated.policy, evaluated.title, evaluated.episodes))
    console.print(table.endings_as_text(evaluated.episodes))
    if evaluated.left_out:
        console.print(left_out_as_text(evaluated.left_out, evaluated.selection.episodes), markup=False)


def write_page(evaluated: Evaluated, path: Path, videos: int) -> None:
    """Writes the HTML page, with that many episodes to watch; none of the real game, which cannot be played again."""
    from xview_training.evaluation.report import page

    films = film(evaluated, choose(evaluated.episodes, videos)) if videos and evaluated.wishes.backend is None else ()
    wishes, title = evaluated.wishes, evaluated.title
    page.write(
        page.Evaluation(
            evaluated.policy, title, wishes.seed, wishes.strict, evaluated.episodes, this_start(), tuple(films)
        ),
        path,
    )


def choose(episodes: list[Episode], count: int) -> list[int]:
    """Positions of episodes worth watching: won and lost ones in turn, each time of the kind that was shown least."""
    shown: dict[tuple[str, ...], int] = {}
    chosen: list[int] = []

    def kinds(e: Episode) -> list[tuple[str, ...]]:
        return [(e.event, str(e.success)), (e.difficulty, str(e.success)), (e.ending.value,)]

    for number in range(min(count, len(episodes))):
        left = [k for k in range(len(episodes)) if k not in chosen]
        wanted = [k for k in left if episodes[k].success == (number % 2 == 0)] or left
        best = min(wanted, key=lambda k: (sum(shown.get(kind, 0) for kind in kinds(episodes[k])), k))
        chosen.append(best)
        for kind in kinds(episodes[best]):
            shown[kind] = shown.get(kind, 0) + 1
    return chosen


def film(evaluated: Evaluated, positions: list[int]) -> list[Any]:
    """Plays these episodes again before a camera: page.Film, in their order.

    An episode is its task and its random numbers, so it runs as it did, but for roundings where a network sees it in
    another batch; what is told of a film is what it shows.
    """
    from xview_training.evaluation.filming import Camera
    from xview_training.evaluation.report.page import Film

    indices = evaluated.selection.indices()
    tasks: list[Request] = [evaluated.selection.request(int(indices[position])) for position in positions]
    camera, player = Camera(), evaluated.entrant.player()
    with Table(player, len(tasks)) as again:
        played = again.play(tasks, camera)
    films = camera.films(player.actions.rate_hz)
    return [Film(episode, films[slot]) for slot, episode in enumerate(played)]
