"""Which actions the tasks of a suite or file need, and whether a policy has them."""

from __future__ import annotations

from xview_deploy.spec import ActionTable

from xview_training.policy.cross_view import CrossViewPolicy
from xview_training.tasks.events import table_for
from xview_training.tasks.sources import TaskSource


def actions_for(source: TaskSource, policy: CrossViewPolicy) -> ActionTable:
    """The table that the source's events need; ValueError where the policy's heads are of other sizes."""
    table = table_for(source.events)
    if policy.config.action_sizes != table.sizes:
        raise ValueError(
            f"the events of {source.name} need an action table of sizes {table.sizes}, "
            f"the policy has {policy.config.action_sizes}"
        )
    return table
