"""What the policy believes, for RViz: an arrow towards the target on the ground, and its state in words.

In the base's frame, since the policy knows directions and no distances: the arrow's length means nothing.
"""

from __future__ import annotations

from builtin_interfaces.msg import Time
from geometry_msgs.msg import Point
from std_msgs.msg import ColorRGBA
from visualization_msgs.msg import Marker, MarkerArray
from xview_deploy.runtime.policy import NO_BELIEF
from xview_deploy.spec import Belief

NAMESPACE = "belief"
ARROW_M, TEXT_HEIGHT_M = 1.0, 1.2
SHAFT_M, HEAD_M, HEAD_LENGTH_M, LETTER_M = 0.05, 0.12, 0.2, 0.15


def belief_markers(belief: Belief | None, words: str, frame: str, stamp: Time) -> MarkerArray:
    """The markers, which replace those before; without a belief they only clear them."""
    if belief is None or belief is NO_BELIEF:
        return MarkerArray(markers=[Marker(action=Marker.DELETEALL)])
    markers = MarkerArray(markers=[_arrow(belief), _text(belief, words)])
    for number, marker in enumerate(markers.markers):
        marker.header.frame_id, marker.header.stamp = frame, stamp
        marker.ns, marker.id, marker.action = NAMESPACE, number, Marker.ADD
    return markers


def _arrow(belief: Belief) -> Marker:
    right, forward = belief.bearing
    marker = Marker(type=Marker.ARROW)
    marker.points = [Point(), Point(x=ARROW_M * forward, y=-ARROW_M * right)]  # REP-103: y points to the left
    marker.scale.x, marker.scale.y, marker.scale.z = SHAFT_M, HEAD_M, HEAD_LENGTH_M
    marker.pose.orientation.w = 1.0
    marker.color = _colour(belief.visible)
    return marker


def _text(belief: Belief, words: str) -> Marker:
    marker = Marker(type=Marker.TEXT_VIEW_FACING, text=f"{words}\nvisible {belief.visible:.2f}")
    marker.pose.position.z, marker.pose.orientation.w = TEXT_HEIGHT_M, 1.0
    marker.scale.z = LETTER_M
    marker.color = ColorRGBA(r=1.0, g=1.0, b=1.0, a=1.0)
    return marker


def _colour(visible: float) -> ColorRGBA:
    """From red, out of sight, to green."""
    share = min(max(visible, 0.0), 1.0)
    return ColorRGBA(r=1.0 - share, g=share, b=0.1, a=0.9)
