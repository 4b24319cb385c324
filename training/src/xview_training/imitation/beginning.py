"""What a `rocket2` policy begins with: published weights, or published vision transformers as its backbones.

The backbone that looks at the views is frozen: random weights in it would stay random, so a run that has been given
none is refused. The mask's learns, and may begin anew. Knows neither lessons nor losses.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from pathlib import Path

from xview_training.policy.architectures import Config
from xview_training.policy.cross_view import CrossViewPolicy
from xview_training.policy.rocket2.on_table import Rocket2Config, Rocket2OnTable
from xview_training.policy.rocket2.policy import Rocket2Policy
from xview_training.policy.rocket2.weights import layout_of, load_rocket2
from xview_training.policy.vit import load_timm_weights


def wear_weights(policies: Iterable[CrossViewPolicy], weights: Path) -> None:
    """Gives them published ROCKET-2 weights of their layout, see `load_rocket2`; ValueError names what does not fit."""
    for rocket2 in _rocket2_of(policies, "weights"):
        rocket2.load_state_dict(load_rocket2(weights, **dataclasses.asdict(rocket2.layout)).state_dict())


def in_layout_of(config: Config, weights: Path) -> Config:
    """The policy's sizes in the layout that a folder of published weights names; a file names none, `small` has none.

    ValueError where the folder's own configuration cannot be read.
    """
    if not isinstance(config, Rocket2Config) or not weights.is_dir():
        return config
    return dataclasses.replace(config, layout=layout_of(weights))


def wear_backbones(policies: Iterable[CrossViewPolicy], view: Path | None, mask: Path | None) -> None:
    """Gives them vision transformers, safetensors files of timm's models; ValueError names what does not fit."""
    for rocket2 in _rocket2_of(policies, "backbone"):
        for backbone, path in ((rocket2.view_backbone, view), (rocket2.mask_backbone, mask)):
            if path is not None:
                load_timm_weights(backbone.model, path)


def is_frozen_at_random(policy: CrossViewPolicy) -> bool:
    """Whether a new policy of this kind holds random weights that no training would change."""
    return isinstance(policy, Rocket2OnTable)


def missing_backbone(policy: CrossViewPolicy) -> ValueError:
    """The error for a run that begins with such weights."""
    assert isinstance(policy, Rocket2OnTable)
    return ValueError(
        "the backbone that looks at the views is frozen, and its weights are random: expected --backbone FILE, the "
        f"safetensors file of {policy.config.layout.view_backbone}, or --weights or --from with all weights; "
        "--set random_backbone=true trains all the same"
    )


def _rocket2_of(policies: Iterable[CrossViewPolicy], what: str) -> Iterable[Rocket2Policy]:
    for policy in policies:
        if not isinstance(policy, Rocket2OnTable):
            raise ValueError(f"{what}: expected a policy rocket2, got {policy.config.architecture}")
        yield policy.rocket2
