"""A trained policy that is given more keys: all that it has learnt stays, the new rows of its table begin untrained.

So what was learnt in simple worlds with a short table of actions goes on in the full world. `rocket2` has every key of
Minecraft and wears whichever table is asked for, shorter ones too. Knows no tasks.
"""

from __future__ import annotations

import dataclasses

import torch
from torch import Tensor
from xview_deploy.spec import ActionTable

from xview_training.policy.architectures import build
from xview_training.policy.cross_view import CrossViewPolicy
from xview_training.policy.rocket2.on_table import Rocket2OnTable
from xview_training.policy.small import SmallPolicyConfig
from xview_training.policy.tables import known_tables

CHOICES = ("decision.action.weight", "decision.action.bias")  # rows: keys, then both camera heads
PRESSED = "previous.0.weight"  # rows: keys


def with_keys_of(policy: CrossViewPolicy, table: ActionTable) -> CrossViewPolicy:
    """The policy itself where it has that table's keys; else one that has them and knows what it knew.

    A row of a `small` policy's old table keeps its logits, wherever the new table has it. ValueError where its table is
    unknown, or where the new one lacks a row or has another camera.
    """
    config = policy.config
    if isinstance(policy, Rocket2OnTable):
        same = policy.config.actions == table
        return policy if same else Rocket2OnTable(dataclasses.replace(policy.config, actions=table), policy.rocket2)
    if config.action_sizes == table.sizes:
        return policy
    old = next((known for known in known_tables().values() if known.sizes == config.action_sizes), None)
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
