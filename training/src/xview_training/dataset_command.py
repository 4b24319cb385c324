"""`xview dataset`: data sets and those who fill them. Functions import what they need: every `xview` loads this."""

from __future__ import annotations

from pathlib import Path

import tyro

from xview_training.command_line import checked


def dataset_record(
    out: Path,
    suite: str = "train",
    episodes: int = 1000,
    image_size: int = 64,
    pictures: str = "png",
    environments: int = 32,
    threads: int = 2,
    bursts: float = 0.05,
    seed: int = 0,
) -> None:
    """Records the expert's episodes of a suite's first tasks; goes on where an earlier recording stopped.

    Args:
        out: folder of the data set, see docs/datasets.md.
        suite: a suite (train, train-v1, ...) or a file of tasks.
        episodes: how many tasks.
        image_size: pixels a side.
        pictures: png, which loses nothing, or jpeg.
        environments: how many are played at a time.
        threads: processor threads.
        bursts: probability, a decision, that the expert is pushed off its path and shows how to come back.
        seed: of the pushes.
    """
    from rich.progress import Progress

    from xview_training.imitation.demonstrations import DemonstrationConfig, record
    from xview_training.tasks.sources import source_named

    config = DemonstrationConfig(episodes, image_size, pictures, environments, threads, bursts, seed)
    with Progress(transient=True) as bar:
        shown = bar.add_task(f"expert on {suite}", total=None)
        source = checked(source_named, suite)
        added = checked(record, config, source, out, lambda done, of: bar.update(shown, completed=done, total=of))
    print(f"{added} episodes added: {out}")
    _describe(out)


def dataset_info(folder: tyro.conf.Positional[Path], check: bool = False, set_aside: bool = False) -> None:
    """What a data set holds; names its damaged files.

    Args:
        folder: of the data set.
        check: read every byte and compare it with its checksum.
        set_aside: move damaged files into the folder `damaged` beside the others, so that the rest can be used.
    """
    from xview_training.datasets import dataset

    problems = checked(dataset.damaged_chunks, folder, check)
    for problem in problems.values():
        print(problem)
    if set_aside and problems:
        print("\n".join(f"set aside: {path}" for path in dataset.set_aside(folder, list(problems))))
    _describe(folder)


def _describe(folder: Path) -> None:
    from xview_training.datasets.overview import overview

    print("\n".join(checked(overview, folder)))
