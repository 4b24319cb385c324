"""Bundles and runs on the Hugging Face hub, with the card that says what they are.

    xview hub push small.xview someone/xview-small
    xview hub pull someone/xview-small --out models

A bundle goes up as its one file. A run goes up as what is needed to go on from it or to play it: manifest, logs, the
best checkpoint where there is one, else the newest; pulled, it is a run folder again. The token is the library's
(`hf auth login`, or HF_TOKEN); HF_ENDPOINT names another hub.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from xview_deploy.bundle import read_bundle
from xview_deploy.spec import BundleMetadata

from xview_training import checkpoints
from xview_training.naming import bundle_or_run
from xview_training.runs import best, manifest

CARD = "README.md"
RUN_FILES = (manifest.FILE, "progress.jsonl", best.LOG)
BUNDLE_SUFFIX = ".xview"
FRONT = "---\nlibrary_name: xview\nlicense: apache-2.0\npipeline_tag: robotics\ntags: [xview, cross-view-goal]\n---\n"


@dataclasses.dataclass(frozen=True)
class Parcel:
    """What goes up: (path in the repository, file here), and the card."""

    files: tuple[tuple[str, Path], ...]
    card: str


def push(source: Path, repository: str, private: bool = False) -> str:
    """Uploads a bundle or a run in one commit; the commit's address. ValueError where it is neither, or refused."""
    source = bundle_or_run(source)
    parcel = bundle_parcel(source) if source.suffix == BUNDLE_SUFFIX else run_parcel(source, repository)
    hub = _library()
    operations = [hub.CommitOperationAdd(CARD, parcel.card.encode())]
    operations += [hub.CommitOperationAdd(name, str(path)) for name, path in parcel.files]
    with _Refusals(repository):
        api = hub.HfApi()
        api.create_repo(repository, private=private, exist_ok=True)
        return str(api.create_commit(repository, operations, commit_message=f"{source.name}, pushed by xview"))


def pull(repository: str, out: Path, revision: str | None = None) -> list[Path]:
    """Downloads everything into a folder; the bundles, or the run, that are in it. ValueError where there is none."""
    hub = _library()
    with _Refusals(repository):
        hub.snapshot_download(repository, revision=revision, local_dir=str(out))
    bundles = sorted(out.glob(f"*{BUNDLE_SUFFIX}"))
    for bundle in bundles:
        read_bundle(bundle)
    found = bundles or (
        [out] if any((out / name).exists() for name in (manifest.FILE, best.BEST, "checkpoints")) else []
    )
    if not found:
        raise ValueError(
            f"{repository}: expected a bundle (*{BUNDLE_SUFFIX}) or a run in it, found neither; it is in {out}"
        )
    return found


def bundle_parcel(path: Path) -> Parcel:
    """A checked bundle with its card."""
    return Parcel(((path.name, path),), FRONT + "\n".join(_bundle_card(path.name, read_bundle(path).metadata)))


def run_parcel(run: Path, repository: str) -> Parcel:
    """A run's logs and one checkpoint, with the repository's card. ValueError where there is no run or checkpoint."""
    newest = checkpoints.newest(run / "checkpoints")
    kept = run / best.BEST if (run / best.BEST).is_dir() else newest
    if kept is None:
        raise ValueError(f"{run}: expected a bundle (*{BUNDLE_SUFFIX}) or a run with a checkpoint, found neither")
    checkpoints.load(kept)
    logs = [(name, run / name) for name in RUN_FILES if (run / name).is_file()]
    weights = [(path.relative_to(run).as_posix(), path) for path in sorted(kept.iterdir())]
    return Parcel((*logs, *weights), FRONT + "\n".join(_run_card(run, kept, repository)))


def _bundle_card(name: str, metadata: BundleMetadata) -> Iterator[str]:
    yield f"# {metadata.name}\n"
    yield "A policy that drives to a target marked on another camera's picture. One file, run by ONNX Runtime:\n"
    yield f"```\nxview demo --bundle {name}\nxview evaluate --policy {name}\n```\n"
    yield f"- policy `{metadata.policy}`, {metadata.image_size} x {metadata.image_size} pixels, {metadata.precision}"
    yield f"- events: {', '.join(metadata.events)}; {metadata.actions.rate_hz:.1f} decisions a second"
    yield "- training: " + ", ".join(f"{key} {value}" for key, value in metadata.training.items())
    yield "\n| measured on | episodes | success | 95 % interval |\n|---|---|---|---|"
    for suite, figures in metadata.measured.items():
        low, high = (f"{100 * figures[side]:.0f}" for side in ("low", "high"))
        yield f"| {suite} | {figures['episodes']:.0f} | {100 * figures['success_rate']:.0f} % | {low} to {high} |"


def _run_card(run: Path, kept: Path, repository: str) -> Iterator[str]:
    held = manifest.read(run) or {"kind": "training", "starts": []}
    yield f"# {run.name}\n"
    yield f"A run of {held['kind']} with xview, at `{kept.relative_to(run).as_posix()}`.\n"
    yield f"```\nxview hub pull {repository} --out {run.name}\nxview evaluate --policy {run.name}"
    yield f"xview export --checkpoint {run.name} --out policy.xview\n```\n"
    for start in held["starts"]:
        yield f"- {start['time']}: `{start['command']}`, source {start['revision']}, {start['machine']['processor']}"
    for score in best.scores(run):
        rate = 100 * score.successes / score.episodes
        yield f"- {score.suite}, {score.episodes} episodes at {score.step:,} frames: {rate:.1f} % success"
    if "experiment" in held:
        yield f"\n```json\n{json.dumps(held['experiment'], indent=1)}\n```"


class _Refusals:
    """Turns what the hub and the network refuse into one clear error."""

    def __init__(self, repository: str) -> None:
        self._repository = repository

    def __enter__(self) -> None:
        """Nothing to prepare."""

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: Any) -> None:
        if error is None or not isinstance(error, _library_errors()):
            return
        first = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise ValueError(f"{self._repository}: the hub does not answer as it should: {first}") from error


def _library_errors() -> tuple[type[Exception], ...]:
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalTokenNotFoundError

    return (HfHubHTTPError, HFValidationError, LocalTokenNotFoundError, OSError)


def _library() -> Any:
    try:
        import huggingface_hub
    except ModuleNotFoundError as error:
        if not (error.name or "").startswith("huggingface_hub"):
            raise
        raise ValueError(
            "expected huggingface_hub to be installed, it is not: pip install 'xview-training[hub]'"
        ) from None
    return huggingface_hub
