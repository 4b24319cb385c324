"""Where TensorRT keeps what it builds, so that a robot waits for an engine once and never gets another's.

An engine is good for one GPU, one version of TensorRT and one model; timings of layers for one GPU and version. The
folders are named by these: ROOT/GPU/VERSION/timing and ROOT/GPU/VERSION/HASH-OF-THE-MODEL. The GPU and the version
are asked of the driver and of TensorRT itself, through their C interfaces. Knows no sessions.
"""

from __future__ import annotations

import ctypes
import hashlib
import importlib.util
import os
import re
from pathlib import Path

DRIVER, LIBRARY = "libcuda.so.1", "libnvinfer.so.10"  # TensorRT 10: what ONNX Runtime is built with


def provider_options(model: bytes, root: str, half: bool) -> dict[str, str]:
    """ONNX Runtime's options for that model, its folders made. OSError without a driver, GPU or TensorRT.

    root: the cache's folder; empty: the user's. half: the model computes in fp16.
    """
    version_folder = (Path(root) if root else default_root()) / folder_name(gpu_name()) / tensorrt_version()
    engines, timings = version_folder / hashlib.sha256(model).hexdigest(), version_folder / "timing"
    for folder in (engines, timings):
        folder.mkdir(parents=True, exist_ok=True)
    return {
        "trt_engine_cache_enable": "1",
        "trt_engine_cache_path": str(engines),
        "trt_timing_cache_enable": "1",
        "trt_timing_cache_path": str(timings),
        "trt_fp16_enable": str(int(half)),
        "trt_layer_norm_fp32_fallback": "1",
    }


def default_root() -> Path:
    """xview/tensorrt in the user's cache folder (XDG_CACHE_HOME, else ~/.cache)."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "xview" / "tensorrt"


def folder_name(text: str) -> str:
    """`text` with only what every file system takes: "NVIDIA H200" -> "nvidia-h200"."""
    return re.sub(r"[^a-z0-9.]+", "-", text.lower()).strip("-.") or "unnamed"


def gpu_name() -> str:
    """What the driver calls the first GPU; OSError where there is none."""
    driver = ctypes.CDLL(DRIVER)
    name, device = ctypes.create_string_buffer(256), ctypes.c_int()
    error = (
        driver.cuInit(0)
        or driver.cuDeviceGet(ctypes.byref(device), 0)
        or driver.cuDeviceGetName(name, len(name), device)
    )
    if error:
        raise OSError(f"{DRIVER}: expected a GPU, got CUDA driver error {error}")
    return name.value.decode()


def tensorrt_version() -> str:
    """Such as "10.9.0", of the library that is loaded; OSError where there is none."""
    number = int(_tensorrt().getInferLibVersion())
    return f"{number // 10000}.{number // 100 % 100}.{number % 100}"


def _tensorrt() -> ctypes.CDLL:
    """TensorRT from the system, or from its Python package, which ONNX Runtime then finds loaded."""
    try:
        return ctypes.CDLL(LIBRARY)
    except OSError:
        package = importlib.util.find_spec("tensorrt_libs")
        if package is None or package.origin is None:
            raise
    folder = Path(package.origin).parent
    library = ctypes.CDLL(str(folder / LIBRARY), ctypes.RTLD_GLOBAL)
    ctypes.CDLL(str(folder / LIBRARY.replace("nvinfer", "nvonnxparser")), ctypes.RTLD_GLOBAL)
    return library
