"""Pictures as cameras send them, of any layout that is understood, as RGB; the rest is refused by name.

The names are those of ROS's sensor_msgs/Image and CompressedImage, but nothing of ROS is needed: bytes and numbers
go in. Grey becomes three equal channels. Sixteen bits become eight by dividing the full scale, 65535 unless the
sensor has fewer bits (`full_scale` 4095 for twelve); what lies above it is white.

    rgb = rgb_of("bayer_rggb8", width, height, step, data)
    rgb = rgb_of_compressed("mono16; png compressed mono16", data)
"""

from __future__ import annotations

import array
import dataclasses

import cv2
import numpy as np
from numpy.typing import NDArray

from xview_deploy.cameras.lens import quarters
from xview_deploy.picture import MAX_PIXELS, decode_any
from xview_deploy.spec import ContractError

Pixels = NDArray[np.uint8]
FULL_SCALE = 65535


@dataclasses.dataclass(frozen=True)
class Layout:
    """How the pixels of an encoding lie in memory, and OpenCV's way from there to RGB."""

    octets: int  # of one value
    channels: int  # values a pixel in a row
    conversion: int | None  # None: it is RGB
    even: tuple[int, int] = (1, 1)  # what width and height must be multiples of
    chroma_rows: float = 0.0  # rows after the picture's own, as a share of them


LAYOUTS = {
    "rgb8": Layout(1, 3, None),
    "rgba8": Layout(1, 4, cv2.COLOR_RGBA2RGB),
    "rgb16": Layout(2, 3, None),
    "rgba16": Layout(2, 4, cv2.COLOR_RGBA2RGB),
    "bgr8": Layout(1, 3, cv2.COLOR_BGR2RGB),
    "bgra8": Layout(1, 4, cv2.COLOR_BGRA2RGB),
    "bgr16": Layout(2, 3, cv2.COLOR_BGR2RGB),
    "bgra16": Layout(2, 4, cv2.COLOR_BGRA2RGB),
    "mono8": Layout(1, 1, cv2.COLOR_GRAY2RGB),
    "8UC1": Layout(1, 1, cv2.COLOR_GRAY2RGB),
    "mono16": Layout(2, 1, cv2.COLOR_GRAY2RGB),
    "16UC1": Layout(2, 1, cv2.COLOR_GRAY2RGB),
    "bayer_rggb8": Layout(1, 1, cv2.COLOR_BayerRGGB2RGB, (2, 2)),
    "bayer_bggr8": Layout(1, 1, cv2.COLOR_BayerBGGR2RGB, (2, 2)),
    "bayer_gbrg8": Layout(1, 1, cv2.COLOR_BayerGBRG2RGB, (2, 2)),
    "bayer_grbg8": Layout(1, 1, cv2.COLOR_BayerGRBG2RGB, (2, 2)),
    "bayer_rggb16": Layout(2, 1, cv2.COLOR_BayerRGGB2RGB, (2, 2)),
    "bayer_bggr16": Layout(2, 1, cv2.COLOR_BayerBGGR2RGB, (2, 2)),
    "bayer_gbrg16": Layout(2, 1, cv2.COLOR_BayerGBRG2RGB, (2, 2)),
    "bayer_grbg16": Layout(2, 1, cv2.COLOR_BayerGRBG2RGB, (2, 2)),
    "yuv422": Layout(1, 2, cv2.COLOR_YUV2RGB_UYVY, (2, 1)),  # what ROS calls UYVY
    "uyvy": Layout(1, 2, cv2.COLOR_YUV2RGB_UYVY, (2, 1)),
    "yuv422_yuy2": Layout(1, 2, cv2.COLOR_YUV2RGB_YUY2, (2, 1)),
    "yuyv": Layout(1, 2, cv2.COLOR_YUV2RGB_YUY2, (2, 1)),
    "nv12": Layout(1, 1, cv2.COLOR_YUV2RGB_NV12, (2, 2), 0.5),
    "nv21": Layout(1, 1, cv2.COLOR_YUV2RGB_NV21, (2, 2), 0.5),
}
CODECS = ("jpeg", "jpg", "png")


def rgb_of(
    encoding: str,
    width: int,
    height: int,
    step: int,
    data: bytes | array.array[int],
    big_endian: bool = False,
    full_scale: int = FULL_SCALE,
) -> Pixels:
    """The picture of an Image message's fields as uint8 (height, width, 3) RGB.

    step: bytes from one row to the next, padding included. Raises ContractError for an encoding that is not
    understood, and for fields that contradict each other.
    """
    layout = layout_of(encoding)
    rows = _checked_rows(encoding, layout, width, height, step, full_scale)
    row_octets = width * layout.channels * layout.octets
    octets = np.frombuffer(data, np.uint8)
    whole, least = step * rows, step * (rows - 1) + row_octets  # some drivers leave the last row's padding out
    if not least <= len(octets) <= whole:
        raise ContractError(
            f"picture of {encoding}: expected {whole} bytes for {rows} rows of {step}, got {len(octets)}"
        )
    table = np.lib.stride_tricks.as_strided(octets, (rows, row_octets), (step, 1))
    values = np.ascontiguousarray(table)
    if layout.octets == 2:
        values = values.view(">u2" if big_endian else "<u2")
    if layout.channels > 1:
        values = values.reshape(rows, width, layout.channels)
    return _as_rgb(eight_bits(values, full_scale), layout)


