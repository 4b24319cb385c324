"""ROCKET-2 as its layout defines it, written once more from the weights' published names, against the policy.

Double precision, one frame at a time, nothing shared with the policy: tokens, their order, both backbones, fusion,
recurrence and heads. The backbones are thin; their layers are those of the real ones.
"""

import math

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F
from xview_training.policy import vit
from xview_training.policy.minecraft_actions import EMBEDDED_KEYS
from xview_training.policy.rocket2.heads import PreviousAction
from xview_training.policy.rocket2.layout import Rocket2Layout, layout_from
from xview_training.policy.rocket2.policy import Rocket2Policy

pytestmark = pytest.mark.usefixtures("one_thread")
STEPS = 40
VIT_HEADS = 2
FIELDS = {"hiddim": 64, "num_heads": 4, "num_layers": 2, "mem_len": 6, "timesteps": 6}
MEAN, DEVIATION = torch.tensor([0.485, 0.456, 0.406]).double(), torch.tensor([0.229, 0.224, 0.225]).double()
Memory = list[tuple[Tensor, Tensor, Tensor]]  # keys, values (1, M, D) and which are there (M,), of each layer


class Definition:
    """What the layout says of a picture, from weights by name. D hidden, M keys in the window, S tokens a frame."""

    def __init__(self, weights: dict[str, Tensor], layout: Rocket2Layout) -> None:
        self.weights = {name: tensor.double() for name, tensor in weights.items()}
        self.layout = layout
        self.tokens = layout.num_view_tokens + 2  # those of the view, the event, the previous action
        self.window = layout.mem_len * self.tokens

    def empty(self) -> Memory:
        nothing = torch.zeros(1, self.window, self.layout.hiddim).double()
        return [(nothing, nothing, torch.zeros(self.window, dtype=torch.bool))] * self.layout.num_layers

    def goal(self, picture: Tensor, mask: Tensor) -> Tensor:
        seen = self.sees(_normalised(picture), "view_backbone.model")
        marked = self.sees(mask.double().unsqueeze(1), "mask_backbone.model")
        return torch.cat([seen, marked], 2) @ self.weights["updim_cross.weight"][:, :, 0, 0].T

    def step(self, picture: Tensor, goal: Tensor, event: int, keys: Tensor, camera: Tensor, memory: Memory):
        """Log-probabilities of buttons and camera, value, auxiliary outputs, and the memory after it."""
        view = self.sees(_normalised(picture), "view_backbone.model") @ self.weights["updim_obs.weight"][:, :, 0, 0].T
        told = self.linear(camera.double(), "action_embedding_layer.camera_layer")
        for number, key in enumerate(EMBEDDED_KEYS):
            table = self.weights[f"action_embedding_layer.binary_layers.act_{key.replace('.', '_')}.weight"]
            told = told + table[keys[:, number]]
        asked = self.weights["interaction.weight"][event].view(1, 1, -1)  # row 0 is of no event
        x = torch.cat([self.fused(view, goal), asked, told.unsqueeze(1)], 1)
        after = []
        for layer, held in enumerate(memory):
            x, kept = self.recurrent(x, f"recurrent.blocks.{layer}.", held)
            after.append(kept)
        x = F.relu(self.linear(self.norm(F.relu(x), "lastlayer.norm"), "lastlayer.layer"))
        x = self.norm(x, "final_ln")
        chosen = (
            self.linear(x[:, -1], f"pi_head.{head}.linear_layer").log_softmax(-1) for head in ("buttons", "camera")
        )
        return *chosen, self.value(x[:, -1]), self.linear(x[:, -3], "aux_vis_head"), after

    def linear(self, x: Tensor, name: str) -> Tensor:
        return F.linear(x, self.weights[f"{name}.weight"], self.weights.get(f"{name}.bias"))

    def norm(self, x: Tensor, name: str, eps: float = 1e-5) -> Tensor:
        return F.layer_norm(x, x.shape[-1:], self.weights[f"{name}.weight"], self.weights[f"{name}.bias"], eps)

    def sees(self, pictures: Tensor, name: str) -> Tensor:
        """A vision transformer's tokens (1, 196, width), without the class token and the last norm."""
        patches = F.conv2d(
            pictures, self.weights[f"{name}.patch_embed.proj.weight"], self.weights[f"{name}.patch_embed.proj.bias"], 16
        )
        x = torch.cat([self.weights[f"{name}.cls_token"], patches.flatten(2).mT], 1) + self.weights[f"{name}.pos_embed"]
        for block in (f"{name}.blocks.{k}" for k in range(2)):
            query, key, value = (
                part.unflatten(-1, (VIT_HEADS, -1)).transpose(1, 2)
                for part in self.linear(self.norm(x, f"{block}.norm1", 1e-6), f"{block}.attn.qkv").chunk(3, -1)
            )
            mixed = (query @ key.mT / math.sqrt(query.shape[-1])).softmax(-1) @ value
            x = x + self.linear(mixed.transpose(1, 2).flatten(2), f"{block}.attn.proj")
            inner = F.gelu(self.linear(self.norm(x, f"{block}.norm2", 1e-6), f"{block}.mlp.fc1"))
            x = x + self.linear(inner, f"{block}.mlp.fc2")
        return x[:, 1:]

    def fused(self, view: Tensor, goal: Tensor) -> Tensor:
        """The view's own tokens after torch's encoder over them, the view's and the goal's patches."""
        layout = self.layout
        x = torch.cat([self.weights["view_cls_tokens"], view, goal], 1)
        for layer in range(2):
            prefix = f"view_resampler.layers.{layer}."
            encoder = torch.nn.TransformerEncoderLayer(
                layout.hiddim, layout.num_heads, 2 * layout.hiddim, batch_first=True
            )
            own = {name.removeprefix(prefix): w for name, w in self.weights.items() if name.startswith(prefix)}
            encoder.double().eval().load_state_dict(own)
            x = encoder(x)
        return x[:, : layout.num_view_tokens]

    def recurrent(self, x: Tensor, block: str, held: tuple[Tensor, Tensor, Tensor]):
        """A block of the memory: each query sees the M keys up to its own, with a bias that depends on how far back."""
        orc, heads = f"{block}r.orc_block.", self.layout.num_heads
        x = self.norm(x, f"{block}pre_r_ln")
        keys = torch.cat([held[0], self.linear(x, f"{orc}k_layer")], 1)
        values = torch.cat([held[1], self.linear(x, f"{orc}v_layer")], 1)
        there = torch.cat([held[2], torch.ones(self.tokens, dtype=torch.bool)])
        query, key, value = (
            part.unflatten(-1, (heads, -1)).transpose(1, 2) for part in (self.linear(x, f"{orc}q_layer"), keys, values)
        )
        back = torch.arange(self.tokens)[:, None] + self.window - torch.arange(self.window + self.tokens)
        allowed = (back >= 0) & (back < self.window) & there
        bases = self.linear(x, f"{orc}r_layer").unflatten(-1, (heads, -1)).transpose(1, 2)
        bias = (bases @ self.weights[f"{orc}b_nd"])[0].gather(-1, back.clamp(0, self.window - 1).expand(heads, -1, -1))
        logits = (query @ key.mT / query.shape[-1] + bias).masked_fill(~allowed, -torch.inf)
        mixed = (logits.softmax(-1) @ value).transpose(1, 2).flatten(2)
        x = x + self.linear(mixed, f"{orc}proj_layer")
        inner = F.relu(self.linear(self.norm(x, f"{block}mlp0.norm"), f"{block}mlp0.layer"))
        x = x + self.linear(inner, f"{block}mlp1.layer")
        return x, (keys[:, -self.window :], values[:, -self.window :], there[-self.window :])

    def value(self, x: Tensor) -> Tensor:
        """In returns: the head's output times their deviation, plus their mean, both corrected for their short past."""
        past = (
            self.weights[f"value_head.normalizer.{name}"]
            for name in ("running_mean", "running_mean_sq", "debiasing_term")
        )
        mean, square, debiasing = past
        mean, square = mean / debiasing, square / debiasing
        return self.linear(x, "value_head.linear") * (square - mean**2).clamp(min=0.01).sqrt() + mean


