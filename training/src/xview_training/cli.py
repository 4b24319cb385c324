"""The table of the training machine's sub-commands; each stands in the room that it belongs to, in `commands.py`.

Those modules are imported for every `xview`, so their functions import what they need when they run.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from xview_training.bench.commands import (
    bench_endings,
    bench_fragments,
    bench_fuzz_sim,
    bench_links,
    bench_policy,
    bench_sim,
    bench_train,
)
from xview_training.dataset_command import (
    dataset_from_lerobot,
    dataset_from_minestudio,
    dataset_info,
    dataset_record,
    dataset_to_lerobot,
)
from xview_training.evaluation.commands import evaluate
from xview_training.export_command import export
from xview_training.factory.commands import tasks_make
from xview_training.imitation_command import train_imitation
from xview_training.ppo_command import train_ppo
from xview_training.runs.commands import hub_pull, hub_push, train_curve
from xview_training.tasks.commands import tasks_gallery, tasks_show


def commands() -> Mapping[str, Any]:
    """Names and functions, for the entry-point group `xview.commands`."""
    return {
        "train": {"imitation": train_imitation, "ppo": train_ppo, "curve": train_curve},
        "dataset": {
            "from-lerobot": dataset_from_lerobot,
            "from-minestudio": dataset_from_minestudio,
            "info": dataset_info,
            "record": dataset_record,
            "to-lerobot": dataset_to_lerobot,
        },
        "evaluate": evaluate,
        "export": export,
        "hub": {"pull": hub_pull, "push": hub_push},
        "tasks": {"gallery": tasks_gallery, "make": tasks_make, "show": tasks_show},
        "bench": {
            "endings": bench_endings,
            "fragments": bench_fragments,
            "links": bench_links,
            "fuzz-sim": bench_fuzz_sim,
            "policy": bench_policy,
            "sim": bench_sim,
            "train": bench_train,
        },
    }
