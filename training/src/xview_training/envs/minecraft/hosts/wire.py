"""Messages between an environment and a game's host: a JSON object, then raw arrays.

Knows neither games nor tasks. This folder is run by the game's own Python, by path, where nothing of this project can
be imported and the language may be as old as 3.7: only the standard library and NumPy here.
"""

import json
import struct
import time

import numpy as np

LENGTH = struct.Struct("<I")
MAX_MESSAGE_BYTES = 1 << 22
MAX_ARRAY_BYTES = 1 << 28


def send(sock, message, arrays=None):
    """Sends a JSON-able dict and a dict of arrays."""
    arrays = {name: np.ascontiguousarray(array) for name, array in (arrays or {}).items()}
    shapes = [[name, array.dtype.str, list(array.shape)] for name, array in arrays.items()]
    text = json.dumps({"message": message, "arrays": shapes}).encode()
    sock.sendall(LENGTH.pack(len(text)) + text)
    for array in arrays.values():
        sock.sendall(array.tobytes())


def receive(sock, timeout_s=None):
    """(message, arrays) of the other side.

    Raises TimeoutError where not all of it has come within timeout_s, ConnectionError where the other side is gone.
    """
    until_s = None if timeout_s is None else time.monotonic() + timeout_s
    size = LENGTH.unpack(_read(sock, LENGTH.size, until_s))[0]
    if size > MAX_MESSAGE_BYTES:
        raise ConnectionError(f"expected a message of at most {MAX_MESSAGE_BYTES} bytes, got {size}")
    packed = json.loads(_read(sock, size, until_s).decode())
    arrays = {}
    for name, dtype, shape in packed["arrays"]:
        count = int(np.prod(shape, dtype=np.int64)) * np.dtype(dtype).itemsize
        if not 0 <= count <= MAX_ARRAY_BYTES:
            raise ConnectionError(f"expected an array of at most {MAX_ARRAY_BYTES} bytes, got {count}")
        arrays[name] = np.frombuffer(_read(sock, count, until_s), np.dtype(dtype)).reshape(shape)
    return packed["message"], arrays


def _read(sock, count, until_s):
    data = bytearray()
    while len(data) < count:
        if until_s is not None:
            left_s = until_s - time.monotonic()
            if left_s <= 0:
                raise TimeoutError("timed out")
            sock.settimeout(left_s)
        part = sock.recv(min(count - len(data), 1 << 20))
        if not part:
            raise ConnectionError("the other side closed the connection")
        data += part
    return bytes(data)
