"""Published files load whole or not at all; what is wrong with a file is named, and nothing of it is executed."""

import argparse
import dataclasses
import json
import os
import re
from collections import Counter, OrderedDict, defaultdict, deque
from pathlib import Path

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file
from xview_training.policy import vit
from xview_training.policy.rocket2.layout import SMALL, layout_from
from xview_training.policy.rocket2.policy import Rocket2Policy
from xview_training.policy.rocket2.weights import load_rocket2, save_rocket2

pytestmark = pytest.mark.usefixtures("one_thread")
FIELDS = {
    "view_backbone": "vit_micro",
    "mask_backbone": "vit_micro",
    "hiddim": 16,
    "num_heads": 2,
    "num_layers": 2,
    "mem_len": 2,
    "num_view_tokens": 2,
}


@pytest.fixture(scope="module")
def micro():
    """A policy of a few hundred kilobytes: most of these tests are about files."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(vit.VIT_SIZES, "vit_micro", vit.VitSize(8, 2, depth=1))
        torch.manual_seed(0)
        yield Rocket2Policy(layout_from(FIELDS))


@pytest.fixture
def hub(micro, tmp_path) -> Path:
    """A folder as the hub has it."""
    save_rocket2(micro, tmp_path / "hub")
    return tmp_path / "hub"


def lightning(policy: Rocket2Policy, path: Path, **rest: object) -> Path:
    state = OrderedDict((f"mine_policy.{name}", tensor) for name, tensor in policy.state_dict().items())
    torch.save({"state_dict": state, "epoch": 6, "global_step": 220_000, **rest}, path)
    return path


def same_weights(one: Rocket2Policy, other: Rocket2Policy) -> bool:
    pairs = zip(one.state_dict().items(), other.state_dict().items(), strict=True)
    return all(name == other_name and torch.equal(a, b) for (name, a), (other_name, b) in pairs)


def rewritten(hub: Path, change) -> Path:
    """The hub's weights after `change` was applied to the dictionary of tensors."""
    path = hub / "model.safetensors"
    tensors = {name: tensor.clone() for name, tensor in load_file(path).items()}
    change(tensors)
    save_file(tensors, path)
    return path


def test_the_small_layout_comes_back_from_both_formats(tmp_path):
    torch.manual_seed(0)
    policy = Rocket2Policy(SMALL)
    fields = dataclasses.asdict(SMALL)
    files = save_rocket2(policy, tmp_path), lightning(policy, tmp_path / "weight.ckpt")
    for path in files:
        loaded = load_rocket2(path, **fields)
        path.unlink()
        assert loaded.layout == SMALL
        assert same_weights(loaded, policy)
        assert not loaded.training


def test_a_loaded_policy_is_ready_to_train_but_for_its_backbone(hub):
    loaded = load_rocket2(hub)
    trained = {name.split(".")[0] for name, parameter in loaded.named_parameters() if parameter.requires_grad}
    assert "view_backbone" not in trained
    assert {"mask_backbone", "recurrent", "pi_head"} <= trained
    assert not loaded.value_head.normalizer.running_mean.requires_grad


def test_a_folder_names_its_own_layout(micro, hub):
    layout = micro.layout
    assert same_weights(load_rocket2(hub), micro)
    assert load_rocket2(hub, timesteps=64).layout == dataclasses.replace(layout, timesteps=64)
    config = json.loads((hub / "config.json").read_text())
    (hub / "config.json").write_text(json.dumps({**config, "action_space": None}))
    assert load_rocket2(hub).layout == layout
    (hub / "config.json").write_text(json.dumps({**config, "rope": True}))
    with pytest.raises(ValueError, match="unknown field of the ROCKET-2 layout 'rope'"):
        load_rocket2(hub)
    (hub / "config.json").write_text("[]")
    with pytest.raises(ValueError, match="holds a list: expected the fields of a layout"):
        load_rocket2(hub)
    (hub / "config.json").unlink()
    with pytest.raises(ValueError, match=r"config.json is no readable configuration"):
        load_rocket2(hub)


def test_weights_of_lower_precision_are_loaded_in_full(micro, hub):
    def halve(tensors):
        tensors.update({name: tensor.bfloat16() for name, tensor in tensors.items()})

    loaded = load_rocket2(rewritten(hub, halve), **FIELDS)
    assert {parameter.dtype for parameter in loaded.parameters()} == {torch.float32}
    torch.testing.assert_close(loaded.final_ln.weight, micro.final_ln.weight)


def test_a_file_that_changes_after_loading_changes_nothing(micro, hub):
    loaded = load_rocket2(hub)
    path = hub / "model.safetensors"
    path.write_bytes(b"\0" * path.stat().st_size)
    assert same_weights(loaded, micro)


