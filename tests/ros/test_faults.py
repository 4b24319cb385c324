"""The fault table against a running robot, by the command that users run, in a process of its own.

Patiently: cores that others use too may stall any process for longer than a limit. `xview bench faults` by itself, on
an idle machine, is not.
"""

import json
import subprocess
import sys

import pytest
from xview_agent.bench.faults import FAULTS

DEADLINE_S = 400


@pytest.fixture(scope="module")
def rows(tmp_path_factory):
    out = tmp_path_factory.mktemp("faults") / "faults.json"
    command = [sys.executable, "-m", "xview_deploy.cli", "bench", "faults", "--patient", "--json", str(out)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=DEADLINE_S, check=False)
    assert out.is_file(), done.stdout + done.stderr
    return {row["fault"]: row for row in json.loads(out.read_text())["faults"]}


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_the_robot_stops_within_the_stated_limit_and_waits_to_be_armed(rows, fault):
    row = rows[fault.name]
    if row["skipped"]:
        pytest.skip(row["skipped"])
    assert row["stop_s"] is not None, "it drove on"
    assert row["stop_s"] <= fault.limit_s, row["reason"]
    assert not row["moved_again"]
    assert row["armed_again"]
    assert row["sound"]
