"""Pictures and masks as bytes: JPEG and PNG in and out, damage and bombs refused before they are decoded.

OpenCV decodes a JPEG that was cut short into a picture with a grey lower part and says nothing to the caller;
a robot must not act on it. So the container is walked to its end first. A file whose middle was altered but
whose frame is whole still decodes: only a checksum beside the file could tell. Colours here are RGB.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable, Iterator

import cv2
import numpy as np
from numpy.typing import NDArray

from xview_deploy.spec import ContractError

MAX_PIXELS = 4096 * 4096  # a larger picture than any camera here sends is a mistake or an attack
PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
JPEG_START = b"\xff\xd8"
SIZE_MARKERS = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}  # SOF0..15 without DHT, JPG, DAC
BARE_MARKERS = frozenset(range(0xD0, 0xD8)) | {0x01}  # RST0..7 and TEM carry no length
END = 0xD9
MARKER = re.compile(rb"\xff[^\x00\xff]", re.DOTALL)  # stuffed zeros and fill bytes are none
# The bare "reduced" bits: OpenCV refuses RGB beside the constants for colour, which mean BGR.
REDUCED = {8: cv2.IMREAD_REDUCED_GRAYSCALE_8, 4: cv2.IMREAD_REDUCED_GRAYSCALE_4, 2: cv2.IMREAD_REDUCED_GRAYSCALE_2}


def decode_picture(
    data: bytes, what: str = "picture", spare: Callable[[int, int], int] | None = None
) -> NDArray[np.uint8]:
    """The picture of a JPEG or PNG as uint8 (H, W, 3) RGB; ContractError for anything damaged.

    spare: whoever needs only one pixel in so many along each side of a picture of that width and height gets a JPEG
    decoded at a half, a quarter or an eighth of its sides, never less than 1/spare, rounded up: the decoder then
    leaves out much of its work.
    """
    width, height = check_container(data, what)
    is_png = data.startswith(PNG_SIGNATURE)
    color = cv2.IMREAD_COLOR_RGB if spare is None or is_png else _color_flag(spare(width, height))
    # An EXIF turn would part the picture from the mask that was drawn on it.
    return _imdecode(data, color | cv2.IMREAD_IGNORE_ORIENTATION, what)


def decode_any(data: bytes, what: str = "picture") -> NDArray[np.uint8 | np.uint16]:
    """What a JPEG or PNG holds, (H, W) or (H, W, channels): grey, BGR or BGRA of 8 or 16 bits."""
    check_container(data, what)
    return _imdecode_any(data, cv2.IMREAD_UNCHANGED, what)


def decode_mask(data: bytes, what: str = "mask") -> NDArray[np.bool_]:
    """The mask of a one-channel PNG as bool (H, W): any value but zero is target."""
    if not data.startswith(PNG_SIGNATURE):
        raise ContractError(f"{what}: expected a PNG (a JPEG blurs the edge), got {_describe(data)}")
    check_container(data, what)
    grey = _imdecode(data, cv2.IMREAD_UNCHANGED, what)
    if grey.ndim != 2:
        raise ContractError(f"{what}: expected one channel, got {grey.shape[2]}")
    return grey > 0


def encode_jpeg(image: NDArray[np.uint8], quality: int = 90) -> bytes:
    """uint8 (H, W, 3) RGB as JPEG."""
    return _imencode(".jpg", image[:, :, ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])


def encode_mask(mask: NDArray[np.bool_]) -> bytes:
    """bool (H, W) as one-channel PNG, 255 on the target."""
    return _imencode(".png", mask.astype(np.uint8) * 255, [])


def check_container(data: bytes, what: str = "picture") -> tuple[int, int]:
    """(width, height) of a JPEG or PNG that is whole from its first to its last byte; ContractError else."""
    if data.startswith(PNG_SIGNATURE):
        size = _png_size(data, what)
    elif data.startswith(JPEG_START):
        size = _jpeg_size(data, what)
    else:
        raise ContractError(f"{what}: expected a JPEG or PNG, got {_describe(data)}")
    if not 0 < size[0] * size[1] <= MAX_PIXELS:
        raise ContractError(f"{what}: expected 1 to {MAX_PIXELS} pixels, got {size[0]}x{size[1]}")
    return size


def _describe(data: bytes) -> str:
    return f"{len(data)} bytes starting {data[:4].hex(' ')}" if data else "no bytes"


def _jpeg_size(data: bytes, what: str) -> tuple[int, int]:
    size = None
    for marker, body in _jpeg_segments(data, what):
        if marker in SIZE_MARKERS and len(body) >= 5:
            size = (int.from_bytes(body[3:5], "big"), int.from_bytes(body[1:3], "big"))
    if size is None:
        raise ContractError(f"{what}: expected a JPEG with a frame header, found none in {len(data)} bytes")
    return size


def _jpeg_segments(data: bytes, what: str) -> Iterator[tuple[int, bytes]]:
    """Marker and body of each segment up to the end marker; ContractError where the file stops before it."""
    at = 2
    while found := MARKER.search(data, at):
        at, marker = found.end(), data[found.end() - 1]
        if marker == END:
            return
        if marker in BARE_MARKERS:
            continue
        length = int.from_bytes(data[at : at + 2], "big")
        if length < 2 or at + length > len(data):
            raise ContractError(f"{what}: expected a whole JPEG, got one cut short or damaged at byte {at}")
        yield marker, data[at + 2 : at + length]
        at += length
    raise ContractError(f"{what}: expected a whole JPEG, got one cut short: {len(data)} bytes without an end marker")


def _png_size(data: bytes, what: str) -> tuple[int, int]:
    """Walks the chunks, checks each checksum, and returns the size that the first one states."""
    size, at = None, len(PNG_SIGNATURE)
    while at + 12 <= len(data):
        length = int.from_bytes(data[at : at + 4], "big")
        kind, end = data[at + 4 : at + 8], at + 12 + length
        if end > len(data):
            break
        if zlib.crc32(data[at + 4 : end - 4]) != int.from_bytes(data[end - 4 : end], "big"):
            raise ContractError(f"{what}: expected a sound PNG, got a wrong checksum in chunk {kind!r}")
        if size is None and (kind != b"IHDR" or length != 13):
            raise ContractError(f"{what}: expected a PNG that begins with its header, got {kind!r}")
        if size is None:
            width, height = data[at + 8 : at + 12], data[at + 12 : at + 16]
            size = (int.from_bytes(width, "big"), int.from_bytes(height, "big"))
        if kind == b"IEND":
            return size
        at = end
    raise ContractError(f"{what}: expected a whole PNG, got one cut short after {len(data)} bytes")


def _color_flag(spare: int) -> int:
    fits = (flag for less, flag in REDUCED.items() if less <= spare)
    reduced = next(fits, None)
    return cv2.IMREAD_COLOR_RGB if reduced is None else cv2.IMREAD_COLOR_RGB | reduced


def _imdecode(data: bytes, flags: int, what: str) -> NDArray[np.uint8]:
    picture = _imdecode_any(data, flags, what)
    if picture.dtype != np.uint8:
        raise ContractError(f"{what}: expected 8 bits a channel, got {picture.dtype}")
    return np.asarray(picture, np.uint8)


def _imdecode_any(data: bytes, flags: int, what: str) -> NDArray[np.uint8 | np.uint16]:
    try:
        picture = cv2.imdecode(np.frombuffer(data, np.uint8), flags)
    except cv2.error as error:
        raise ContractError(f"{what}: expected a picture that decodes, got {error.err or error}") from None
    if picture is None:
        raise ContractError(f"{what}: expected a picture that decodes, got {_describe(data)} that does not")
    if picture.dtype not in (np.uint8, np.uint16):
        raise ContractError(f"{what}: expected 8 or 16 bits a channel, got {picture.dtype}")
    return np.asarray(picture, picture.dtype)


def _imencode(suffix: str, picture: NDArray[np.uint8], parameters: list[int]) -> bytes:
    done, encoded = cv2.imencode(suffix, picture, parameters)
    if not done:
        raise ContractError(f"picture: expected one that encodes as {suffix}, got {picture.shape}")
    return encoded.tobytes()
