"""RUN/progress.jsonl: what a trainer logged, one JSON object a line. Knows no trainer."""

from __future__ import annotations

import json
import logging
from pathlib import Path

LOG = logging.getLogger(__name__)
FILE = "progress.jsonl"


def cut(run: Path, step: int) -> None:
    """Removes the lines of steps beyond `step`, where a run begins or goes on, and a last one written in part."""
    path = run / FILE
    if not path.is_file():
        return
    kept = []
    for line in path.read_text().splitlines():
        try:
            if json.loads(line)["step"] <= step:
                kept.append(f"{line}\n")
        except ValueError:
            LOG.warning("%s: a line that was written in part is left out", path)
    partial = path.with_name(f".{path.name}.partial")
    partial.write_text("".join(kept))
    partial.replace(path)