def rgb_of_compressed(format: str, data: bytes, full_scale: int = FULL_SCALE, what: str = "picture") -> Pixels:
    """The picture of a CompressedImage's fields as uint8 (height, width, 3) RGB.

    format: what the driver says, such as "jpeg", or "rgb8; jpeg compressed bgr8": what the camera sent, and what
    was compressed. The bytes say themselves whether they are JPEG or PNG; the names tell a Bayer pattern from
    grey, and depth from colours. Raises ContractError for what is not understood, damaged or cut short.
    """
    sent = compressed_encoding(format)
    values = decode_any(data, what)
    if sent.startswith("bayer") and values.ndim == 2:
        layout = layout_of(sent)
        _check_even(sent, layout, values.shape[1], values.shape[0])
        return _as_rgb(eight_bits(values, full_scale), layout)
    channels = 1 if values.ndim == 2 else values.shape[2]
    names = {1: "mono8", 3: "bgr8", 4: "bgra8"}  # OpenCV decodes to BGR, whatever was encoded
    if channels not in names:
        raise ContractError(f"{what}: expected 1, 3 or 4 channels, got {channels}")
    return _as_rgb(eight_bits(values, full_scale), LAYOUTS[names[channels]])


def compressed_encoding(format: str) -> str:
    """The encoding of what was compressed, in a CompressedImage's format; empty where it does not say.

    ContractError for a codec or an encoding that is not understood.
    """
    words = format.replace(";", " ; ").split()
    encoding, _, rest = format.partition(";")
    if ";" not in words:
        encoding, rest = "", format
    codec, *others = rest.split() or ["none"]
    if codec not in CODECS or others[:1] not in ([], ["compressed"]):
        raise ContractError(
            f"compressed picture: expected a format like {' or '.join(CODECS)}, or 'rgb8; jpeg compressed bgr8', "
            f"got {format!r}"
        )
    if encoding.strip():
        layout_of(encoding.strip())  # refuses depth by its name
    return others[1] if len(others) > 1 else ""


def layout_of(encoding: str) -> Layout:
    """The layout of that name; ContractError with all that are understood."""
    if encoding not in LAYOUTS:
        raise ContractError(f"picture encoding: expected one of {', '.join(LAYOUTS)}, got {encoding!r}")
    return LAYOUTS[encoding]


def turned(picture: Pixels, degrees: int) -> Pixels:
    """The picture turned clockwise by 0, 90, 180 or 270 degrees."""
    return np.ascontiguousarray(np.rot90(picture, -quarters(degrees)))


def eight_bits(values: NDArray[np.generic], full_scale: int = FULL_SCALE) -> Pixels:
    """uint8 as it is; uint16 with `full_scale` and all above it as 255."""
    if values.dtype == np.uint8:
        return np.asarray(values, np.uint8)
    return np.asarray(np.minimum(np.rint(values.astype(np.float32) * (255.0 / full_scale)), 255), np.uint8)


def _as_rgb(values: Pixels, layout: Layout) -> Pixels:
    rgb = values if layout.conversion is None else cv2.cvtColor(values, layout.conversion)
    return np.ascontiguousarray(rgb, np.uint8)


def _checked_rows(encoding: str, layout: Layout, width: int, height: int, step: int, full_scale: int) -> int:
    """Rows of the data, those of the colours included."""
    if min(width, height) < 1 or width * height > MAX_PIXELS:
        raise ContractError(f"picture of {encoding}: expected 1 to {MAX_PIXELS} pixels, got {width}x{height}")
    _check_even(encoding, layout, width, height)
    least = width * layout.channels * layout.octets
    if step < least:
        raise ContractError(f"picture of {encoding}: expected rows of at least {least} bytes, got a step of {step}")
    if not 0 < full_scale <= FULL_SCALE:
        raise ContractError(f"full scale: expected 1 to {FULL_SCALE}, got {full_scale}")
    return height + round(height * layout.chroma_rows)


def _check_even(encoding: str, layout: Layout, width: int, height: int) -> None:
    if width % layout.even[0] or height % layout.even[1]:
        across, down = layout.even
        raise ContractError(
            f"picture of {encoding}: expected a width that is a multiple of {across} and a height that is one "
            f"of {down}, got {width}x{height}"
        )
