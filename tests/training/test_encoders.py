"""The encoders' own convolution is the plain layer, only quicker to learn."""

import pytest
import torch
from torch import nn
from xview_training.policy import encoders


@pytest.fixture(params=[False, True], ids=["without AMX", "with AMX"])
def processor(request, monkeypatch):
    monkeypatch.setattr(encoders, "has_amx", lambda: request.param)


def test_the_token_convolution_is_the_plain_one_forward_and_backward(processor):
    torch.manual_seed(0)
    plain = nn.Conv2d(16, 96, 3, stride=2, padding=1)
    ours = encoders.TokenConv2d(16, 96, 3, stride=2, padding=1)
    ours.load_state_dict(plain.state_dict())
    found = []
    for layer in (plain, ours):
        x = torch.randn(4, 16, 8, 8, generator=torch.Generator().manual_seed(1)).bfloat16().requires_grad_()
        with torch.autocast("cpu", torch.bfloat16):
            answer = layer(x)
        answer.float().square().sum().backward()
        found.append((answer.detach(), x.grad, layer.weight.grad, layer.bias.grad))
    for expected, got in zip(*found, strict=True):
        assert got.dtype == expected.dtype
        torch.testing.assert_close(got.float(), expected.float(), rtol=0.02, atol=0.02 * float(expected.abs().max()))
    assert torch.equal(found[0][0], found[1][0])


def test_what_needs_no_gradient_gets_none():
    layer = encoders.TokenConv2d(16, 96, 3, stride=2, padding=1)
    with torch.autocast("cpu", torch.bfloat16):
        layer(torch.randn(2, 16, 8, 8).bfloat16()).sum().backward()
    assert layer.weight.grad is not None
