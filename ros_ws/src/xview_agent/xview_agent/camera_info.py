"""CameraInfo messages to lenses and back."""

from __future__ import annotations

from builtin_interfaces.msg import Time
from sensor_msgs.msg import CameraInfo
from xview_deploy.cameras.lens import Lens, is_calibrated, lens_of


def lens_of_message(info: CameraInfo) -> Lens | None:
    """The lens of the message; None where it says that nobody calibrated the camera. ContractError for nonsense."""
    if not is_calibrated(info.k):
        return None
    roi = info.roi
    return lens_of(
        width=info.width,
        height=info.height,
        model=info.distortion_model,
        k=[float(value) for value in info.k],
        d=[float(value) for value in info.d],
        p=[float(value) for value in info.p],
        binning=(info.binning_x, info.binning_y),
        roi=(roi.x_offset, roi.y_offset, roi.width, roi.height),
    )


def info_message(lens: Lens | None, width: int, height: int, stamp: Time, frame_id: str) -> CameraInfo:
    """The message for pictures of that size; without a lens it says that nobody calibrated the camera."""
    info = CameraInfo(width=width, height=height)
    info.header.stamp, info.header.frame_id = stamp, frame_id
    if lens is None:
        return info
    k, p = lens.pinhole, lens.straight or lens.pinhole
    info.distortion_model, info.d = lens.model, list(lens.coefficients)
    info.k = [k.fx, 0.0, k.cx, 0.0, k.fy, k.cy, 0.0, 0.0, 1.0]
    info.r = [1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0]
    info.p = [p.fx, 0.0, p.cx, 0.0, 0.0, p.fy, p.cy, 0.0, 0.0, 0.0, 1.0, 0.0]
    return info
