"""PPO with a leash on fragments: advantages, minibatches, truncated back-propagation through segments.

A fragment's memory is computed anew by the present weights from its stored start, segment by segment; from one to the
next it is passed on without gradient (ROCKET-3, distributed RL). Knows neither worlds nor rollouts.
"""

from __future__ import annotations

import copy
import dataclasses
from collections import defaultdict
from collections.abc import Iterator, Sequence

import numpy as np
import torch
from torch import nn

from xview_training import gradients, ranges
from xview_training.policy.autocast import bfloat16
from xview_training.policy.cross_view import CrossViewPolicy
from xview_training.policy.heads import PolicyOutput
from xview_training.policy.memory import State
from xview_training.ppo.advantages import gae, normalised
from xview_training.ppo.batch import Batch, Lesson, Segment, batch_of
from xview_training.ppo.critic import Critic, CriticConfig
from xview_training.ppo.fragment import Fragment
from xview_training.ppo.leash import Leash, LeashConfig
from xview_training.ppo.losses import LossSettings, explained_variance, ppo_losses


@dataclasses.dataclass(frozen=True)
class LearnerConfig:
    """How fragments become updates."""

    learning_rate: float = 1e-4
    warmup_updates: int = 20  # of the policy, over which the learning rate rises
    anneal: float = 0.1  # share of the learning rate that is left at the run's end
    weight_decay: float = 0.02  # of matrices
    max_grad_norm: float = 0.5
    gamma: float = 0.99  # a decision
    gae_lambda: float = 0.95
    epochs: int = 1
    minibatch: int = 8  # fragments of one update, in the mean: each update is of about as many decisions
    segment: int = 32  # decisions between two cuts of the gradient
    critic_warmup: int = 2  # iterations in which only the value is learnt
    critic_learning_rate: float = 1e-3  # in those: it has learnt the expert's returns, and one layer forgets quickly
    per_event: bool = False  # advantages are normalised within each event
    critic: CriticConfig = CriticConfig()  # one that knows more than the policy, where that is wished
    frozen: tuple[str, ...] = ()  # modules that stay as imitation left them, by the start of their parameters' names
    sees: bool = True  # perception learns; false: it stays as imitation left it, fragments hold percepts, no pictures
    max_reuse: int = 1  # iterations that a fragment may be learnt from
    max_staleness: int = 1  # policy versions that a fragment may lag behind
    ema: float = 0.99  # of the weights that are evaluated and exported
    bf16: bool = True  # as the rollout's
    losses: LossSettings = LossSettings()
    leash: LeashConfig = LeashConfig()

    def __post_init__(self) -> None:
        ranges.at_least(1, self, "warmup_updates", "epochs", "minibatch", "segment", "max_reuse")
        ranges.at_least(0, self, "learning_rate", "weight_decay", "max_grad_norm", "critic_warmup", "max_staleness")
        ranges.shares(self, "anneal", "gamma", "gae_lambda", "ema")


