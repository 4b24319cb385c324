"""The policies of the project by name. What treats them alike takes them from here.

A configuration's `architecture` chooses: everywhere else a policy is a `CrossViewPolicy`. Another one joins by
answering to that, with a configuration of its own in the table.

    policy = build(config)                # a new one, untrained
    config = config_from(record)          # from a checkpoint's JSON
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from xview_deploy import strict_json

from xview_training.naming import named
from xview_training.policy.cross_view import CrossViewPolicy
from xview_training.policy.rocket2.layout import SMALL, XL
from xview_training.policy.rocket2.on_table import Rocket2Config, Rocket2OnTable
from xview_training.policy.small import SmallPolicy, SmallPolicyConfig

Config = SmallPolicyConfig | Rocket2Config

KINDS: dict[str, type[Config]] = {"small": SmallPolicyConfig, "rocket2": Rocket2Config}
ARCHITECTURES: dict[str, Config] = {
    "small": SmallPolicyConfig(),
    "rocket2": Rocket2Config(),  # 187 M parameters
    "rocket2-xl": Rocket2Config(XL),
    "rocket2-small": Rocket2Config(SMALL),  # for tests
}


def build(config: Config) -> CrossViewPolicy:
    """A new policy of that configuration."""
    return SmallPolicy(config) if isinstance(config, SmallPolicyConfig) else Rocket2OnTable(config)


def config_named(name: str) -> Config:
    """The configuration of that name; ValueError names the nearest one."""
    return named(ARCHITECTURES, name, "policy")


def untrained(name: str) -> CrossViewPolicy:
    """A new policy of that name; ValueError names the nearest one."""
    return build(config_named(name))


def config_from(record: Mapping[str, Any]) -> Config:
    """A configuration from the JSON that a checkpoint holds; ValueError names the field that is wrong.

    Checkpoints from before there were two architectures do not name theirs: they are of `small`. Nor do those from
    before the correlation could be left out: they have it.
    """
    full = {"architecture": "small"} | dict(record)
    if full["architecture"] == "small":
        full = {"correlation": True} | full
    return strict_json.load(named(KINDS, str(full["architecture"]), "architecture"), full, "policy")
