"""The fault table against a running robot. One stage for all rows: each begins and ends with a robot that drives."""

import pytest
from xview_agent.bench.faults import FAULTS, run_fault
from xview_agent.bench.stage import Stage


@pytest.fixture(scope="module")
def stage(tmp_path_factory):
    with Stage(tmp_path_factory.mktemp("stage")) as stage:
        yield stage


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_the_robot_stops_within_the_stated_limit_and_waits_to_be_armed(stage, fault):
    result = run_fault(stage, fault)
    if result.skipped:
        pytest.skip(result.skipped)
    assert result.stop_s is not None, "it drove on"
    assert result.stop_s <= result.limit_s
    assert fault.reason in result.reason
    assert not result.moved_again
    assert result.armed_again
