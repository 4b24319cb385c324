"""A gate's node that drives the probe's base: armed, moving, and how soon it stands still."""

from geometry_msgs.msg import Twist, TwistStamped
from xview_agent import topics
from xview_interfaces.msg import GateStatus

PATIENT = {"picture_timeout": 2.0, "heartbeat_timeout": 2.0}  # where a stall of the machine is not the subject
STATUS = (GateStatus, topics.GATE_STATUS)


def forward(command: TwistStamped) -> float:
    return command.twist.linear.x


def drive(probe) -> None:
    """Arms the gate and waits until the base is told to move; again where a busy machine made it stop."""
    probe.play_everything()
    probe.newest(*STATUS, lambda s: "ready" in s.reason, "gate ready")
    drive_on(probe)


def drive_on(probe) -> None:
    """Arms the gate while everything plays, and waits until the base is told to move."""
    commands, statuses = probe.listen(TwistStamped, topics.CMD_VEL), probe.listen(*STATUS)

    def moves() -> bool:
        if not statuses or statuses[-1][1].state != GateStatus.ARMED:
            probe.call(topics.ARM)
            statuses.append((0.0, probe.newest(*STATUS)))
        # A gate that yields to others says nothing before it is armed.
        return bool(commands) and forward(commands[-1][1]) > 0.3

    probe.until(moves, "motion")


MARGIN_S = 0.3  # for the messages' ways on a busy machine


def stop_time(probe, since_s: float) -> float:
    """From that moment to the first zero that was sent after it, s."""
    commands = probe.listen(TwistStamped, topics.CMD_VEL)

    def zero():
        sent = ((c.header.stamp.sec + c.header.stamp.nanosec * 1e-9, c) for _, c in commands)
        return next((at_s for at_s, command in sent if at_s >= since_s and command.twist == Twist()), None)

    return probe.until(zero, "zero velocity") - since_s


def stays_stopped(probe) -> None:
    """Until armed anew, whatever keeps coming."""
    commands = probe.listen(TwistStamped, topics.CMD_VEL)
    start = len(commands)
    probe.until(lambda: len(commands) > start + 30, "more velocities")
    assert all(command.twist == Twist() for _, command in commands[start:])
