"""Fuzzing of what comes over the graph, to nodes that run as on a robot.

One thing is sent at a time, and the graph's own answer is waited for.
"""

from __future__ import annotations

from xview_agent.bench.fuzzing.ears import Ears
from xview_agent.bench.fuzzing.gate import gate_kinds
from xview_agent.bench.fuzzing.goals import Calibrations, Goals, Pictures, Pursuits
from xview_agent.bench.fuzzing.kinds import Kind
from xview_agent.bench.fuzzing.services import Parameters, Trials
from xview_agent.bench.stage import Stage


def graph_kinds(stage: Stage) -> list[Kind]:
    """All of them, on a stage whose own camera, odometry and heartbeats are silent."""
    ears = Ears(stage)
    goals = Goals(ears)
    pictures = Pictures(ears, goals)
    calibrations = Calibrations(ears, pictures)
    return [goals, Pursuits(ears, goals), pictures, calibrations, *gate_kinds(ears), Parameters(ears), Trials(ears)]
