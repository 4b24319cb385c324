"""A gate without ROS, fed and driven: time is an argument, so nothing here waits."""

from xview_deploy.bases.robot_command import RobotCommand
from xview_deploy.bases.velocity import Velocity, VelocityLimits
from xview_deploy.safety.gate import Answered, SafetyGate
from xview_deploy.safety.gate_settings import GateSettings

LIMITS = VelocityLimits(
    max_velocity=(0.5, 0.3, 1.0),
    min_velocity=(-0.2, -0.3, -1.0),
    max_accel=(1.0, 1.0, 3.0),
    max_decel=(-2.0, -2.0, -6.0),
)
SETTINGS = GateSettings(limits=LIMITS)
PERIOD_S = 1 / SETTINGS.smoothing_frequency
AHEAD = Velocity(0.4, 0.0, 0.5)
AT_REST = (0.0, 0.0, 0.0)


def command(gate: SafetyGate, velocity: Velocity, picture_age_s: float, now_s: float, **fields) -> bool:
    return gate.on_command(RobotCommand(velocity), Answered(picture_age_s, **fields), now_s)


def fed_gate(now_s: float = 0.0, settings: GateSettings = SETTINGS) -> SafetyGate:
    gate = SafetyGate(settings)
    feed(gate, now_s)
    return gate


def feed(gate: SafetyGate, now_s: float, velocity: Velocity = AHEAD) -> None:
    gate.on_picture(0.02, now_s)
    gate.on_heartbeat(0.01, now_s)
    command(gate, velocity, 0.05, now_s)


def drive(gate: SafetyGate, start_s: float, seconds: float, feeding=feed) -> float:
    """Feeds and ticks for so long; the time afterwards."""
    for tick in range(1, round(seconds / PERIOD_S) + 1):
        now_s = start_s + tick * PERIOD_S
        feeding(gate, now_s)
        gate.output(now_s)
    return now_s


def driving_gate(settings: GateSettings = SETTINGS, feeding=feed) -> tuple[SafetyGate, float]:
    """Armed and at its commanded velocity, and the time of that."""
    gate = SafetyGate(settings)
    feeding(gate, 0.0)
    assert gate.arm(0.0) == ""
    return gate, drive(gate, 0.0, 2.0, feeding)