class Learner:
    """The policy that learns, its average, its optimiser and its leash."""

    def __init__(self, config: LearnerConfig, policy: CrossViewPolicy, seed: int):
        self.config, self.policy = config, policy.eval()  # no dropout: ratios compare with the rollout
        self.device = next(policy.parameters()).device
        self._freeze()
        self.average = copy.deepcopy(policy).eval().requires_grad_(False)
        self.optimizer = torch.optim.AdamW(self._parameter_groups(), lr=config.learning_rate, eps=1e-5)
        self.leash = Leash(config.leash)
        self.critic = Critic(config.critic, self.device, seed) if config.critic.privileged else None
        self.rng = np.random.default_rng(seed)
        self.updates = 0
        self.policy_updates = 0  # of these, those that moved more than the value
        self.iteration = 0  # also the version of the weights

    def _freeze(self) -> None:
        names = [name for name, _ in self.policy.named_parameters()]
        frozen = self.config.frozen
        if not self.config.sees:
            if not self.policy.perception:
                raise ValueError(f"sees: expected true, policy {self.policy.config.architecture} names no perception")
            frozen += self.policy.perception
        for prefix in frozen:
            if not any(name.startswith(prefix) for name in names):
                modules = sorted({name.split(".")[0] for name in names})
                raise ValueError(f"frozen: no parameter begins with {prefix!r}; the policy has {', '.join(modules)}")
        for name, parameter in self.policy.named_parameters():
            if name.startswith(frozen):
                parameter.requires_grad_(False)

    def _parameter_groups(self) -> list[dict]:
        learnt = [p for p in self.policy.parameters() if p.requires_grad]
        return [
            {"params": [p for p in learnt if p.ndim > 1], "weight_decay": self.config.weight_decay},
            {"params": [p for p in learnt if p.ndim <= 1], "weight_decay": 0.0},
        ]

    def learn(self, fragments: Sequence[Fragment], progress: float) -> dict[str, float]:
        """One iteration over the fragments; progress: share of the run, 0..1. Means of the losses by CleanRL's names.

        Fragments that lag behind by more than `max_staleness` versions are left out.
        """
        fresh = [f for f in fragments if self.iteration - f.policy_version <= self.config.max_staleness]
        figures = {
            "stale_fragments": float(len(fragments) - len(fresh)),
            "staleness": float(np.mean([self.iteration - f.policy_version for f in fresh])) if fresh else 0.0,
            "kl_coef": self.leash.coefficient,
        }
        if fresh:
            judged = self.critic.judged(fresh) if self.critic else fresh
            lessons = self._lessons(fresh, judged)
            figures |= self._epochs(lessons, progress) | _value_figures(fresh, lessons)
            if self.critic:
                figures |= self._criticise(fresh, judged, lessons)
            if self.iteration >= self.config.critic_warmup:  # before that the policy stands still
                self.leash.advance(figures["kl"])
        self.iteration += 1
        return figures

    def _lessons(self, fragments: list[Fragment], judged: list[Fragment]) -> list[Lesson]:
        """judged: the same fragments with the values that advantages are told from."""
        raw = [gae(fragment, self.config.gamma, self.config.gae_lambda) for fragment in judged]
        scaled = normalised(fragments, raw, self.config.per_event)
        return [Lesson(f, a, r + j.value) for f, a, r, j in zip(fragments, scaled, raw, judged, strict=True)]

    def _criticise(self, fragments: list[Fragment], judged: list[Fragment], lessons: list[Lesson]) -> dict[str, float]:
        """The critic learns from what came; how well it had foretold it."""
        assert self.critic is not None
        foretold = _value_figures(judged, lessons)["explained_variance"]
        loss = self.critic.learn(fragments, [lesson.target for lesson in lessons], self.rng, self.combine)
        return {"critic_loss": loss, "critic_explained_variance": foretold}

    def _epochs(self, lessons: list[Lesson], progress: float) -> dict[str, float]:
        only_value = self.iteration < self.config.critic_warmup
        learnt = {name for name, p in self.policy.named_parameters() if p.requires_grad}
        if only_value:
            self._learn_only({name for name in learnt if _of_the_value(name)})
        sums: dict[str, torch.Tensor] = defaultdict(lambda: torch.zeros((), device=self.device))
        decisions = 0
        for _ in range(self.config.epochs):
            for minibatch in self._minibatches(lessons):
                batch = batch_of(minibatch, self.policy.config.side, self.device)
                for name, loss in self._update(batch, progress).items():
                    sums[name] += loss * batch.decisions
                decisions += batch.decisions
        self._learn_only(learnt)
        return {name: float(total) / decisions for name, total in sums.items()}

    def _learn_only(self, names: set[str]) -> None:
        for name, parameter in self.policy.named_parameters():
            parameter.requires_grad_(name in names)
            if name not in names:
                parameter.grad = None

    def _minibatches(self, lessons: list[Lesson]) -> Iterator[list[Lesson]]:
        """Every lesson once, in random order, the equally long together: padding costs as much as what it pads."""
        order = self.rng.permutation(len(lessons))
        order = order[np.argsort([-len(lessons[k].fragment) for k in order], kind="stable")]
        parts = _alike([len(lessons[k].fragment) for k in order], -(-len(order) // self.config.minibatch))
        for k in self.rng.permutation(len(parts)):
            yield [lessons[i] for i in order[parts[k]]]

    def _update(self, batch: Batch, progress: float) -> dict[str, torch.Tensor]:
        """One step of the optimiser; losses are means over the batch's decisions."""
        warming = self.iteration < self.config.critic_warmup
        for group in self.optimizer.param_groups:
            group["lr"] = self.config.critic_learning_rate if warming else self._learning_rate(progress)
        self.optimizer.zero_grad()
        sums: dict[str, torch.Tensor] = {}
        state, steps = batch.state, batch.whole.steps
        unit = self.policy.value_unit(self.gather(steps.target[steps.labels.alive.bool()]))
        for segment in batch.segments(self.config.segment):
            rows = len(segment.seen)
            with bfloat16(self.device, self.config.bf16):
                output, state = self._answer(batch, segment, _first(state, rows))
            losses = ppo_losses(output, segment.steps, self.config.losses, self.leash.coefficient, unit)
            share = segment.steps.labels.alive.sum() / batch.decisions
            (losses["loss"] * share).backward()
            for name, loss in losses.items():
                sums[name] = sums.get(name, 0) + loss.detach() * share
        learnt = [p for p in self.policy.parameters() if p.grad is not None]
        self.combine(learnt, batch.decisions)
        sums["grad_norm"] = gradients.clip(learnt, self.config.max_grad_norm)
        self.optimizer.step()
        self.updates += 1
        self.policy_updates += not warming
        self._average()
        return sums

    def _answer(self, batch: Batch, segment: Segment, state: State) -> tuple[PolicyOutput, State]:
        """To the segment's pictures, or from its percepts."""
        rows = len(segment.seen)
        told = batch.event[:rows], segment.previous_action, state
        if segment.seen.is_floating_point():
            return self.policy.act_on(segment.seen, *told)
        goal = self.policy.encode_goal(batch.goal_image[:rows], batch.goal_mask[:rows])
        answer: tuple[PolicyOutput, State] = self.policy(segment.seen, goal, *told)
        return answer

    def combine(self, learnt: list[nn.Parameter], decisions: int) -> None:
        """The gradients stay as they are: one that shares its batch with others averages them (ppo/cluster)."""

    def gather(self, returns: torch.Tensor) -> torch.Tensor:
        """The returns (n,) of the batch, all of them: one that shares it with others asks them for theirs."""
        return returns

    def _learning_rate(self, progress: float) -> float:
        rising = min(1.0, (self.policy_updates + 1) / self.config.warmup_updates)
        return self.config.learning_rate * rising * (1 - (1 - self.config.anneal) * progress)

    @torch.no_grad()
    def _average(self) -> None:
        keep = min(self.config.ema, (1 + self.updates) / (10 + self.updates))
        for ours, theirs in zip(self.average.parameters(), self.policy.parameters(), strict=True):
            ours.lerp_(theirs, 1 - keep)


def _alike(lengths: list[int], count: int) -> list[slice]:
    """Cuts a row of fragments of these lengths into `count` parts of about equally many decisions, none empty.

    An update is a mean over its decisions. Were parts of equally many fragments, decisions of short ones, which an
    episode's end or beginning cut, would count several times as much as others: of 3,072 decisions that a policy played
    after imitation, the shortest made an update of 1 to 22 alone, where the others had 256.
    """
    ends = np.cumsum(lengths)
    shares = [int(np.searchsorted(ends, ends[-1] * k / count)) + 1 for k in range(1, count)]
    cuts = [0]
    for k, wanted in enumerate(shares, 1):
        cuts.append(min(max(wanted, cuts[-1] + 1), len(lengths) - (count - k)))
    return [slice(start, stop) for start, stop in zip(cuts, [*cuts[1:], len(lengths)], strict=True)]


def _of_the_value(parameter: str) -> bool:
    """Whether a parameter belongs to the value head: every policy calls its own so."""
    return any(part.startswith("value") for part in parameter.split("."))


def _first(state: State, rows: int) -> State:
    """The memory of the first rows, without its gradient history."""
    return State(*(part[:rows].detach() for part in state))


def _value_figures(fragments: Sequence[Fragment], lessons: list[Lesson]) -> dict[str, float]:
    """How well the fragments' values foretold what came."""
    value = torch.from_numpy(np.concatenate([fragment.value for fragment in fragments]))
    target = torch.from_numpy(np.concatenate([lesson.target for lesson in lessons]))
    return {"explained_variance": explained_variance(value, target), "value": float(value.mean())}
