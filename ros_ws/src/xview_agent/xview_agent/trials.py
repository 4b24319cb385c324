"""An automatic operator on one graph with a twin: runs trials and writes down what came of them.

python -m xview_agent.trials --trials 20 --seed 0 --json trials.json
"""

from __future__ import annotations

import dataclasses
import json as json_format
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import rclpy
import tyro
from rclpy.executors import ExternalShutdownException, SingleThreadedExecutor
from rclpy.node import Node
from rclpy.signals import SignalHandlerOptions
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
    """Runs them one after the other; a line each on the way. However it ends, no robot is left armed."""
    room, link = RosTrialRoom(node), OperatorLink(node, CAMERAS)
    runner = TrialRunner(link, room, TrialSettings(difficulty=difficulty))
    records = []
    try:
        for number, room_seed in enumerate(trial_seeds(trials, seed), 1):
            record = runner.run(room_seed)
            room.publish(record, f"{difficulty}-{room_seed}")
            records.append(record)
            verdict = "reached the target" if record.success else record.reason
            first = "" if record.first_right or not record.success else ", after a wrong object"
            print(f"{record.policy} {number}/{trials}: {verdict}{first} ({record.seconds:.1f} s)", flush=True)
    finally:
        gate = link.gate()
        if gate is not None and gate.state == "armed":
            link.stop()
    return records


def trials(trials: int = 20, seed: int = 0, difficulty: str = "near", json: Path | None = None) -> int:
    """Run closed-loop trials on the graph of this ROS domain.

    Args:
        trials: how many.
        seed: of their rooms.
        difficulty: near, easy, medium or hard.
        json: write the records to this file.
    """
    for signum in (signal.SIGINT, signal.SIGTERM):
        signal.signal(signum, _leave)
    # rclpy's own handlers would take the context away from an operator who still has to stop her robot.
    rclpy.init(signal_handler_options=SignalHandlerOptions.NO)
    try:
        with _spun_node() as node:
            records = run_trials(node, trials, seed, difficulty)
    except TrialError as error:
        print(f"trials: {error}", file=sys.stderr)
        return 1
    finally:
        rclpy.shutdown()
    if json is not None:
        json.write_text(json_format.dumps({"trials": [dataclasses.asdict(record) for record in records]}))
    return 0


@contextmanager
def _spun_node() -> Iterator[Node]:
    """A node whose callbacks run in another thread, since an operator waits for answers in this one."""
    node, executor = Node("operator", namespace=NAMESPACE), SingleThreadedExecutor()
    executor.add_node(node)
    thread = threading.Thread(target=_spin, args=(executor,), daemon=True)
    thread.start()
    try:
        yield node
    finally:
        executor.shutdown()
        thread.join()
        node.destroy_node()


def _spin(executor: SingleThreadedExecutor) -> None:
    try:
        executor.spin()
    except ExternalShutdownException:
        return


def _leave(signum: int, frame: object) -> None:
    """Ends the trials where they are; the status tells that they are not complete."""
    raise SystemExit(128 + signum)


if __name__ == "__main__":
    sys.exit(tyro.cli(trials))
