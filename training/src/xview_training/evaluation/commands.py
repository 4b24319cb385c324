"""`xview evaluate`. Imported for every `xview`, so functions import what they need."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from xview_deploy.spec import ContractError

from xview_training.command_line import checked, write_json

if TYPE_CHECKING:
    from xview_training.evaluation.evaluating import Wishes


def evaluate(
    policy: str | None = None,
    suite: str = "heldout",
    event: str | None = None,
    difficulty: str | None = None,
    episodes: int = 200,
    seed: int = 0,
    strict: bool = False,
    workers: int | None = None,
    randomise: bool = True,
    backend: str | None = None,
    backend_python: str | None = None,
    temperature: float = 1.0,
    json: Path | None = None,
    html: Path | None = None,
    videos: int = 6,
    compare: tuple[str, str] | None = None,
    pool: tuple[Path, ...] = (),
    run: Path | None = None,
) -> None:
    """Plays a suite's tasks with a policy and prints success by event, difficulty and first-frame visibility.

    With --compare, says whether two policies differ on the same tasks. With --run, plays each checkpoint of a run, the
    best one too, that was not played on them yet, and keeps the best one in RUN/best.

    Args:
        policy: a bundle, a run's folder (its newest checkpoint), a checkpoint's, "random", "forward_biased_random" or
            "expert"; the shipped bundle "small" by default, "five" is the one for all five events.
        suite: a suite (heldout, heldout-v1, ...) or a file of tasks.
        event: approach, break, use, melee or archery; what the suite draws by default.
        difficulty: near, easy, medium or hard; what the suite draws by default.
        episodes: how many tasks, each another world.
        seed: chooses the tasks, and the random numbers of the policy.
        strict: an arrival at a wrong candidate ends the episode.
        workers: processes; one a core by default. Their number changes no result. Of a backend: games, one by
            default.
        randomise: --no-randomise gives everyone of a suite the published player's body, eye and start.
        backend: play in real Minecraft: craftground, minerl or minerl-0.4 (docs/minecraft.md).
        backend_python: the Python that has the backend's package, where it is not this one.
        temperature: of the sampling of a network's actions; 0 takes the most likely one.
        json: write everything to this file; with --run, what its checkpoints reached on these tasks.
        html: write a page with tables, plots and films to this file.
        videos: how many episodes the page shows, won and lost ones.
        pool: files that --json wrote, of a recipe's seeds, say: their rates together, and each one's beside it.
        compare: two files that --json wrote, or policies to play; the second is judged against the first.
        run: folder of a training run.
    """
    from xview_training.evaluation.evaluating import Wishes

    chosen = [
        f"--{name}" for name, value in (("policy", policy), ("compare", compare), ("pool", pool), ("run", run)) if value
    ]
    if len(chosen) > 1:
        raise ContractError(f"expected one of --policy, --compare, --pool and --run, got {' and '.join(chosen)}")
    if html is not None and (compare or pool or run):
        raise ContractError(f"--html: expected it without {chosen[0]}, which writes no page")
    tasks = suite, event, difficulty, episodes, seed
    wishes = checked(Wishes, *tasks, strict, workers, randomise, backend, backend_python, temperature)
    if compare is not None:
        return _compare(compare, wishes, json)
    if pool:
        return _pool(pool, json)
    if run is not None:
        return _mark_best(run, wishes, json)
    return _evaluate(policy, wishes, json, html, videos)


def _evaluate(policy: str | None, wishes: Wishes, json: Path | None, html: Path | None, videos: int) -> None:
    from xview_training.evaluation import evaluating

    evaluated = checked(evaluating.evaluate, policy, wishes)
    evaluating.show(evaluated)
    if json is not None:
        write_json(json, evaluated.record())
    if html is not None:
        checked(evaluating.write_page, evaluated, html, videos)
        print(html)


def _compare(names: tuple[str, str], wishes: Wishes, json: Path | None) -> None:
    from rich.console import Console

    from xview_training.evaluation import comparison, evaluating

    def record(name: str) -> dict:
        if Path(name).suffix == ".json":
            return comparison.load_record(Path(name))
        evaluated = evaluating.evaluate(name, wishes)
        evaluating.show(evaluated)
        return evaluated.record()

    compared = checked(comparison.compare, *(checked(record, name) for name in names))
    Console(width=evaluating.WIDTH).print(compared.as_text())
    print("\n".join(compared.verdicts()))
    if json is not None:
        write_json(json, compared.as_json())


def _pool(paths: tuple[Path, ...], json: Path | None) -> None:
    from rich.console import Console

    from xview_training.evaluation import comparison, evaluating, pooling

    records = [checked(comparison.load_record, path) for path in paths]
    Console(width=evaluating.WIDTH).print(checked(pooling.as_text, records))
    if json is not None:
        write_json(json, pooling.pooled(records))


def _mark_best(run: Path, wishes: Wishes, json: Path | None) -> None:
    from xview_training.evaluation.best_of_run import mark_best, scores_on

    for score, best in checked(mark_best, run, wishes):
        rate = 100 * score.rate
        print(f"{score.step:,} frames: {rate:.1f} % of {score.episodes} on {score.suite}{', the best' if best else ''}")
    if json is not None:
        write_json(json, scores_on(run, wishes))
