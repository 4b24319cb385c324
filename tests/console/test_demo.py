"""What a newcomer sees after `make demo`: the real graph, a page in a browser, a box around a target, a robot driving.

XVIEW_WRITE_SCREENSHOT names a file for a picture of the robot on its way; without it, it goes to the test's folder.
"""

from __future__ import annotations

import os
import re
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect
from xview_agent.domains import free_domain_id
from xview_agent.graph import GRAPHS
from xview_agent.starter import RunningGraph, StartSettings
from xview_training.envs.robot_room import ONBOARD, THIRD_PERSON, RobotRoom

SEED = 10  # of a room whose target the robot sees from its start
START_S = 240.0  # the first start on a machine compiles the world


def wait_for_port(port: int, graph: RunningGraph) -> None:
    """Until something listens there; a node's death ends the wait."""
    deadline_s = time.monotonic() + START_S
    while time.monotonic() < deadline_s:
        assert graph.deaths() == []
        with socket.socket() as caller:
            if caller.connect_ex(("127.0.0.1", port)) == 0:
                return
    pytest.fail(f"expected the page on port {port} within {START_S:g} s")


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[str]:
    """The running simulation; gives the page's address."""
    with socket.socket() as chosen:
        chosen.bind(("127.0.0.1", 0))
        port = chosen.getsockname()[1]
    settings = StartSettings(
        domain_id=free_domain_id(),
        parameters={
            "twin": {"seed": SEED},
            "console": {"port": port},
            # A machine that tests may be busy: what is tested here is the way from click to motion.
            "gate": {"picture_timeout": 1.0, "command_picture_timeout": 1.0, "velocity_timeout": 1.0},
            "policy": {"picture_timeout": 1.0},
        },
        log_folder=tmp_path / "logs",
    )
    with RunningGraph(GRAPHS["sim"], settings) as graph:
        wait_for_port(port, graph)
        yield f"http://127.0.0.1:{port}/"
        assert graph.deaths() == []


def test_a_box_around_the_target_makes_the_robot_drive_and_stop_stops_it(demo: str, open_at, tmp_path: Path) -> None:
    room = RobotRoom(SEED)  # the same room, to know where a person would point
    assert room.target_mask(ONBOARD).sum() > 100
    operator = open_at(demo)
    operator.boxes(room.target_box(THIRD_PERSON))
    operator.accepts("approach")
    operator.presses("arm")
    operator.gate("armed")
    expect(operator.sees("belief-visible")).to_have_text(re.compile(r"\d+ %"))
    expect(operator.sees("speed")).to_have_text(re.compile(r"^(0\.[3-9]|1\.)"))
    screenshot = Path(os.environ.get("XVIEW_WRITE_SCREENSHOT") or tmp_path / "console.png")
    operator.page.screenshot(path=screenshot)
    assert screenshot.stat().st_size > 50_000
    operator.presses("stop")
    operator.gate("stopped")
    expect(operator.sees("gate-reason")).to_have_text("stopped by the operator")
    expect(operator.sees("speed")).to_have_text("0.00 m/s")
