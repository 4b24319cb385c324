"""`xview hub` and `xview train curve`. Imported for every `xview`, so functions import what they need."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import tyro

from xview_training.command_line import checked


def train_curve(
    runs: tyro.conf.Positional[tuple[Path, ...]], out: Path, axis: Literal["frames", "minutes"] = "frames"
) -> None:
    """Draws the learning curves of one or several runs; runs that differ in the seed alone become mean and band.

    Args:
        runs: folders of runs, of imitation or PPO.
        out: picture to write, *.png or *.svg.
        axis: what the curves are drawn over: trained frames, or minutes of training.
    """
    from xview_training.runs.curve import draw

    checked(draw, runs, out, axis)
    print(out)


def hub_push(source: tyro.conf.Positional[Path], repository: tyro.conf.Positional[str], private: bool = False) -> None:
    """Uploads a bundle, or a run with its best checkpoint, to the Hugging Face hub, with a card.

    Args:
        source: a bundle (*.xview) or a run's folder.
        repository: OWNER/NAME; made if there is none. The token is HF_TOKEN or that of `hf auth login`.
        private: where it is made: nobody else may read it.
    """
    from xview_training.runs.hub import push

    print(checked(push, source, repository, private))


def hub_pull(repository: tyro.conf.Positional[str], out: Path | None = None, revision: str | None = None) -> None:
    """Downloads a bundle or a run from the Hugging Face hub, and checks it.

    Args:
        repository: OWNER/NAME.
        out: folder to write into; models/NAME by default.
        revision: a branch, tag or commit instead of the newest state.
    """
    from xview_training.runs.hub import pull

    folder = out or Path("models") / repository.rpartition("/")[2]
    print("\n".join(str(path) for path in checked(pull, repository, folder, revision)))
