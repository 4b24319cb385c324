"""The tables of actions that there are by name, which of them a policy acts by, and policies of another one.

A policy of Minecraft's whole table is trained on what people did in the game. Knows neither tasks nor data sets.
"""

from __future__ import annotations

import dataclasses
import functools

from xview_deploy.spec import ACTION_TABLES, ActionTable

from xview_training.policy.architectures import Config
from xview_training.policy.cross_view import PolicyConfig
from xview_training.policy.minecraft_actions import minecraft_table
from xview_training.policy.rocket2.on_table import Rocket2Config


@functools.cache
def known_tables() -> dict[str, ActionTable]:
    """walk, full and minecraft."""
    return ACTION_TABLES | {"minecraft": minecraft_table()}


def table_of(config: PolicyConfig) -> ActionTable:
    """The table that a policy acts by; ValueError where its heads are of no table that is known.

    `small` keeps no table, so the sizes of its heads name it.
    """
    if isinstance(config, Rocket2Config):
        return config.actions
    sizes = config.action_sizes
    table = next((table for table in known_tables().values() if table.sizes == sizes), None)
    if table is None:
        known = ", ".join(f"{name} {table.sizes}" for name, table in known_tables().items())
        raise ValueError(f"expected the heads of an action table, {known}; got {sizes}")
    return table


def acting_by(config: Config, table: ActionTable) -> Config:
    """The same policy with that table's heads."""
    if isinstance(config, Rocket2Config):
        return dataclasses.replace(config, actions=table)
    return dataclasses.replace(config, action_sizes=table.sizes)
