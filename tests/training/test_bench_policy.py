"""The policy's bench runs every way to take a step, says which it had to leave out, and divides the right figures."""

import json
import signal

import numpy as np
import pytest
from xview_deploy.cli import installed_commands, run
from xview_training.bench.contestants import OutOfTime, time_limit
from xview_training.bench.policy import SPEEDUPS, Latency, PolicyTimes


def xview(*arguments: object) -> int:
    return run(installed_commands(), [str(argument) for argument in arguments])


# The limit may strike where Python drops an exception, and then strikes again.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_every_way_to_run_a_policy_is_timed_in_one_run(tmp_path, capsys):
    file = tmp_path / "bench.json"
    sizes = ("--rounds", 2, "--steps", 3, "--threads", 1, "--compile-limit", 0.01)
    assert xview("bench", "policy", "--policies", "small", *sizes, "--json", file) == 0
    record = json.loads(file.read_text())
    latencies = record["policies"]["small"]["latencies"]
    assert set(latencies) == {
        "torch_eager", "onnx_free_batch", "onnx_plain", "onnx_unsplit", "onnx_resident", "onnx_resident_fp16",
        "onnx_resident_int8",
    }  # fmt: skip
    for latency in latencies.values():
        assert latency["steps"] == 6
        assert 0 < latency["median_ms"] <= latency["p99_ms"]
    missing = {"torch_compile": "not ready after 0.01 s", "onnx_cuda_graph": "CUDA graphs are the provider cuda's"}
    assert record["policies"]["small"]["missing"] == missing
    for name in ("goal_split_speedup", "io_binding_speedup", "fp16_speedup", "int8_speedup", "speedup_vs_eager"):
        assert np.isfinite(record[name])
        assert record[f"small_{name}"] == record[name] > 0
    assert record["settings"]["threads"] == 1
    printed = capsys.readouterr().out
    assert "threads: 1" in printed
    assert "left out: not ready after 0.01 s" in printed


def test_a_speedup_divides_the_slow_median_by_the_fast_one():
    medians = {"torch_eager": 6.0, "onnx_plain": 4.0, "onnx_resident": 2.0, "onnx_unsplit": 5.0}
    times = PolicyTimes("small", {name: Latency(ms, ms, 1) for name, ms in medians.items()}, {})
    assert times.speedups() == {"speedup_vs_eager": 3, "goal_split_speedup": 1.25, "io_binding_speedup": 2}
    assert all(slow != fast for slow, fast in SPEEDUPS.values())


def never_done() -> None:
    while True:
        try:
            sum(range(1000))
        except Exception:
            continue


def test_a_limit_in_time_interrupts_what_catches_every_exception():
    with pytest.raises(OutOfTime, match=r"not ready after 0\.05 s"), time_limit(0.05):
        never_done()


class Slow:
    """Its end takes long, and what is raised there is lost."""

    def __del__(self) -> None:
        never_done()


def one_is_dropped_and_then_never_done() -> None:
    slow = Slow()
    del slow
    never_done()


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_limit_whose_exception_python_drops_strikes_again():
    with pytest.raises(OutOfTime), time_limit(0.05):
        one_is_dropped_and_then_never_done()


def test_a_limit_that_is_kept_leaves_nothing_behind():
    with time_limit(60):
        pass
    assert signal.getitimer(signal.ITIMER_REAL) == (0, 0)
    assert signal.getsignal(signal.SIGALRM) == signal.SIG_DFL


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--policies", "smal"), "unknown policy 'smal': did you mean 'small'?"),
        (("--only", "onnx_residnt"), "unknown way to step 'onnx_residnt': did you mean 'onnx_resident'"),
        (("--rounds", 0), "rounds and steps: expected 1 or more, got 0 and 25"),
    ],
)
def test_wrong_names_and_numbers_are_one_clear_line(capsys, arguments, said):
    assert xview("bench", "policy", *arguments) == 2
    error = capsys.readouterr().err
    assert said in error
    assert "Traceback" not in error
