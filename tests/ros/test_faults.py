"""The fault table against a running robot. One stage for all rows: each begins and ends with a robot that drives.

Cores that others use too may stall any process for longer than a limit. So ages that are not the row's subject are
stretched, and a row that took too long is tried again: `xview bench faults`, on an idle machine, does neither.
"""

import pytest
from xview_agent.bench.faults import FAULTS, run_fault
from xview_agent.bench.stage import Stage

TRIES = 3


@pytest.fixture(scope="module")
def stage(tmp_path_factory):
    with Stage(tmp_path_factory.mktemp("stage")) as stage:
        yield stage


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_the_robot_stops_within_the_stated_limit_and_waits_to_be_armed(stage, fault):
    for _ in range(TRIES):
        result = run_fault(stage, fault, patient=True)
        if result.skipped:
            pytest.skip(result.skipped)
        assert result.stop_s is not None, "it drove on"
        assert not result.moved_again
        assert result.armed_again
        if result.stop_s <= result.limit_s:
            return
    pytest.fail(f"expected a stop within {result.limit_s:.2f} s, got {result.stop_s:.2f} s: {result.reason}")
