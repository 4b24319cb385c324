"""The fault table: what may go wrong with a robot in motion, and within which time it must stand still.

Each row drives the robot of `xview_agent.bench.stage`, causes one fault, and measures by the base's own word when it
rests. Then the fault is healed and everything comes again: nothing may move until the operator arms anew, and then it
must.

    xview bench faults --json FILE
"""

from __future__ import annotations

import dataclasses
import json
import math
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from xview_deploy.spec import ContractError

from xview_agent.bench import causes
from xview_agent.bench.stage import BASE_TIMEOUT_S, GATE, POLL_S, Stage
from xview_agent.starter import interruptible

AT_ONCE_S = 0.2  # periods of camera, gate and base, and the messages' ways
GIVE_UP_S = 5.0  # beyond the limit: it will not stop any more
REST_S = 0.5  # that the base must rest to count as stopped: the random policy itself stands for less
WATCH_S = 0.5  # that everything is whole again, and nothing may move
STALE_S = 2 * GATE.goal_timeout
MOVED_M = 1e-3
TRIES = 5


@dataclasses.dataclass(frozen=True)
class Fault:
    """One row: how to cause it and how to heal it, and the limit with where it comes from."""

    name: str
    cause: Callable[[Stage], object]
    heal: Callable[[Stage], object]
    limit_s: float
    limit_from: str
    reason: str = ""  # in the gate's words, where the gate lives to say it
    missing: Callable[[Stage], str] = lambda stage: ""  # why it cannot be caused on this machine


@dataclasses.dataclass(frozen=True)
class FaultResult:
    """What came of a row. skipped: why it was not run."""

    fault: str
    limit_s: float
    limit_from: str
    stop_s: float | None = None  # from the cause to the base's rest; None: it drove on
    reason: str = ""
    moved_again: bool = False  # after the stop, before it was armed anew
    armed_again: bool = False
    tries: int = 1  # of which the last counts: a busy machine may stop the robot before the fault does
    skipped: str = ""

    @property
    def sound(self) -> bool:
        """Whether the robot did what it must."""
        stopped = self.stop_s is not None and self.stop_s <= self.limit_s
        return bool(self.skipped) or (stopped and not self.moved_again and self.armed_again)


CAMERA = "picture_timeout"
AT_ONCE = "the gate's next word"
FAULTS: tuple[Fault, ...] = (
    Fault("camera process killed", *causes.killed("camera"), GATE.picture_timeout + 0.1, CAMERA, "picture is"),
    Fault(
        "camera frozen: the same picture",
        causes.see(causes.frozen),
        causes.sense_again,
        GATE.picture_frozen_timeout + AT_ONCE_S,
        "picture_frozen_timeout",
        "picture is frozen",
    ),
    Fault(
        "camera at 1 Hz",
        causes.see(lambda: causes.slowed(1.0)),
        causes.sense_again,
        GATE.picture_timeout + AT_ONCE_S,
        CAMERA,
        "picture is",
    ),
    Fault(
        "pictures stamped in the future",
        causes.see(lambda: causes.from_the_future),
        causes.sense_again,
        GATE.picture_timeout + AT_ONCE_S,
        CAMERA,
        "in the future",
    ),
    Fault("goal replaced in motion", Stage.send_goal, lambda stage: None, AT_ONCE_S, AT_ONCE, "goal was replaced by"),
    Fault("stale goal", lambda stage: stage.send_goal(age_s=STALE_S), Stage.send_goal, AT_ONCE_S, AT_ONCE, "goal"),
    Fault(
        "policy process killed",
        *causes.killed("policy"),
        GATE.velocity_timeout + AT_ONCE_S,
        "velocity_timeout",
        "command",
    ),
    Fault("gate process killed", *causes.killed("gate"), BASE_TIMEOUT_S + AT_ONCE_S, "the base's cmd_vel_timeout"),
    Fault("policy says NaN", causes.say(math.nan), lambda stage: None, AT_ONCE_S, AT_ONCE, "not finite"),
    Fault("policy says infinity", causes.say(math.inf), lambda stage: None, AT_ONCE_S, AT_ONCE, "not finite"),
    Fault(
        "console gone",
        causes.close_console,
        causes.open_console,
        GATE.heartbeat_timeout + AT_ONCE_S,
        "heartbeat_timeout",
        "operator heartbeat is",
    ),
    Fault(
        "network cut between operator and robot",
        lambda stage: stage.networks.cut(),
        lambda stage: stage.networks.mend(),
        GATE.heartbeat_timeout + AT_ONCE_S,
        "heartbeat_timeout",
        "operator heartbeat is",
        lambda stage: stage.networks.reason,
    ),
    Fault(
        f"clock stepped by {causes.CLOCK_STEP_S:g} s",
        causes.step_clock(causes.CLOCK_STEP_S),
        causes.step_clock(0.0),
        AT_ONCE_S,
        AT_ONCE,
        "clock was stepped by +",
        lambda stage: stage.clockless,
    ),
    Fault(
        "odometry stuck",
        causes.feel_stuck,
        causes.sense_again,
        GATE.odometry_frozen_timeout + AT_ONCE_S,
        "odometry_frozen_timeout",
        "odometry is frozen",
    ),
)


