"""What can be done to a robot on the stage, and undone: the causes of the fault table's rows.

None knows how the robot answers, nor what it should do.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable

from geometry_msgs.msg import Twist
from nav_msgs.msg import Odometry
from sensor_msgs.msg import CompressedImage
from xview_interfaces.msg import PolicyCommand

from xview_agent.bench.senses import Alter, AlterOdometry
from xview_agent.bench.stage import Stage
from xview_agent.stamps import shifted

CLOCK_STEP_S = 10.0


def frozen() -> Alter:
    """The next picture again and again, with new stamps."""
    first: list[bytes] = []

    def alter(picture: CompressedImage) -> CompressedImage:
        if not first:
            first.append(picture.data)
        picture.data = first[0]
        return picture

    return alter


def slowed(period_s: float) -> Alter:
    """One picture in that time."""
    last_s = [-math.inf]

    def alter(picture: CompressedImage) -> CompressedImage | None:
        now_s = time.monotonic()
        if now_s - last_s[0] < period_s:
            return None
        last_s[0] = now_s
        return picture

    return alter


def from_the_future(picture: CompressedImage) -> CompressedImage:
    """Stamped ahead of everybody's clock."""
    picture.header.stamp = shifted(picture.header.stamp, CLOCK_STEP_S)
    return picture


def stuck() -> AlterOdometry:
    """The first odometry again and again, with new stamps."""
    first: list[Odometry] = []

    def alter(odometry: Odometry) -> Odometry:
        if not first:
            first.append(odometry)
        return Odometry(header=odometry.header, pose=first[0].pose, twist=first[0].twist)

    return alter


def see(alter: Callable[[], Alter]) -> Callable[[Stage], None]:
    """Causes a fault of the pictures."""

    def cause(stage: Stage) -> None:
        stage.senses.alter_picture = alter()

    return cause


def feel_stuck(stage: Stage) -> None:
    """Causes odometry that says nothing new."""
    stage.senses.alter_odometry = stuck()


def say(speed: float) -> Callable[[Stage], None]:
    """Causes a command of that speed, in the policy's name."""

    def cause(stage: Stage) -> None:
        stamp = stage.stamp()
        command = PolicyCommand(goal_id=stage.goal_id, goal_stamp=stamp, decided=stamp, velocity=Twist())
        command.header.stamp = stamp
        command.velocity.linear.x = speed
        stage.senses.commands.publish(command)

    return cause


def killed(node: str) -> tuple[Callable[[Stage], None], Callable[[Stage], None]]:
    """Kills that node's process, and starts it again."""
    return lambda stage: stage.kill(node), lambda stage: stage.restart(node)


def close_console(stage: Stage) -> None:
    """The operator's console is gone, with every page and heartbeat."""
    stage.kill("console")
    stage.page.close()


def open_console(stage: Stage) -> None:
    """It is started again, and she opens her page."""
    stage.restart("console")
    stage.open_page()


def step_clock(seconds: float) -> Callable[[Stage], None]:
    """The robot's clock shows so much more than it should."""

    def step(stage: Stage) -> None:
        assert stage.clock is not None
        stage.clock.step(seconds)

    return step


def sense_again(stage: Stage) -> None:
    """Pictures and odometry are what they are."""
    stage.senses.heal()
