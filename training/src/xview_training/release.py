"""From a training run to a bundle that says where it came from and what it was measured at.

xview export --checkpoint runs/cpu --out small.xview --results runs/cpu/heldout.json
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from xview_deploy.spec import Event

from xview_training.export import BundleOrigin, export_bundle
from xview_training.naming import named
from xview_training.parity.check import ParityReport, ParitySettings
from xview_training.policy.rocket2.guided_on_table import GuidedOnTable
from xview_training.policy.rocket2.layout import LAYOUTS
from xview_training.policy.rocket2.on_table import Rocket2Config, Rocket2OnTable
from xview_training.policy.rocket2.weights import load_rocket2
from xview_training.policy.tables import known_tables, table_of
from xview_training.runs.manifest import revision
from xview_training.tasks.events import table_for
from xview_training.tasks.sources import source_named
from xview_training.trained import load_policy


def export_checkpoint(
    checkpoint: Path,
    out: Path,
    name: str,
    results: Sequence[Path],
    precision: str,
    parity: ParitySettings,
) -> ParityReport:
    """Writes the bundle; ExportError where it would act otherwise than the policy.

    results: files of `xview evaluate --json`; each becomes one entry of the bundle's measured success.
    """
    policy, state = load_policy(checkpoint)
    experiment = state["experiment"]
    events, actions = source_named(experiment["suite"]).events, table_of(policy.config)
    # A policy with another table than its suite's did not learn there: it learnt what people did, of all events.
    asked = {event.asked for event in events} if actions == table_for(events) else set(Event)
    origin = BundleOrigin(
        name=name,
        events=tuple(sorted(event.value for event in asked)),
        policy=policy.config.architecture,
        actions=actions,
        training=_told_of(state),
        measured=dict(_measured(path) for path in results),
    )
    return export_bundle(policy, out, origin, parity, precision)


def export_published(
    weights: Path,
    out: Path,
    name: str,
    layout: str,
    table: str,
    precision: str,
    parity: ParitySettings,
    guidance: float = 0.0,
) -> ParityReport:
    """Writes published ROCKET-2 weights as a bundle that acts by a table of actions.

    weights: see `load_rocket2`. layout: where they are a file, a name of LAYOUTS. table: walk, full or minecraft.
    guidance: scale of the push towards the goal, see `GuidedRocket2`; 0 is none. ValueError names what does not fit,
    ExportError as `export_checkpoint`.
    """
    actions = named(known_tables(), table, "table of actions")
    fields = {} if weights.is_dir() else dataclasses.asdict(named(LAYOUTS, layout, "layout of ROCKET-2"))
    rocket2 = load_rocket2(weights, **fields)
    config = Rocket2Config(rocket2.layout, actions)
    policy = GuidedOnTable(config, rocket2, guidance) if guidance else Rocket2OnTable(config, rocket2)
    events = tuple(sorted(event.value for event in Event))
    origin = BundleOrigin(
        name, events, "rocket2", actions, training={"weights": weights.name, "guidance": f"{guidance:g}"}
    )
    return export_bundle(policy, out, origin, parity, precision)


def _told_of(state: dict[str, Any]) -> dict[str, str]:
    """What the bundle says of its run. PPO's also says what it started from."""
    experiment = state["experiment"]
    told = {
        "experiment": str(experiment["name"]),
        "seed": str(experiment["seed"]),
        "frames": str(state["global_step"]),
        "minutes": f"{state['seconds'] / 60:.1f}",
        "revision": revision(),
    }
    if state.get("core_seconds"):
        told["core_minutes"] = f"{state['core_seconds'] / 60:.1f}"
    return told | ({"algorithm": "ppo", "from": state["origin"]} if "origin" in state else {})


def _measured(path: Path) -> tuple[str, dict[str, float]]:
    """(suite and table row, rates) of one evaluation's headline."""
    record = json.loads(path.read_text())
    rows = sorted({f"{row['event']} {row['difficulty']}" for row in record["table"]})
    low, high = record["success_interval"]
    rates = {"episodes": float(record["episodes"]), "success_rate": record["success_rate"], "low": low, "high": high}
    return f"{record['suite']}: {', '.join(rows)}", rates | {"first_right_rate": record["first_right_rate"]}


def describe(report: ParityReport) -> Iterator[str]:
    """Lines for the terminal."""
    for name, rollout in report.rollouts.items():
        yield (
            f"{report.precision} on {report.provider}, {name} frames: {100 * rollout.agreement:.2f} % of "
            f"{rollout.choices:,} choices agree with torch; at worst logits differ by {rollout.logits:.2g}, other "
            f"answers by {rollout.answers:.2g}, the memory by {rollout.state:.2g}"
        )
    for name, rate in report.success.items():
        yield f"success on {report.suite}, {name}: {rate.successes} of {rate.trials}, {rate}"
