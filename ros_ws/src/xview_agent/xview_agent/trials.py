"""An automatic operator on one graph with a twin: runs trials and writes down what came of them.

python -m xview_agent.trials --trials 20 --seed 0 --json trials.json
"""

from __future__ import annotations

import dataclasses
import json as json_format
import sys
import threading
from pathlib import Path

import numpy as np
import rclpy
import tyro
from rclpy.executors import ExternalShutdownException, SingleThreadedExecutor
from rclpy.node import Node
from xview_deploy.trials.records import TrialRecord
from xview_deploy.trials.runner import TrialError, TrialRunner, TrialSettings

from xview_agent.operator_link import OperatorLink
from xview_agent.topics import NAMESPACE
from xview_agent.trial_room import RosTrialRoom

CAMERAS = ("third_person",)


def trial_seeds(trials: int, seed: int) -> list[int]:
    """The rooms of an evaluation: the same for every policy."""
    return [int(s) for s in np.random.default_rng(seed).integers(0, 2**31, trials)]


def run_trials(node: Node, trials: int, seed: int, difficulty: str) -> list[TrialRecord]:
    """Runs them one after the other; a line each on the way."""
    room = RosTrialRoom(node)
    runner = TrialRunner(OperatorLink(node, CAMERAS), room, TrialSettings(difficulty=difficulty))
    records = []
    for number, room_seed in enumerate(trial_seeds(trials, seed), 1):
        record = runner.run(room_seed)
        room.publish(record, f"{difficulty}-{room_seed}")
        records.append(record)
        verdict = "reached the target" if record.success else record.reason
        first = "" if record.first_right or not record.success else ", after a wrong object"
        print(f"{record.policy} {number}/{trials}: {verdict}{first} ({record.seconds:.1f} s)", flush=True)
    return records


def trials(trials: int = 20, seed: int = 0, difficulty: str = "near", json: Path | None = None) -> int:
    """Run closed-loop trials on the graph of this ROS domain.

    Args:
        trials: how many.
        seed: of their rooms.
        difficulty: near, easy, medium or hard.
        json: write the records to this file.
    """
    rclpy.init()
    node = Node("operator", namespace=NAMESPACE)
    executor = SingleThreadedExecutor()
    executor.add_node(node)
    thread = threading.Thread(target=_spin, args=(executor,), daemon=True)
    thread.start()
    try:
        records = run_trials(node, trials, seed, difficulty)
    except TrialError as error:
        print(f"trials: {error}", file=sys.stderr)
        return 1
    finally:
        executor.shutdown()
        thread.join()
        node.destroy_node()
        rclpy.try_shutdown()
    if json is not None:
        json.write_text(json_format.dumps({"trials": [dataclasses.asdict(record) for record in records]}))
    return 0


def _spin(executor: SingleThreadedExecutor) -> None:
    try:
        executor.spin()
    except ExternalShutdownException:
        return


if __name__ == "__main__":
    sys.exit(tyro.cli(trials))
