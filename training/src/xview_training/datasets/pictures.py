"""Single pictures as bytes and back: PNG, which loses nothing, or JPEG, which takes a third of the room.

encoded = encode_picture(picture, "png")
picture = decode_picture(encoded, 64)
"""

from __future__ import annotations

import cv2
import numpy as np

from xview_training.datasets.recording import DatasetError
from xview_training.naming import named

JPEG_QUALITY = 95
ENCODINGS = {
    "png": (".png", [cv2.IMWRITE_PNG_COMPRESSION, 3]),
    "jpeg": (".jpg", [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY]),
}


def encode_picture(picture: np.ndarray, encoding: str) -> bytes:
    """RGB uint8 (H, W, 3) -> bytes; ValueError names the nearest encoding."""
    suffix, options = named(ENCODINGS, encoding, "picture encoding")
    _, encoded = cv2.imencode(suffix, cv2.cvtColor(picture, cv2.COLOR_RGB2BGR), options)
    return encoded.tobytes()


def decode_picture(encoded: bytes, side: int) -> np.ndarray:
    """Bytes -> RGB uint8 (S, S, 3); DatasetError where they are no such picture."""
    try:
        picture = cv2.imdecode(np.frombuffer(encoded, np.uint8), cv2.IMREAD_COLOR)
    except cv2.error:
        picture = None
    if picture is None or picture.shape != (side, side, 3):
        came = "no picture" if picture is None else f"one of {picture.shape[1]}x{picture.shape[0]}"
        raise DatasetError(f"expected a picture of {side}x{side} pixels, got {came}")
    return cv2.cvtColor(picture, cv2.COLOR_BGR2RGB)
