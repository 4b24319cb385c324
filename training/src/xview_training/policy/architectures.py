"""The policies of the project by name, as they are shipped. What treats them alike takes their names from here.

Another architecture joins by answering to what `SmallPolicy` does: `config` with the picture's and the heads' sizes,
`encode_goal`, `initial_state` and one step after the other.
"""

from __future__ import annotations

from collections.abc import Callable

from xview_training.naming import named
from xview_training.policy.small import SmallPolicy, SmallPolicyConfig

ARCHITECTURES: dict[str, Callable[[], SmallPolicy]] = {"small": lambda: SmallPolicy(SmallPolicyConfig())}


def untrained(name: str) -> SmallPolicy:
    """A new policy of that architecture; ValueError names the nearest one."""
    return named(ARCHITECTURES, name, "policy")()
