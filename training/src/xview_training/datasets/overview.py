"""What a data set holds, in a few lines for people."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from xview_training.datasets.dataset import Dataset


def overview(folder: Path) -> Iterator[str]:
    """Lines to print. DatasetError where the data set cannot be used."""
    dataset = Dataset(folder)
    manifest, lengths = dataset.manifest, dataset.lengths
    size = sum(path.stat().st_size for path in dataset.files)
    won = Counter[bool]()
    events = Counter[str]()
    for episode in dataset:
        won[episode.about.success] += 1
        events[episode.about.event] += 1
    yield f"{folder}: {len(dataset):,} episodes, {int(lengths.sum()):,} frames, from {manifest.origin}"
    if len(dataset) == 0:
        return
    side = manifest.image_size
    yield f"  pictures {side} x {side}, {manifest.encoding}; {len(manifest.actions.buttons)} rows of keys"
    yield f"  {len(dataset.files)} files, {size / 2**20:,.1f} MiB, {size / lengths.sum():,.0f} bytes a frame"
    yield f"  frames an episode: {lengths.min()} to {lengths.max()}, median {sorted(lengths)[len(lengths) // 2]}"
    yield f"  events: {', '.join(f'{name} {count:,}' for name, count in events.most_common())}"
    yield f"  succeeded: {won[True]:,} of {len(dataset):,}"
