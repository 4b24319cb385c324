"""The ROCKET-2 layout is the published one: names, shapes, counts; its fields are checked."""

import dataclasses
from ast import literal_eval
from pathlib import Path

import pytest
import torch
from xview_training.policy.rocket2.heads import PreviousAction
from xview_training.policy.rocket2.layout import LAYOUTS, RELEASED, SMALL, XL, fields_told_by, layout_from
from xview_training.policy.rocket2.policy import Rocket2Policy

pytestmark = pytest.mark.usefixtures("one_thread")
PUBLISHED = Path(__file__).parent / "rocket2_layouts"


def on_meta(name: str) -> Rocket2Policy:
    with torch.device("meta"):
        return Rocket2Policy(LAYOUTS[name])


def shapes_of(policy: Rocket2Policy) -> dict[str, tuple[int, ...]]:
    return {name: tuple(tensor.shape) for name, tensor in policy.state_dict().items()}


@pytest.mark.parametrize("name", ["released", "small"])
def test_names_and_shapes_are_the_published_ones(name):
    lines = (PUBLISHED / f"{name}.tsv").read_text().splitlines()
    published = {parameter: literal_eval(shape) for parameter, shape in (line.split("\t") for line in lines)}
    policy = on_meta(name)
    assert shapes_of(policy) == published
    assert {parameter for parameter, _ in policy.named_parameters()} == published.keys()


@pytest.mark.parametrize(("name", "millions"), [("released", 187.4), ("xl", 299.7), ("small", 32.3)])
def test_parameters_are_as_many_as_published(name, millions):
    count = sum(parameter.numel() for parameter in on_meta(name).parameters())
    assert round(count / 1e6, 1) == millions


def test_the_released_size_answers_in_the_published_shapes():
    policy = on_meta("released").eval()
    picture = torch.zeros(2, 224, 224, 3, dtype=torch.uint8, device="meta")
    goal = policy.encode_goal(picture, picture[..., 0])
    nothing = PreviousAction.none(2, 1, picture.device)
    state = policy.initial_state(2)
    output, after = policy.step(picture, goal, torch.zeros(2, dtype=torch.long, device="meta"), nothing, state)
    shapes = {name: tuple(part.shape) for name, part in output._asdict().items()}
    assert shapes == {
        "buttons": (2, 8641),
        "camera": (2, 121),
        "value": (2,),
        "value_normalised": (2,),
        "visible_logit": (2,),
        "point": (2, 2),
        "box": (2, 4),
    }
    assert goal.tokens.shape == (2, 196, 1024)
    assert [tuple(part.shape) for part in after] == [(2, 4, 1408, 1024), (2, 4, 1408, 1024), (2, 1408)]


def test_defaults_and_published_fields_name_the_same_layout():
    assert layout_from({}) == RELEASED == layout_from(dataclasses.asdict(RELEASED))
    assert layout_from({"hiddim": 1536, "num_heads": 16}) == XL
    assert (RELEASED.step_tokens, RELEASED.memory_tokens) == (11, 1408)
    assert dataclasses.replace(RELEASED, use_prev_action=False).step_tokens == 10


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"hidim": 512}, "unknown field of the ROCKET-2 layout 'hidim': did you mean 'hiddim'"),
        ({"hiddim": 1000, "num_heads": 16}, "hiddim is 1000: expected a multiple of num_heads, 16"),
        ({"hiddim": "1024"}, "hiddim is '1024': expected int, came str"),
        ({"num_layers": 0}, "num_layers is 0: expected at least 1"),
        ({"num_layers": True}, "num_layers is True: expected int, came bool"),
        ({"view_backbone": "timm/vit_bse_patch16_224"}, "did you mean 'vit_base_patch16_224'"),
    ],
)
def test_a_wrong_field_is_named(fields, message):
    with pytest.raises(ValueError, match=message):
        layout_from(fields)


@pytest.mark.parametrize("layout", [RELEASED, XL, SMALL, dataclasses.replace(SMALL, use_prev_action=False)])
def test_shapes_tell_the_layout(layout):
    with torch.device("meta"):
        told = fields_told_by(shapes_of(Rocket2Policy(layout)))
    assert dataclasses.replace(layout_from(told), timesteps=layout.timesteps) == dataclasses.replace(
        layout,
        view_backbone=layout.view_backbone.removeprefix("timm/").split(".")[0],
        mask_backbone=layout.mask_backbone.removeprefix("timm/").split(".")[0],
    )


def test_shapes_of_something_else_tell_nothing():
    assert fields_told_by({"conv.weight": (3, 3)}) == {}
    assert fields_told_by({"view_cls_tokens": ()}) == {}
