"""How this package compiles its inner loops: two decorators over numba.njit, and where the binaries are kept.

Numba's cache looks at a function's own file only: edit a callee in another file, or a constant that it froze, and the
old binary goes on being used. So the cache folder is named by a hash of all the sources that hold compiled functions,
and of this folder's others, whose tables those freeze.

Nor does it lock: two processes that compile at once may give two signatures of a function the same file, and the code
for one type of array is then run on another. So each process's files have a name of their own.
"""

import functools
import hashlib
import os
import tempfile
import uuid
from pathlib import Path
from typing import Any

import numba
from numba import njit
from numba.core.caching import IndexDataCacheFile

PACKAGE = Path(__file__).resolve().parents[1]


def _cache_folder() -> str:
    digest = hashlib.sha256(numba.__version__.encode())
    for source in sorted(PACKAGE.rglob("*.py")):
        text = source.read_bytes()
        if b"sim.compiled import" in text or source.parent.name == "sim":
            digest.update(text)
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    folder = Path(base) / "xview" / f"numba-{digest.hexdigest()[:16]}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:  # a home that cannot be written, as in some containers: compiles at every start
        folder = Path(tempfile.mkdtemp(prefix="xview-numba-"))
    return str(folder)


def _name_files_apart() -> None:
    """At worst an index forgets another process's entry, and the function is compiled once more."""
    numbered, own = IndexDataCacheFile._data_name, uuid.uuid4().hex[:12]

    def apart(self: Any, number: int) -> str:
        return f"{own}-{numbered(self, number)}"

    IndexDataCacheFile._data_name = apart  # type: ignore[method-assign]


_name_files_apart()
if not os.environ.get("NUMBA_CACHE_DIR"):
    numba.config.CACHE_DIR = _cache_folder()  # type: ignore[attr-defined]

compiled: Any = functools.partial(njit, cache=True, nogil=True)
# For drawing: reassociates float32 and divides without a check, so results may differ in the last bit between
# processors. Rules and world generation use `compiled` and do not.
compiled_fast: Any = functools.partial(compiled, fastmath=True, error_model="numpy", boundscheck=False)
