import signal
import subprocess
import sys
import threading

import pytest
from xview_agent import topics
from xview_agent.graph import GRAPHS, NodeEntry, configuration_file
from xview_agent.starter import (
    NodeDeath,
    RunningGraph,
    StartSettings,
    chosen,
    node_command,
    node_environment,
    parse_assignments,
)
from xview_deploy.spec import ContractError
from xview_interfaces.msg import GateStatus, PolicyStatus

DEADLINE_S = 90.0
NODES = tuple(node for node in GRAPHS["robot"] if node.name in ("gate", "policy"))


def quiet(tmp_path, domain_id: int, **parameters) -> StartSettings:
    table = {"policy": {"policy": "random"}, **parameters}
    return StartSettings(domain_id=domain_id, log_folder=tmp_path, parameters=table)


def test_it_starts_the_nodes_with_their_parameters_and_ends_them_cleanly(probe, tmp_path):
    with RunningGraph(NODES, quiet(tmp_path, probe.domain_id)) as graph:
        probe.gate(GateStatus.DISARMED)
        assert probe.policy(PolicyStatus.WAITING_FOR_GOAL).policy == "random"
        assert graph.deaths() == []
    assert [process.returncode for process in graph.processes.values()] == [0, 0]
    assert "the gate is shutting down" in (tmp_path / "gate.log").read_text()


def test_the_death_of_a_node_is_reported(probe, tmp_path):
    with RunningGraph(NODES, quiet(tmp_path, probe.domain_id)) as graph:
        probe.gate(GateStatus.DISARMED)
        graph.processes["gate"].kill()
        deaths = graph.wait(threading.Event())
    assert deaths == [NodeDeath("gate", -signal.SIGKILL)]
    assert str(deaths[0]) == "node gate was killed by SIGKILL"


def test_two_graphs_run_side_by_side_in_domains_of_their_own(probe, tmp_path):
    here = quiet(tmp_path / "here", probe.domain_id)
    there = quiet(tmp_path / "there", probe.domain_id % 100 + 1, gate={"base_frame": "elsewhere"})
    with RunningGraph(NODES, here), RunningGraph(NODES, there):
        frames = {probe.newest(GateStatus, topics.GATE_STATUS).header.frame_id for _ in range(20)}
    assert frames == {"base_link"}


@pytest.mark.parametrize(("signum", "status"), [(signal.SIGINT, 0), (signal.SIGTERM, 0), (None, 1)])
def test_a_signal_ends_the_whole_graph_with_0_and_a_death_with_1(probe, signum, status):
    arguments = ["-m", "xview_agent.starter", "robot", "--only", "gate", "policy", "--domain-id", str(probe.domain_id)]
    parameters = ["policy.policy=random"] if signum else ["policy.policy=clairvoyant"]
    command = [sys.executable, *arguments, "--set", *parameters]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as starter:
        try:
            if signum:
                probe.gate(GateStatus.DISARMED)
                probe.policy(PolicyStatus.WAITING_FOR_GOAL)
        finally:
            starter.send_signal(signum or 0)
            _, errors = starter.communicate(timeout=DEADLINE_S)
    assert starter.returncode == status, errors
    if not signum:
        assert "node policy ended: 2: stopped the graph" in errors
        assert "expected bundle, random or forward_biased_random, got 'clairvoyant'" in errors


def test_parameters_are_written_as_ros_tools_write_them(tmp_path):
    settings = StartSettings(namespace="/r2", parameters={"gate": {"max_velocity": [1.0, 0.0, 2.0]}})
    command = node_command(NODES[0], settings)
    assert command[1:3] == ["-m", "xview_agent.gate"]
    assert "__ns:=/r2" in command
    assert command[-2:] == ["-p", "max_velocity:=[1.0, 0.0, 2.0]"]
    assert str(configuration_file("robot.yaml")) in command


def test_a_graph_is_kept_within_the_machine_unless_asked_otherwise():
    assert node_environment(StartSettings(domain_id=7))["ROS_DOMAIN_ID"] == "7"
    assert node_environment(StartSettings())["ROS_AUTOMATIC_DISCOVERY_RANGE"] == "LOCALHOST"


def test_assignments_are_json_or_plain_text():
    table = parse_assignments(["policy.policy=random", "gate.max_velocity=[1.0, 0.0, 1.0]", "policy.seed=3"])
    assert table == {"policy": {"policy": "random", "seed": 3}, "gate": {"max_velocity": [1.0, 0.0, 1.0]}}


@pytest.mark.parametrize("text", ["policy=random", "policy.policy", ".policy=random", "policy.=random", ""])
def test_an_assignment_that_is_none_is_refused(text):
    with pytest.raises(ContractError, match=r"expected node\.parameter=value"):
        parse_assignments([text])


def test_parameters_of_an_unknown_node_are_refused():
    with pytest.raises(ContractError, match=r"expected one of \['gate', 'policy'\], got 'gait'"):
        RunningGraph(NODES, StartSettings(parameters={"gait": {}}))


@pytest.mark.parametrize(("graph", "only"), [("robot", ("gait",)), ("rowboat", ())])
def test_an_unknown_graph_or_node_is_refused(graph, only):
    with pytest.raises(ContractError, match="expected one of"):
        chosen(graph, only)


def test_some_nodes_of_a_graph_can_run_elsewhere():
    assert [node.name for node in chosen("robot", ("console", "gate"))] == ["gate", "console"]


def test_an_unknown_parameter_file_is_refused_before_anything_starts():
    graph = RunningGraph((NodeEntry("gate", ("absent.yaml",)),))
    with pytest.raises(ContractError, match=r"expected a parameter file at .*absent.yaml"):
        graph.__enter__()
    assert graph.processes == {}
