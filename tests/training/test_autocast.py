"""bfloat16 is computed where the hardware multiplies in it, and nowhere else."""

import pytest
import torch
from xview_training.policy import autocast

CPU = torch.device("cpu")


@pytest.fixture(params=[False, True], ids=["without", "with"])
def has_bfloat16(request, monkeypatch):
    monkeypatch.setattr(autocast, "cpu_has_bfloat16", lambda: request.param)
    return request.param


def product_on(device: torch.device, wanted: bool = True) -> torch.dtype:
    with autocast.bfloat16(device, wanted):
        return (torch.ones(2, 2) @ torch.ones(2, 2)).dtype


def test_a_processor_that_would_emulate_it_computes_in_float32(has_bfloat16):
    assert product_on(CPU) == (torch.bfloat16 if has_bfloat16 else torch.float32)


def test_who_does_not_want_it_does_not_get_it(has_bfloat16):
    assert product_on(CPU, wanted=False) == torch.float32


@pytest.mark.parametrize(
    ("capabilities", "expected"),
    [
        ({}, False),
        ({"avx512_bf16": False, "amx_bf16": False}, False),
        ({"avx512_bf16": True}, True),
        ({"amx_bf16": True}, True),
    ],
)
def test_the_processor_s_own_word_decides(monkeypatch, capabilities, expected):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: capabilities)
    for function in (autocast.cpu_has_bfloat16, autocast.has_amx):
        function.cache_clear()
    assert autocast.cpu_has_bfloat16() is expected
    for function in (autocast.cpu_has_bfloat16, autocast.has_amx):
        function.cache_clear()


def test_what_needs_full_precision_gets_it():
    with torch.autocast("cpu", torch.bfloat16), autocast.full_precision():
        assert (torch.ones(2, 2) @ torch.ones(2, 2)).dtype == torch.float32
