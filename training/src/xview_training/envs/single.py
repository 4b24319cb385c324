"""xview/CrossView-v0 as a single Gymnasium environment: a batch of one.

import gymnasium, xview_training
env = gymnasium.make("xview/CrossView-v0", suite="heldout-v1", render_mode="rgb_array")
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
from gymnasium.vector import AutoresetMode

from xview_training.envs.vector import RENDERING, CrossViewVectorEnv, Infos
from xview_training.envs.worlds import Backend


class CrossViewEnv(gymnasium.Env[dict[str, Any], np.ndarray]):
    """One environment; spaces and infos are CrossViewVectorEnv's, of one."""

    metadata: dict[str, Any] = RENDERING

    def __init__(
        self,
        suite: str = "train-v1",
        event: str | None = None,
        difficulty: str | None = None,
        image_size: int = 64,
        actions: str | None = None,
        randomise: bool = True,
        render_mode: str | None = None,
        texture_pack: str | Path | None = None,
        backend: Backend = None,
    ):
        """See CrossViewVectorEnv. `gymnasium.make` itself takes max_episode_steps."""
        self.envs = CrossViewVectorEnv(
            1, suite, event, difficulty, image_size, actions, randomise, render_mode=render_mode,
            autoreset_mode=AutoresetMode.DISABLED, threads=1, copy=False, texture_pack=texture_pack,
            backend=backend,
        )  # fmt: skip
        self.metadata = {key: self.envs.metadata[key] for key in RENDERING}
        self.render_mode = render_mode
        self.observation_space = self.envs.single_observation_space
        self.action_space = self.envs.single_action_space

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[dict[str, Any], Infos]:
        """Begins a new episode; there are no options."""
        super().reset(seed=seed)
        if options:
            raise ValueError(f"options: expected none, got {', '.join(sorted(options))}")
        self.envs.generators[0] = self.np_random
        self.envs.reset()
        return self.envs.seen(0), self.envs.facts(0)

    def step(self, action: np.ndarray) -> tuple[dict[str, Any], float, bool, bool, Infos]:
        """Plays int64 (3,)."""
        _, reward, terminated, truncated, _ = self.envs.step(np.asarray(action)[None])
        return self.envs.seen(0), float(reward[0]), bool(terminated[0]), bool(truncated[0]), self.envs.facts(0)

    def render(self) -> np.ndarray | None:
        """A picture uint8 (H, 2 H, 3): its view, and the goal with the target outlined."""
        frames = self.envs.render()
        return None if frames is None else frames[0]

    def close(self) -> None:
        """Ends the simulator's threads, or the game."""
        self.envs.close()
