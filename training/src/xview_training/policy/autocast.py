"""In which precision a policy computes: bfloat16 where the hardware has it, float32 where it matters or is faster.

Knows no policy. Exported graphs hold no trace of either.
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Iterator

import torch


def bfloat16(device: torch.device, wanted: bool = True) -> torch.autocast:
    """Autocast to bfloat16 on this device, where that is wanted and the device multiplies in it.

    A processor that does not emulates it: on a Zen 3 the small policy learnt 9 times slower than in float32.
    """
    return torch.autocast(device.type, torch.bfloat16, enabled=wanted and (device.type != "cpu" or cpu_has_bfloat16()))


@functools.cache
def cpu_has_bfloat16() -> bool:
    """Whether this machine's processor multiplies in bfloat16."""
    return has_amx() or bool(torch.cpu.get_capabilities().get("avx512_bf16"))


@functools.cache
def has_amx() -> bool:
    """Whether this machine's processor multiplies matrices of bfloat16 as one instruction."""
    return bool(torch.cpu.get_capabilities().get("amx_bf16"))


def full_precision() -> contextlib.AbstractContextManager[None]:
    """Leaves autocast where it is on; does nothing where it is off, so that exported graphs hold no trace."""
    if torch.is_autocast_enabled("cpu") or torch.is_autocast_enabled("cuda"):
        return _without_autocast()
    return contextlib.nullcontext()


@contextlib.contextmanager
def _without_autocast() -> Iterator[None]:
    with torch.autocast("cpu", enabled=False), torch.autocast("cuda", enabled=False):
        yield
