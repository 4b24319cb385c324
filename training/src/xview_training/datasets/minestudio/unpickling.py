"""Pickles of others, read without running anything: plain values and numpy's arrays, nothing else."""

from __future__ import annotations

import io
import pickle
from typing import Any

from xview_training.datasets.recording import DatasetError

ARRAY_PARTS = {"_reconstruct", "scalar", "_frombuffer"}
ALLOWED = {("numpy", "ndarray"), ("numpy", "dtype")} | {
    (f"numpy.{core}.{module}", name)
    for core in ("core", "_core")
    for module in ("multiarray", "numeric")
    for name in ARRAY_PARTS
}


class _Unpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in ALLOWED:
            raise DatasetError(f"asks for {module}.{name}: expected plain values and arrays")
        return super().find_class(module, name)


def unpickle(data: bytes, where: str) -> Any:
    """What a pickle holds; DatasetError where it is damaged, or asks for anything but values and arrays."""
    try:
        return _Unpickler(io.BytesIO(data)).load()
    except Exception as error:  # a damaged pickle fails in as many ways as there are opcodes
        raise DatasetError(f"{where}: no pickle of plain values: {error}") from None
