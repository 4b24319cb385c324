"""`xview dataset`: data sets and those who fill them. Functions import what they need: every `xview` loads this."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import tyro
from xview_deploy.spec import ContractError

from xview_training.command_line import checked


def dataset_record(
    out: Path,
    suite: str = "train",
    randomise: bool = True,
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
        randomise: --no-randomise gives everyone of a suite the published player's body, eye and start.
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
        source = checked(source_named, suite, randomise)
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


def dataset_to_lerobot(
    folder: tyro.conf.Positional[Path], out: tyro.conf.Positional[Path], video: bool = False
) -> None:
    """Converts a data set of ours to a LeRobotDataset v3.0.

    Args:
        folder: of the data set.
        out: new folder.
        video: the agent's pictures as MP4, which loses a little; otherwise as pictures, which loses nothing.
    """
    from xview_training.datasets.dataset import Dataset

    with _optional("pyarrow"):
        from xview_training.datasets.lerobot.writing import to_lerobot

    print(checked(to_lerobot, checked(Dataset, folder), out, video))


def dataset_from_lerobot(folder: tyro.conf.Positional[Path], out: tyro.conf.Positional[Path]) -> None:
    """Converts a LeRobotDataset v3.0 that has our features to a data set of ours.

    Args:
        folder: of the LeRobotDataset.
        out: folder of the data set.
    """
    with _optional("pyarrow"):
        from xview_training.datasets.lerobot.reading import from_lerobot

    checked(from_lerobot, folder, out)
    _describe(out)


def dataset_from_minestudio(
    folder: tyro.conf.Positional[Path],
    out: tyro.conf.Positional[Path],
    image_size: int = 224,
    pictures: str = "jpeg",
    longest: int = 600,
) -> None:
    """Converts MineStudio's trajectories with segmentation, in LMDB files, to a data set of ours.

    Args:
        folder: in which there are the folders video (or image), action and segmentation (or segment).
        out: folder of the data set.
        image_size: pixels a side.
        pictures: jpeg, or png, which loses nothing more.
        longest: frames before an interaction's end that are kept.
    """
    with _optional("lmdb"):
        from xview_training.datasets.minestudio.reading import MineStudioConfig, from_minestudio

    config = checked(MineStudioConfig, image_size, pictures, longest)
    for what, count in checked(from_minestudio, folder, out, config).items():
        print(f"{count:8,} {what}")
    _describe(out)


@contextlib.contextmanager
def _optional(package: str) -> Iterator[None]:
    """Says how to install the package where an import within finds that it is missing."""
    try:
        yield
    except ModuleNotFoundError as error:
        if error.name != package:
            raise
        raise ContractError(f"{package} is not installed: pip install 'xview-training[datasets]'") from None
