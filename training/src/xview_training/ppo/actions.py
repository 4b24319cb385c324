"""Which actions a suite's tasks need, and whether a policy has them."""

from __future__ import annotations

from xview_deploy.spec import ActionTable

from xview_training.policy.cross_view import CrossViewPolicy
from xview_training.tasks.events import table_for
from xview_training.tasks.suites import Suite


def actions_for(suite: Suite, policy: CrossViewPolicy) -> ActionTable:
    """The table that the suite's events need; ValueError where the policy's heads are of other sizes."""
    table = table_for(event for scene in suite.scenes for event, _ in scene.events)
    if policy.config.action_sizes != table.sizes:
        raise ValueError(
            f"the events of suite {suite.name} need an action table of sizes {table.sizes}, "
            f"the policy has {policy.config.action_sizes}"
        )
    return table
