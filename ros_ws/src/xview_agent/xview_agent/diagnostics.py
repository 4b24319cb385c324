"""One node's state as ROS tools expect it on /diagnostics."""

from __future__ import annotations

from builtin_interfaces.msg import Time
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue

OK, WARN, ERROR = DiagnosticStatus.OK, DiagnosticStatus.WARN, DiagnosticStatus.ERROR


def diagnostic_array(stamp: Time, name: str, level: bytes, message: str, values: dict[str, str]) -> DiagnosticArray:
    """A single status under the node's full name."""
    status = DiagnosticStatus(name=name, level=level, message=message, hardware_id="xview")
    status.values = [KeyValue(key=key, value=value) for key, value in values.items()]
    array = DiagnosticArray(status=[status])
    array.header.stamp = stamp
    return array
