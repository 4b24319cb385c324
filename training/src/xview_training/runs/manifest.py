"""What a run's folder says of how to repeat it: RUN/run.json, one entry a start.

    RUN/run.json          kind, experiment with all its settings and seeds, and of each start: command line, time,
                          machine, source revision, Python and the versions of all packages
    RUN/progress.jsonl    what the trainer logged, a line an iteration: step, seconds, losses
    RUN/tensorboard/      the same for TensorBoard
    RUN/checkpoints/      the newest few; RUN/best/ the one that succeeded most (runs/best.py)

Knows no trainer: whoever trains calls `record_start`.
"""

from __future__ import annotations

import dataclasses
import datetime
import json
import os
import platform
import shlex
import subprocess
import sys
from importlib.metadata import distributions
from pathlib import Path
from typing import Any

FILE = "run.json"


def record_start(run: Path, kind: str, experiment: Any, resumed_from: Path | None = None) -> dict[str, Any]:
    """Adds this process's start to the run's manifest, and returns the manifest.

    kind: what trains, "imitation" or "ppo". experiment: the frozen dataclass of its settings. ValueError where the
    folder holds a run of another kind.
    """
    run.mkdir(parents=True, exist_ok=True)
    manifest = read(run) or {"kind": kind, "starts": []}
    if manifest["kind"] != kind:
        raise ValueError(f"{run} holds a run of {manifest['kind']}: choose another folder for {kind}")
    manifest["experiment"] = json.loads(json.dumps(dataclasses.asdict(experiment)))
    manifest["starts"].append(this_start() | {"resumed_from": resumed_from.name if resumed_from else None})
    partial = run / f".{FILE}.partial"
    partial.write_text(json.dumps(manifest, indent=1))
    os.replace(partial, run / FILE)
    return manifest


def read(run: Path) -> dict[str, Any] | None:
    """A run's manifest, None where it has none; ValueError where it is damaged."""
    path = run / FILE
    if not path.is_file():
        return None
    try:
        manifest = json.loads(path.read_text())
        if not isinstance(manifest["starts"], list) or not isinstance(manifest["kind"], str):
            raise TypeError("expected a kind and a list of starts")
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{path} is damaged: {error}; remove it to have a new one written") from error
    return manifest


def this_start() -> dict[str, Any]:
    """What this process is."""
    return {
        "time": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
        "command": shlex.join([Path(sys.argv[0]).name, *sys.argv[1:]]),
        "machine": machine(),
        "revision": revision(),
        "python": platform.python_version(),
        "packages": packages(),
    }


def packages() -> dict[str, str]:
    """Versions of all installed distributions, by name."""
    found = {d.metadata["Name"]: d.version for d in distributions() if d.metadata["Name"]}
    return dict(sorted(found.items(), key=lambda item: item[0].lower()))


def revision() -> str:
    """The source tree's git revision, with "-dirty" where it was edited; "unknown" outside a checkout."""
    command = ["git", "describe", "--always", "--dirty", "--abbrev=12"]
    try:
        found = subprocess.run(command, cwd=Path(__file__).parent, capture_output=True, text=True, check=False)
    except OSError:
        return "unknown"
    return found.stdout.strip() or "unknown"


def machine() -> dict[str, Any]:
    """Processor, cores that may be used, memory, and graphics cards where torch sees some."""
    return {
        "system": platform.platform(),
        "processor": _processor(),
        "cores": cores(),
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
        "gpus": _gpus(),
    }


def cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _processor() -> str:
    information = Path("/proc/cpuinfo")
    if information.is_file():
        for line in information.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _gpus() -> list[str]:
    torch = sys.modules.get("torch")  # who trains on a GPU has loaded it; nobody else waits for it here
    if torch is None or not torch.cuda.is_available():
        return []
    return [torch.cuda.get_device_name(number) for number in range(torch.cuda.device_count())]
