"""`xview tasks make`. Imported for every `xview`, so functions import what they need."""

from __future__ import annotations

from pathlib import Path

from xview_deploy.spec import ContractError

from xview_training.command_line import checked, write_json


def tasks_make(
    out: Path,
    count: int = 100_000,
    suite: str = "train-v1",
    seed: int = 0,
    workers: int | None = None,
    check: int = 200,
    randomise: bool = True,
) -> None:
    """Makes a file of distinct tasks, has the expert do a sample, reports what was rejected; a killed run goes on.

    Args:
        out: the file to write (*.xvt); its report goes beside it (*.report.json).
        count: how many tasks.
        suite: from whose distribution.
        seed: chooses which of the suite's tasks.
        workers: processes; one a core by default. Any number makes the same file.
        check: how many random tasks of the file the expert has to do; 0 for none.
        randomise: --no-randomise gives everyone the published player's body, eye and start.
    """
    from rich.console import Console

    from xview_training.factory import report
    from xview_training.factory.check import check as have_expert_do
    from xview_training.factory.make import Order, Work, make
    from xview_training.factory.watching import Watching
    from xview_training.runs.manifest import cores
    from xview_training.tasks.files import TaskFile
    from xview_training.tasks.suites import suite_named

    if out.exists():
        raise ContractError(f"{out} is there already: remove it or name another file")
    if check < 0:
        raise ContractError(f"check: expected 0 or more, got {check}")
    order = checked(Order, checked(suite_named, suite, randomise), count, seed)
    work = checked(Work, workers or cores())
    with Watching(f"{count:,} tasks of {suite}", count) as watching:
        made = checked(make, order, out, work, watching)
    print(
        f"made {watching.here:,} tasks in {watching.seconds / 60:.1f} min with {work.workers} workers: "
        f"{watching.here / watching.seconds:.0f} a second"
    )
    file = checked(TaskFile.open, out)
    timing = {"workers": work.workers, "seconds": watching.seconds, "made_in_them": watching.here}
    for checking in (False, True) if check else (False,):  # what was made is written down before the expert plays
        summary = report.as_json(file, made, have_expert_do(file, check, seed) if checking else None)
        write_json(out.with_suffix(".report.json"), summary | {"randomise": randomise, "run": timing})
    Console().print(report.as_text(summary))
