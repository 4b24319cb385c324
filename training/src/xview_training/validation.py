"""How a policy in training does on worlds that it does not train on: its losses there, and its success.

The same tasks each time, so that a curve shows the policy and not the draw. The losses are of frames to which the
expert leads, the success is of the policy's own acting. Knows neither optimisers nor files.

    figures = HeldOut(ValidationConfig(), LossWeights())(policy)
"""

from __future__ import annotations

import dataclasses

import numpy as np
import torch

from xview_training.evaluation.episodes import Selection, play
from xview_training.evaluation.players import NetworkPlayer
from xview_training.experiments import ValidationConfig
from xview_training.imitation.collector import Collector, CollectorConfig
from xview_training.imitation.losses import LossWeights, imitation_losses
from xview_training.policy.autocast import bfloat16
from xview_training.policy.cross_view import CrossViewPolicy
from xview_training.tasks.events import table_for
from xview_training.torch_network import TorchNetwork
from xview_training.validating import held_out_tasks


@dataclasses.dataclass(frozen=True)
class HeldOut:
    """What to look at, how the losses are weighted, and whether the run randomises bodies."""

    config: ValidationConfig
    weights: LossWeights
    randomise: bool = True

    def __call__(self, policy: CrossViewPolicy) -> dict[str, float]:
        """Losses by name, `success`, and `first_right`, the share whose first arrival was at the target."""
        return self._losses(policy) | self._success(policy)

    def _losses(self, policy: CrossViewPolicy) -> dict[str, float]:
        rng, settings = (
            np.random.default_rng(self.config.seed),
            CollectorConfig(self.config.environments, mask_noise=0.0),
        )
        source = held_out_tasks(self.config, self.randomise)
        collector = Collector(settings, source, policy.config.image_size, rng)
        device = next(policy.parameters()).device
        found: list[dict[str, float]] = []
        try:
            for _ in range(self.config.chunks):
                chunk = collector.collect(policy, expert_share=1.0)
                batch = chunk.rows(torch.arange(len(chunk.event))).to(device)
                with torch.inference_mode(), bfloat16(device):
                    goal = policy.encode_goal(batch.goal_image, batch.goal_mask)
                    output, _ = policy(batch.images, goal, batch.event, batch.previous_action, batch.state)
                losses = imitation_losses(output, batch.labels, self.weights)
                found.append({name: float(loss) for name, loss in losses.items()})
        finally:
            collector.envs.close()
        return {name: float(np.mean([losses[name] for losses in found])) for name in found[0]}

    def _success(self, policy: CrossViewPolicy) -> dict[str, float]:
        source = held_out_tasks(self.config, self.randomise)
        player = NetworkPlayer(TorchNetwork(policy), "policy", self.config.seed, table_for(source.events))
        selection = Selection(source, self.config.episodes, self.config.seed)
        played = play(player, selection, policy.config.image_size, quiet=True)
        rates = {"success": [e.success for e in played], "first_right": [e.first_right for e in played]}
        return {name: float(np.mean(each)) for name, each in rates.items()}