def test_missing_unexpected_and_misshapen_parameters_are_all_named(hub):
    def spoil(tensors):
        del tensors["final_ln.bias"], tensors["recurrent.blocks.1.r.orc_block.b_nd"]
        tensors["norm.weight"] = torch.ones(3)
        tensors["lastlayer.norm.weight"] = torch.ones(17)
        tensors["interaction.weight"] = tensors["interaction.weight"].int()

    path = rewritten(hub, spoil)
    with pytest.raises(ValueError, match="does not fit the layout") as caught:
        load_rocket2(path, **FIELDS)
    message = str(caught.value)
    assert "missing: final_ln.bias, recurrent.blocks.1.r.orc_block.b_nd\n" in message
    assert "unexpected: norm.weight\n" in message
    assert "of another shape: lastlayer.norm.weight (17,) instead of (16,)\n" in message
    assert "no floating point: interaction.weight" in message


def test_another_layout_is_named_by_the_files_own_shapes(hub):
    path = hub / "model.safetensors"
    with pytest.raises(ValueError, match="does not fit the layout") as caught:
        load_rocket2(path)
    hint = str(caught.value).splitlines()[-1]
    assert hint == (
        "  its shapes are those of load_rocket2(path, view_backbone='vit_micro', mask_backbone='vit_micro', "
        "hiddim=16, num_heads=2, num_layers=2, mem_len=2, num_view_tokens=2)"
    )
    assert re.search(r"missing: .* and \d+ more", str(caught.value))  # too many to name each


def test_values_that_are_not_finite_are_refused(hub):
    def spoil(tensors):
        tensors["final_ln.bias"][3] = float("nan")

    with pytest.raises(ValueError, match=r"is damaged: values that are not finite in final_ln\.bias"):
        load_rocket2(rewritten(hub, spoil), **FIELDS)


def test_foreign_files_are_refused(tmp_path, micro):
    save_file({"conv.weight": torch.ones(2, 2)}, tmp_path / "foreign.safetensors")
    with pytest.raises(ValueError, match=r"holds no parameter of a ROCKET-2 policy: it holds conv\.weight"):
        load_rocket2(tmp_path / "foreign.safetensors", **FIELDS)
    (tmp_path / "picture.png").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(100))
    with pytest.raises(ValueError, match="is neither a safetensors file nor a Lightning checkpoint"):
        load_rocket2(tmp_path / "picture.png", **FIELDS)
    with pytest.raises(ValueError, match="cannot be read: No such file"):
        load_rocket2(tmp_path / "nowhere.ckpt", **FIELDS)
    torch.save([torch.ones(2)], tmp_path / "list.ckpt")
    with pytest.raises(ValueError, match="expected a Lightning checkpoint with an entry 'state_dict'"):
        load_rocket2(tmp_path / "list.ckpt", **FIELDS)
    torch.save({"state_dict": {"mine_policy.step": 3}}, tmp_path / "numbers.ckpt")
    with pytest.raises(ValueError, match=r"expected tensors by name in 'state_dict', came mine_policy\.step"):
        load_rocket2(tmp_path / "numbers.ckpt", **FIELDS)


def test_objects_beside_the_weights_are_left_alone(micro, tmp_path):
    settings = argparse.Namespace(learning_rate=4e-5, path=Path("runs"))
    beside = {"model": settings, "counts": Counter(a=2), "lists": defaultdict(list, a=[1]), "last": deque([1, 2])}
    path = lightning(micro, tmp_path / "full.ckpt", hyper_parameters=beside, more=Strange(a=1), when=torch.Size([2]))
    assert same_weights(load_rocket2(path, **FIELDS), micro)


class Strange(dict):
    """As Lightning's own dictionaries of attributes are."""


class Payload:
    """What a hostile checkpoint holds."""

    def __init__(self, function, *arguments: str) -> None:
        self.call = function, arguments

    def __reduce__(self):
        return self.call


def test_nothing_of_a_checkpoint_is_executed(micro, tmp_path):
    trace = tmp_path / "trace"
    for payload in (Payload(eval, f"open({str(trace)!r}, 'w')"), Payload(os.system, f"touch {trace}")):
        harmless = lightning(micro, tmp_path / "payload.ckpt", more=payload)
        assert same_weights(load_rocket2(harmless, **FIELDS), micro)
    assert not trace.exists()


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    kind=st.sampled_from(["safetensors", "ckpt"]), at=st.floats(0, 0.999), cut=st.booleans(), byte=st.integers(0, 255)
)
def test_a_damaged_file_is_one_clear_error_or_harmless(micro, hub, kind, at, cut, byte):
    path = hub / "model.safetensors" if kind == "safetensors" else lightning(micro, hub / "weight.ckpt")
    data = bytearray(path.read_bytes())
    place = int(at * len(data)) if cut else int(at * 20_000)  # the structure lies at the start
    data = data[:place] if cut else data[:place] + bytes([byte]) + data[place + 1 :]
    damaged = hub / f"damaged.{kind}"
    damaged.write_bytes(data)
    if cut or not loads(damaged):
        with pytest.raises(ValueError, match=re.escape(str(damaged))):
            load_rocket2(damaged, **FIELDS)


def loads(path: Path) -> bool:
    try:
        load_rocket2(path, **FIELDS)
    except ValueError:
        return False
    return True
