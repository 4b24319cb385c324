"""The simulated robot's room as judge of trials: `xview_deploy.trials.runner.TrialRoom` over ROS.

Sets trials up through the twin's service and listens to its truth. The node that it is built on is spun by others.
"""

from __future__ import annotations

import threading

from rclpy.client import Client
from rclpy.node import Node
from xview_deploy.trials.records import TrialRecord
from xview_deploy.trials.runner import Briefing, TrialError, Truth
from xview_interfaces.msg import TrialResult, TrialTruth
from xview_interfaces.srv import LoadTrial

from xview_agent import topics

START_S = 240.0  # until the twin runs: its first start on a machine compiles the world
ANSWER_S = 30.0


class RosTrialRoom:
    """One twin, seen from a node in its namespace."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._truth: Truth | None = None
        self._loading: Client = node.create_client(LoadTrial, topics.LOAD_TRIAL)
        self._results = node.create_publisher(TrialResult, topics.TRIAL_RESULT, topics.NEWEST_QOS)
        node.create_subscription(TrialTruth, topics.TRIAL_TRUTH, self._on_truth, topics.NEWEST_QOS)

    def _on_truth(self, message: TrialTruth) -> None:
        self._truth = Truth(message.trial_id, message.goal_reached, message.first_arrival)

    def truth(self) -> Truth | None:
        """The newest word on the running trial."""
        return self._truth

    def load(self, seed: int, difficulty: str) -> Briefing:
        """Puts the robot at the start of that trial; TrialError where the twin does not answer or refuses."""
        if not self._loading.wait_for_service(timeout_sec=START_S):
            raise TrialError(f"expected the twin's service {self._loading.srv_name} within {START_S:g} s, got none")
        answered = threading.Event()
        call = self._loading.call_async(LoadTrial.Request(seed=seed, difficulty=difficulty))
        call.add_done_callback(lambda _: answered.set())
        if not answered.wait(ANSWER_S):
            raise TrialError(f"expected the twin's answer to trial {seed} within {ANSWER_S:g} s, got none")
        response = call.result()
        if response is None or not response.ok:
            raise TrialError("the twin gave no answer" if response is None else response.message)
        x0, y0, x1, y1 = (int(side) for side in response.target_box)
        return Briefing(response.trial_id, response.source_camera, (x0, y0, x1, y1), response.limit_s)

    def publish(self, record: TrialRecord, trial_id: str) -> None:
        """Tells recorders what came of a trial."""
        result = TrialResult(
            trial_id=trial_id,
            policy=record.policy,
            success=record.success,
            first_right=record.first_right,
            seconds=record.seconds,
            interventions=record.interventions,
            reason=record.reason,
        )
        result.header.stamp = self._node.get_clock().now().to_msg()
        self._results.publish(result)
