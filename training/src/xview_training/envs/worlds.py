"""The batch that Gymnasium's face plays: in our own world, or in real Minecraft by its back-end's name or settings.

new_batch("craftground", 2, 64, table)
new_batch(functools.partial(make, "minerl", python="minerl-env/bin/python"), 2, 64, table)
"""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Protocol

from xview_deploy.spec import ActionTable

from xview_training.envs.crossview import CrossViewEnvs
from xview_training.envs.minecraft.backends import make
from xview_training.envs.task_batch import TaskBatch


class BatchFactory(Protocol):
    """Makes a batch. minecraft.backends.make is one once it is told the back-end's name and what else it needs."""

    def __call__(self, *, environments: int, image_size: int, actions: ActionTable) -> TaskBatch:
        """N environments with pictures of S x S pixels, and actions of that table."""


Backend = str | BatchFactory | None


def new_batch(
    backend: Backend,
    environments: int,
    image_size: int,
    actions: ActionTable,
    threads: int = 2,
    texture_pack: Path | None = None,
) -> TaskBatch:
    """A batch in our own world for None, else in the back-end's: "craftground", "minerl", "minerl-0.4", or a factory.

    threads, texture_pack: of our own world. ValueError for an unknown name, or a texture pack for the real game.
    """
    if backend is None:
        return CrossViewEnvs(environments, image_size, threads, actions, texture_pack=texture_pack)
    if texture_pack is not None:
        raise ValueError(f"texture_pack: expected none, for a back-end's game wears its own, got {texture_pack}")
    factory = functools.partial(make, backend) if isinstance(backend, str) else backend
    return factory(environments=environments, image_size=image_size, actions=actions)
