"""The sizes that a ROCKET-2 policy comes in, under the names that its published configurations use.

Knows no weights. A configuration that was published beside its weights names these fields, so it can be passed on
as it is.

    layout = layout_from({"hiddim": 1536, "num_heads": 16})
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping

from xview_training.naming import named
from xview_training.policy.vit import PATCHES_A_SIDE, VIT_SIZES, vit_named

PATCHES = PATCHES_A_SIDE**2  # tokens of one view
RELATIVE_BASES = 10  # learned curves over the distance in time, mixed by each query


@dataclasses.dataclass(frozen=True)
class Rocket2Layout:
    """Sizes of a ROCKET-2 policy; the defaults are those of the released 1x weights (187 M parameters)."""

    view_backbone: str = "timm/vit_base_patch16_224.dino"  # frozen; sees both views
    mask_backbone: str = "timm/vit_tiny_patch16_224.augreg_in21k_ft_in1k"  # sees the goal's mask
    hiddim: int = 1024  # width of every token after the backbones
    num_heads: int = 8  # of the fusion and of the recurrence
    num_layers: int = 4  # of each of the two
    timesteps: int = 128  # steps of a training window; shapes nothing
    mem_len: int = 128  # steps that are remembered
    use_prev_action: bool = True  # a token for the previous action
    num_view_tokens: int = 9  # into which a frame and its goal are drawn together

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            _check_type(field.name, getattr(self, field.name), type(field.default))
        if self.hiddim % self.num_heads:
            raise ValueError(f"hiddim is {self.hiddim}: expected a multiple of num_heads, {self.num_heads}")
        vit_named(self.view_backbone)
        vit_named(self.mask_backbone)

    @property
    def step_tokens(self) -> int:
        """Tokens of one step: view, interaction and, where it is used, previous action."""
        return self.num_view_tokens + 1 + int(self.use_prev_action)

    @property
    def memory_tokens(self) -> int:
        """Tokens each layer of the recurrence sees, the present one included."""
        return self.mem_len * self.step_tokens


def _check_type(name: str, value: object, expected: type) -> None:
    if type(value) is not expected:
        raise ValueError(f"{name} is {value!r}: expected {expected.__name__}, came {type(value).__name__}")
    if expected is int and value < 1:  # type: ignore[operator]
        raise ValueError(f"{name} is {value}: expected at least 1")


RELEASED = Rocket2Layout()
XL = Rocket2Layout(hiddim=1536, num_heads=16)  # 297 M parameters
SMALL = Rocket2Layout(  # for tests
    view_backbone="timm/vit_small_patch16_224.dino", hiddim=256, num_layers=2, timesteps=16, mem_len=16
)
LAYOUTS = {"released": RELEASED, "xl": XL, "small": SMALL}
FIELDS = {field.name: field for field in dataclasses.fields(Rocket2Layout)}


def layout_from(fields: Mapping[str, object]) -> Rocket2Layout:
    """The released layout with these fields changed; ValueError names the nearest field or what was expected."""
    for name in fields:
        named(FIELDS, name, "field of the ROCKET-2 layout")
    return Rocket2Layout(**fields)  # type: ignore[arg-type]


def fields_told_by(shapes: Mapping[str, tuple[int, ...]]) -> dict[str, object]:
    """The fields that the shapes of a file's parameters give away, for a hint; empty where they are no ROCKET-2's."""
    try:
        return dict(_told_by(shapes))
    except (KeyError, IndexError, ValueError, ZeroDivisionError):
        return {}


def _told_by(shapes: Mapping[str, tuple[int, ...]]) -> Iterator[tuple[str, object]]:
    _, view_tokens, hidden = shapes["view_cls_tokens"]
    uses_action = any(name.startswith("action_embedding_layer.") for name in shapes)
    block = "recurrent.blocks.0.r.orc_block."
    widths = {size.width: name for name, size in VIT_SIZES.items()}
    for part in ("view_backbone", "mask_backbone"):
        yield part, widths[shapes[f"{part}.model.cls_token"][2]]
    yield "hiddim", hidden
    yield "num_heads", shapes[f"{block}r_layer.weight"][0] // RELATIVE_BASES
    yield "num_layers", sum(name.endswith(".orc_block.b_nd") for name in shapes)
    yield "mem_len", shapes[f"{block}b_nd"][1] // (view_tokens + 1 + int(uses_action))
    yield "use_prev_action", uses_action
    yield "num_view_tokens", view_tokens
