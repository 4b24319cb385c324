"""A trained policy that is given more keys: all that it has learnt stays, the new rows of its table begin untrained.

So what was learnt in simple worlds with a short table of actions goes on in the full world. Knows no tasks.
"""

from __future__ import annotations

import dataclasses

import torch
from torch import Tensor
from xview_deploy.spec import ACTION_TABLES, ActionTable

from xview_training.policy.architectures import build
from xview_training.policy.cross_view import CrossViewPolicy
from xview_training.policy.small import SmallPolicyConfig

CHOICES = ("decision.action.weight", "decision.action.bias")  # rows: keys, then both camera heads
PRESSED = "previous.0.weight"  # rows: keys


def with_keys_of(policy: CrossViewPolicy, table: ActionTable) -> CrossViewPolicy:
    """The policy itself where it has that table's keys; else a `small` one that has them and knows what it knew.

    A row of the old table keeps its logits, wherever the new table has it. ValueError where the policy is another one,
    or where the new table lacks a row or has another camera.
    """
    config = policy.config
    if config.action_sizes == table.sizes:
        return policy
    old = next((known for known in ACTION_TABLES.values() if known.sizes == config.action_sizes), None)
    if old is None or not isinstance(config, SmallPolicyConfig):
        raise ValueError(
            f"action_sizes: expected {table.sizes}, or a small policy of a known table that lacks keys of it; "
            f"got {config.architecture} with {config.action_sizes}"
        )
    if old.camera_deg != table.camera_deg or not set(old.buttons) <= set(table.buttons):
        raise ValueError(f"expected a table with the policy's {old.sizes} choices and more keys, got {table.sizes}")
    grown = build(dataclasses.replace(config, action_sizes=table.sizes))
    rows = torch.tensor([table.buttons.index(keys) for keys in old.buttons])
    camera = torch.arange(len(table.buttons), sum(table.sizes))
    known = policy.state_dict()
    with torch.no_grad():
        for name, values in grown.state_dict().items():
            values[_rows(name, rows, camera, values)] = known[name]
    return grown


def _rows(name: str, keys: Tensor, camera: Tensor, values: Tensor) -> Tensor | tuple[()]:
    """Where in a parameter of the new policy the old one's lies."""
    if name in CHOICES:
        return torch.cat([keys, camera])
    return keys if name == PRESSED else ()
