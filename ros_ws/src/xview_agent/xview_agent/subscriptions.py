"""Subscriptions and publishers whose quality of service a parameter file may change.

ROS's own way: parameters `qos_overrides./xview/onboard/image_raw/compressed.subscription.reliability` and the like.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

from rclpy.node import Node
from rclpy.publisher import Publisher
from rclpy.qos import QoSProfile
from rclpy.qos_overriding_options import QoSOverridingOptions
from rclpy.subscription import Subscription


def tunable_subscription(
    node: Node, kind: type, topic: str, callback: Callable[[Any], None], quality: QoSProfile
) -> Subscription:
    """A subscription of that quality unless parameters say otherwise."""
    options = QoSOverridingOptions.with_default_policies()
    # A copy: rclpy writes what the parameters say into the profile that it is given.
    return node.create_subscription(kind, topic, callback, copy.copy(quality), qos_overriding_options=options)


def tunable_publisher(node: Node, kind: type, topic: str, quality: QoSProfile) -> Publisher:
    """A publisher of that quality unless parameters say otherwise."""
    options = QoSOverridingOptions.with_default_policies()
    return node.create_publisher(kind, topic, copy.copy(quality), qos_overriding_options=options)