def _normalised(picture: Tensor) -> Tensor:
    return ((picture.double() / 255 - MEAN) / DEVIATION).permute(0, 3, 1, 2)


def test_forty_steps_are_the_layout_s_definition(monkeypatch):
    monkeypatch.setitem(vit.VIT_SIZES, "vit_thin", vit.VitSize(64, VIT_HEADS, depth=2))
    layout = layout_from(FIELDS | {"view_backbone": "vit_thin", "mask_backbone": "vit_thin"})
    torch.manual_seed(0)
    policy = Rocket2Policy(layout).eval()
    with torch.no_grad():
        for parameter in policy.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.05)
        past = policy.value_head.normalizer
        for name, amount in (("running_mean", 0.2), ("running_mean_sq", 0.9), ("debiasing_term", 0.3)):
            getattr(past, name).fill_(amount)
    definition = Definition(policy.state_dict(), layout)
    view, mask = torch.randint(0, 256, (1, 224, 224, 3), dtype=torch.uint8), torch.zeros(1, 224, 224, dtype=torch.uint8)
    mask[:, 50:90, 30:120] = 1
    with torch.inference_mode():
        goal, defined_goal = policy.encode_goal(view, mask), definition.goal(view, mask)
        state, memory = policy.initial_state(1), definition.empty()
        for _ in range(STEPS):
            picture = torch.randint(0, 256, (1, 224, 224, 3), dtype=torch.uint8)
            keys, camera = torch.randint(0, 2, (1, len(EMBEDDED_KEYS))), torch.randn(1, 2) * 4
            previous = PreviousAction(keys.unsqueeze(1), camera.unsqueeze(1))
            output, state = policy.step(picture, goal, torch.tensor([3]), previous, state)
            *defined, memory = definition.step(picture, defined_goal, 3, keys, camera, memory)
            auxiliary = torch.cat([output.visible_logit.unsqueeze(-1), output.point, output.box], 1)
            for ours, theirs in zip((output.buttons, output.camera, output.value, auxiliary), defined, strict=True):
                torch.testing.assert_close(ours.double(), theirs.view_as(ours), atol=1e-4, rtol=0)
