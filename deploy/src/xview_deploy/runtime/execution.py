"""What runs a bundle's graphs: execution providers chosen by name, and what of them really loaded.

ONNX Runtime lists every provider of its build, loads what it can and goes on with the CPU without a word; only a
session tells which it became. So `auto` reports what it got, and a provider that was asked for by name and did not
load is an error. Once loaded it stays: a run that fails on the GPU raises instead of going on slowly on the CPU, for
a robot that waits is safe and one that is late is not. Knows neither the contract's tensors nor robots.

    session = open_session("step.onnx", model, Execution(provider="cuda"), batch=1)
    loaded(session)
"""

from __future__ import annotations

import contextlib
import ctypes
import dataclasses
import io
from pathlib import Path
from typing import Any

import onnxruntime as ort

from xview_deploy.bundle import BundleError
from xview_deploy.naming import named
from xview_deploy.runtime import tensorrt_cache
from xview_deploy.spec import BATCH_AXIS, ContractError

CPU, CUDA, TENSORRT = "CPUExecutionProvider", "CUDAExecutionProvider", "TensorrtExecutionProvider"
# What each name asks for; ONNX Runtime gives each node to the first of these that can run it.
PROVIDERS = {"auto": (CUDA, CPU), "cpu": (CPU,), "cuda": (CUDA, CPU), "tensorrt": (TENSORRT, CUDA, CPU)}
QUIET, WARNING = 4, 2  # ONNX Runtime's severities: a missing GPU is told by `loaded`, not by a scare in the log


class ExecutionError(ContractError):
    """The machine does not offer what was asked for; the message says what loaded and what to check."""


@dataclasses.dataclass(frozen=True)
class Execution:
    """Where and how graphs run. ContractError where the parts do not go together."""

    provider: str = "auto"  # auto (CUDA if it loads, else the CPU), cpu, cuda or tensorrt
    require_gpu: bool = False  # refuse to run on the CPU
    threads: int = 1  # of the processor, for one run; one is fastest beside a busy process
    cuda_graph: bool = False  # replay each step as one recorded CUDA graph; for provider cuda
    engine_cache: str = ""  # folder of TensorRT's engines; empty: in the user's cache folder

    def __post_init__(self) -> None:
        named(PROVIDERS, self.provider, "execution provider")
        if self.threads < 1:
            raise ContractError(f"threads: expected 1 or more, got {self.threads}")
        if self.require_gpu and self.provider == "cpu":
            raise ContractError("provider: expected auto, cuda or tensorrt where a GPU is required, got cpu")
        if self.cuda_graph and self.provider != "cuda":
            raise ContractError(f"provider: expected cuda where CUDA graphs are wanted, got {self.provider}")


def open_session(
    member: str, model: bytes, execution: Execution, batch: int | None = None, half: bool = False
) -> ort.InferenceSession:
    """A session of the model; `member` is what errors call it.

    batch: fixes the model's batch axis, as TensorRT and CUDA graphs want it. half: the model computes in fp16.
    Raises BundleError for a model that is none, ExecutionError where the wanted provider did not load.
    """
    trouble = "this build of ONNX Runtime has no such provider"
    session: ort.InferenceSession | None = None
    if PROVIDERS[execution.provider][0] in {*ort.get_available_providers()} - {CPU}:
        trouble = ""
        try:
            session = _session(model, execution, batch, _provider_options(model, execution, half))
        except Exception as error:  # ONNX Runtime raises a dozen unrelated classes
            trouble = str(error).strip()
    if session is None:
        try:
            session = _session(model, execution, batch, [CPU])
        except Exception as error:
            raise BundleError(f"{member}: expected a model that ONNX Runtime loads, got: {error}") from None
    _check_provider(session, execution, trouble)
    if batch is not None and any(node.shape[:1] != [batch] for node in session.get_inputs()):
        raise BundleError(f"{member}: expected the first axis of each input to be called {BATCH_AXIS}")
    return session


def loaded(session: ort.InferenceSession) -> str:
    """The provider that really runs the session, as ONNX Runtime calls it."""
    return str(session.get_providers()[0])


def _provider_options(model: bytes, execution: Execution, half: bool) -> list[Any]:
    if hasattr(ort, "preload_dlls"):  # CUDA that came as Python packages is found only this way
        with contextlib.redirect_stdout(io.StringIO()):  # it prints what it does not find
            ort.preload_dlls()
    options: dict[str, dict[str, str]] = {
        # Full precision: a robot should choose the actions that its policy was exported with.
        CUDA: {"use_tf32": "0", "enable_cuda_graph": str(int(execution.cuda_graph))},
        CPU: {},
    }
    if execution.provider == "tensorrt":
        options[TENSORRT] = tensorrt_cache.provider_options(model, execution.engine_cache, half)
    return [(name, options[name]) for name in PROVIDERS[execution.provider]]


def _session(model: bytes, execution: Execution, batch: int | None, providers: list[Any]) -> ort.InferenceSession:
    options = ort.SessionOptions()
    options.intra_op_num_threads = execution.threads
    options.inter_op_num_threads = 1
    # A spinning pool starves whatever else the robot computes, and runs slower itself beside a busy process.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    if batch is not None:
        options.add_free_dimension_override_by_name(BATCH_AXIS, batch)
    options.log_severity_level = QUIET
    ort.set_default_logger_severity(QUIET)
    try:
        return ort.InferenceSession(model, options, providers=providers, enable_fallback=0)
    finally:
        ort.set_default_logger_severity(WARNING)


def _check_provider(session: ort.InferenceSession, execution: Execution, trouble: str) -> None:
    wanted, got = PROVIDERS[execution.provider][0], loaded(session)
    if got == wanted or (execution.provider == "auto" and not execution.require_gpu):
        return
    what = "a GPU" if execution.provider == "auto" else wanted
    trouble = trouble or _missing_library(wanted)
    raise ExecutionError(
        f"expected the policy to run on {what}, got {got} ({trouble}): check the driver with nvidia-smi and that "
        "onnxruntime-gpu matches the installed CUDA and TensorRT, or choose provider auto without require_gpu"
    )


def _missing_library(provider: str) -> str:
    """What the provider's own library lacks; ONNX Runtime tells only its log."""
    name = provider.removesuffix("ExecutionProvider").lower()
    try:
        ctypes.CDLL(str(Path(ort.__file__).parent / "capi" / f"libonnxruntime_providers_{name}.so"))
    except OSError as error:
        if "No such file" in str(error):
            return str(error)
    return "ONNX Runtime left it out without a reason"