def run_fault(stage: Stage, fault: Fault, patient: bool = False) -> FaultResult:
    """Runs one row on a stage whose nodes all live, and leaves it so.

    A robot that was stopped by something else than the fault is tried again. ContractError where that never ends, or
    the robot will not drive. patient: with all ages but the row's own stretched, for a machine that does much else.
    """
    if reason := fault.missing(stage):
        return FaultResult(fault.name, fault.limit_s, fault.limit_from, skipped=reason)
    for attempt in range(1, TRIES + 1):
        if patient:
            stage.be_patient(but=fault.limit_from)
        result = dataclasses.replace(_try(stage, fault), tries=attempt)
        if fault.reason in result.reason or result.stop_s is None:
            return result
    raise ContractError(f"{fault.name}: expected a stop with {fault.reason!r}, got {result.reason!r}")


def _try(stage: Stage, fault: Fault) -> FaultResult:
    result = FaultResult(fault.name, fault.limit_s, fault.limit_from)
    stage.drive()
    caused_s = time.monotonic()
    fault.cause(stage)
    rested_s = _rested_s(stage, caused_s + fault.limit_s + GIVE_UP_S)
    reason = stage.gate.reason if stage.gate else ""
    fault.heal(stage)
    stage.until(lambda: stage.whole, lambda: f"everything to come again after {fault.name!r}")
    watched_s = time.monotonic() + WATCH_S
    stage.until(lambda: time.monotonic() > watched_s, lambda: "time to pass")
    since_s = caused_s + fault.limit_s if rested_s is None else rested_s
    moved = stage.armed or stage.senses.told_to_move(since_s) or stage.senses.path_m(since_s) > MOVED_M
    stage.drive()
    stop_s = None if rested_s is None else max(rested_s - caused_s, 0.0)  # what is sampled may lie a sample before
    return dataclasses.replace(result, stop_s=stop_s, reason=reason, moved_again=moved, armed_again=stage.armed)


def _rested_s(stage: Stage, deadline_s: float) -> float | None:
    """When the base came to rest; None where it did not until then."""
    while (now_s := time.monotonic()) < deadline_s:
        rest_s = stage.senses.rest_since()
        if rest_s is not None and now_s - rest_s > REST_S:
            return rest_s
        time.sleep(POLL_S)
    return None


def _in_time(stage: Stage, fault: Fault, patient: bool) -> FaultResult:
    """As run_fault; patient: a stop that came too late is looked at again, for any process may have been stalled."""
    for _ in range(TRIES if patient else 1):
        result = run_fault(stage, fault, patient)
        if result.stop_s is None or result.stop_s <= result.limit_s:
            break
    return result


def run_faults(names: Sequence[str] = (), patient: bool = False) -> list[FaultResult]:
    """All rows one after the other, or those whose names contain one of these; a line each on the way.

    In a process that was no ROS node before: Fast DDS looks at a process' networks once, and the stage has its own.
    """
    rows = [fault for fault in FAULTS if not names or any(name in fault.name for name in names)]
    if not rows:
        raise ContractError(f"faults: expected names among {[fault.name for fault in FAULTS]}, got {list(names)}")
    results = []
    folder = tempfile.TemporaryDirectory(prefix="xview-faults-")
    with interruptible(), folder as name, Stage(Path(name)) as stage:
        for number, fault in enumerate(rows, 1):
            print(f"{number}/{len(rows)} {fault.name}", flush=True)
            results.append(_in_time(stage, fault, patient))
    return results


def show(results: Sequence[FaultResult], out: Path | None) -> int:
    """Prints the table and writes it as JSON where asked; 1 where the robot did not do what it must."""
    print(f"{'fault':<40} {'stated limit':<36} {'stop':>7}  moved unarmed  armed again")
    for result in results:
        limit = f"{result.limit_s:.1f} s: {result.limit_from}"
        print(f"{result.fault:<40} {limit:<36} {_outcome(result)}{'' if result.sound else '  <- not as it must be'}")
    if out is not None:
        out.parent.mkdir(parents=True, exist_ok=True)
        rows = [{**dataclasses.asdict(result), "sound": result.sound} for result in results]
        out.write_text(json.dumps({"faults": rows}, indent=1))
        print(out)
    return 0 if all(result.sound for result in results) else 1


def _outcome(result: FaultResult) -> str:
    if result.skipped:
        return f"skipped: {result.skipped}"
    stop = "never" if result.stop_s is None else f"{result.stop_s:.2f} s"
    moved, armed = ("yes" if value else "no" for value in (result.moved_again, result.armed_again))
    return f"{stop:>7}  {moved:<13}  {armed}"
