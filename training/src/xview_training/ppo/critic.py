"""A critic that knows more than the policy: it corrects the value that the policy guesses from its pictures.

Only the learner has it; a bundle never does. It is told the policy's own value, what the policy believes and what is so
(ppo/truth.py), so it begins as good as the policy's value and learns what that cannot see. What an advantage then
counts is more of the action and less of the task's luck (asymmetric actor-critic: Pinto et al. 2018).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor, nn

from xview_training.ppo.fragment import Fragment
from xview_training.ppo.truth import KNOWN


@dataclasses.dataclass(frozen=True)
class CriticConfig:
    """How it learns."""

    privileged: bool = False  # false: the policy's own value is all there is, as in the paper
    width: int = 128
    learning_rate: float = 1e-3
    weight_decay: float = 0.01
    updates: int = 16  # an iteration, as many in each of several learners
    batch: int = 512  # decisions of one update


class Critic:
    """The network and its optimiser."""

    def __init__(self, config: CriticConfig, device: torch.device, seed: int):
        self.config, self._device = config, device
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.network = nn.Sequential(
                nn.Linear(KNOWN + 1, config.width),
                nn.ReLU(),
                nn.Linear(config.width, config.width),
                nn.ReLU(),
                nn.Linear(config.width, 1),
            ).to(device)
        with torch.no_grad():  # the correction begins as none
            for parameter in self.network[-1].parameters():
                parameter.zero_()
        self.optimizer = torch.optim.AdamW(
            self.network.parameters(), lr=config.learning_rate, weight_decay=config.weight_decay
        )

    def judged(self, fragments: Sequence[Fragment]) -> list[Fragment]:
        """The same fragments with this critic's values in place of the policy's."""
        found = []
        for fragment in fragments:
            value, insight = _with_next(fragment)
            with torch.no_grad():
                better = self._values(value, insight).cpu().numpy()
            next_value = 0.0 if fragment.terminated else float(better[-1])
            found.append(dataclasses.replace(fragment, value=better[:-1], next_value=next_value))
        return found

    def learn(
        self,
        fragments: Sequence[Fragment],
        targets: Sequence[np.ndarray],
        rng: np.random.Generator,
        combine: Callable[[list[nn.Parameter], int], None],
    ) -> float:
        """Some updates towards the targets (T,) of each fragment's decisions; the mean loss.

        combine: as `Learner.combine`, for learners that share a batch.
        """
        value, insight, target = (
            torch.from_numpy(np.concatenate(parts)).to(self._device)
            for parts in ([f.value for f in fragments], [f.insight for f in fragments], targets)
        )
        parameters, losses = list(self.network.parameters()), []
        for _ in range(self.config.updates):
            rows = torch.from_numpy(rng.integers(len(target), size=self.config.batch)).to(self._device)
            loss = 0.5 * (self._values(value[rows], insight[rows]) - target[rows]).square().mean()
            self.optimizer.zero_grad()
            loss.backward()
            combine(parameters, len(rows))
            self.optimizer.step()
            losses.append(float(loss.detach()))
        return float(np.mean(losses))

    def _values(self, value: Tensor | np.ndarray, insight: Tensor | np.ndarray) -> Tensor:
        """(T,) from the policy's values (T,) and what is known besides (T, KNOWN)."""
        value, insight = torch.as_tensor(value, device=self._device), torch.as_tensor(insight, device=self._device)
        correction: Tensor = self.network(torch.cat([insight, value.unsqueeze(-1)], -1)).squeeze(-1)
        return value + correction


def _with_next(fragment: Fragment) -> tuple[np.ndarray, np.ndarray]:
    """Values (T + 1,) and insights (T + 1, I) of the fragment's pictures and of the one after them."""
    return (
        np.append(fragment.value, np.float32(fragment.next_value)),
        np.concatenate([fragment.insight, fragment.next_insight[None]]),
    )
