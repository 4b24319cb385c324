"""PPO as CleanRL's script with a recurrent network is built, over our worlds and our policy: what ours is timed beside.

A synchronous vector environment plays T steps into flat arrays (T, N, ...) and keeps the memory of the rollout's
start. Advantages are estimated over the whole arrays. A minibatch is all steps of some environments: pictures go
through the network together, the memory is stepped through time from its kept start and emptied where an episode
began (`ppo_atari_lstm.py`; the words here are our own).

Kinder to it than the original would be: all worlds are simulated as one batch, a goal is encoded once an episode.
Without what the original has not: reference policy, belief losses, averaged weights.
"""

from __future__ import annotations

import dataclasses

import numpy as np
import torch
from torch import Tensor, nn

from xview_training.envs.vector import CrossViewVectorEnv, Observations
from xview_training.policy.autocast import bfloat16
from xview_training.policy.cross_view import Goal
from xview_training.policy.heads import PolicyOutput
from xview_training.policy.memory import State
from xview_training.policy.small import SmallPolicy
from xview_training.ppo.losses import entropy_of, heads, log_prob_of
from xview_training.ppo.stopwatch import Stopwatch


@dataclasses.dataclass(frozen=True)
class FlatPpoSettings:
    """CleanRL's names and figures, epochs and minibatches apart."""

    num_steps: int
    minibatch_envs: int  # environments of one minibatch
    update_epochs: int = 1
    learning_rate: float = 2.5e-4
    gamma: float = 0.99
    gae_lambda: float = 0.95
    clip_coef: float = 0.2
    vf_coef: float = 0.5
    ent_coef: float = 0.01
    max_grad_norm: float = 0.5
    bf16: bool = True


class Arrays:
    """What T steps of N environments brought, and the goals of their episodes."""

    def __init__(self, steps: int, seen: Observations, device: torch.device):
        def zeros(like: np.ndarray) -> Tensor:
            return torch.zeros((steps, *like.shape), dtype=torch.from_numpy(like).dtype, device=device)

        self.image, self.event = zeros(seen["image"]), zeros(seen["event"])
        self.previous_action, self.action = zeros(seen["previous_action"]), zeros(seen["previous_action"])
        real = np.zeros(len(seen["event"]), np.float32)
        self.log_prob, self.value, self.reward, self.begins = (zeros(real) for _ in range(4))
        self.goal = zeros(seen["event"])  # number of the episode's goal, below
        self.goal_images: list[np.ndarray] = []
        self.goal_masks: list[np.ndarray] = []

    def add_goals(self, seen: Observations, slots: np.ndarray) -> range:
        """Keeps these slots' goals; their numbers."""
        first = len(self.goal_images)
        self.goal_images += [seen["goal_image"][slot].copy() for slot in slots]
        self.goal_masks += [seen["goal_mask"][slot].copy() for slot in slots]
        return range(first, len(self.goal_images))


class FlatPpo:
    """The loop: `iterate` plays T steps in every environment and learns from them."""

    def __init__(self, settings: FlatPpoSettings, envs: CrossViewVectorEnv, policy: SmallPolicy, seed: int):
        self.settings, self.envs, self.policy = settings, envs, policy.eval()
        self.optimizer = torch.optim.Adam(policy.parameters(), lr=settings.learning_rate, eps=1e-5)
        self.stopwatch = Stopwatch("simulate", "infer", "store", "learn")
        self._device = next(policy.parameters()).device
        self._rng = np.random.default_rng(seed)
        self._seen, _ = envs.reset(seed=seed)
        self._begins = np.ones(envs.num_envs, bool)
        self._state = policy.initial_state(envs.num_envs)

    def iterate(self) -> int:
        """Plays and learns; how many steps were played."""
        start = State(*(part.clone() for part in self._state))
        arrays, last = self._play()
        with self.stopwatch("learn"):
            advantages = self._advantages(arrays, last)
            for _ in range(self.settings.update_epochs):
                order = self._rng.permutation(self.envs.num_envs)
                for k in range(0, len(order), self.settings.minibatch_envs):
                    self._update(arrays, advantages, start, order[k : k + self.settings.minibatch_envs])
        return arrays.value.numel()

    @torch.no_grad()
    def _play(self) -> tuple[Arrays, Tensor]:
        """T steps, and the value (N,) of what is seen after them."""
        arrays = Arrays(self.settings.num_steps, self._seen, self._device)
        everyone = np.arange(self.envs.num_envs)
        number = np.array(arrays.add_goals(self._seen, everyone))
        goal = self._encode(self._seen["goal_image"], self._seen["goal_mask"])
        for t in range(self.settings.num_steps):
            with self.stopwatch("infer"):
                output = self._answer(goal)
                logits = tuple(head[:, 0] for head in heads(output))
                action = torch.cat([torch.multinomial(head.softmax(-1), 1) for head in logits], 1)
            with self.stopwatch("store"):
                self._store(arrays, t, number, action, log_prob_of(logits, action), output.value[:, 0])
            with self.stopwatch("simulate"):
                self._seen, reward, terminated, truncated, _ = self.envs.step(action.cpu().numpy())
            arrays.reward[t] = self._tensor(reward.astype(np.float32))
            self._begins = terminated | truncated
            fresh = np.flatnonzero(self._begins)
            if len(fresh):
                number[fresh] = arrays.add_goals(self._seen, fresh)
                for held, new in zip(goal, self._encode_rows(fresh), strict=True):
                    held[self._tensor(fresh)] = new
        with self.stopwatch("infer"):
            before = self._state
            last = self._answer(goal).value[:, 0]
            self._state = before  # that picture is the next rollout's first
        return arrays, last

    def _store(
        self, arrays: Arrays, t: int, number: np.ndarray, action: Tensor, log_prob: Tensor, value: Tensor
    ) -> None:
        arrays.image[t] = self._tensor(self._seen["image"])
        arrays.event[t] = self._tensor(self._seen["event"])
        arrays.previous_action[t] = self._tensor(self._seen["previous_action"])
        arrays.begins[t] = self._tensor(self._begins.astype(np.float32))
        arrays.goal[t] = self._tensor(number)
        arrays.action[t], arrays.log_prob[t], arrays.value[t] = action, log_prob, value

    def _answer(self, goal: Goal) -> PolicyOutput:
        """To what is seen now; the memory moves on."""
        seen = self._seen
        image, event, previous = (self._tensor(seen[name]) for name in ("image", "event", "previous_action"))
        state = self._state.forget(self._tensor(self._begins))
        with self._autocast():
            output, self._state = self.policy(image.unsqueeze(1), goal, event, previous.unsqueeze(1), state)
        return output

    def _encode_rows(self, slots: np.ndarray) -> Goal:
        return self._encode(self._seen["goal_image"][slots], self._seen["goal_mask"][slots])

    def _encode(self, images: np.ndarray, masks: np.ndarray) -> Goal:
        with self.stopwatch("infer"), self._autocast():
            return self.policy.encode_goal(self._tensor(images), self._tensor(masks))

    def _advantages(self, arrays: Arrays, last: Tensor) -> Tensor:
        """(T, N); what follows an episode's end counts nothing, as in the original: at a time limit, too."""
        advantages = torch.zeros_like(arrays.value)
        following = torch.zeros_like(last)
        next_value, goes_on = last.float(), 1 - self._tensor(self._begins.astype(np.float32))
        for t in reversed(range(len(advantages))):
            delta = arrays.reward[t] + self.settings.gamma * next_value * goes_on - arrays.value[t]
            following = delta + self.settings.gamma * self.settings.gae_lambda * goes_on * following
            advantages[t], next_value, goes_on = following, arrays.value[t], 1 - arrays.begins[t]
        return advantages

    def _update(self, arrays: Arrays, advantages: Tensor, start: State, slots: np.ndarray) -> None:
        settings, mine = self.settings, self._tensor(slots)
        with self._autocast():
            output = self._through_time(arrays, start, mine)
        advantage = advantages[:, mine].flatten()
        target = advantage + arrays.value[:, mine].flatten()
        advantage = (advantage - advantage.mean()) / (advantage.std() + 1e-8)
        logits = tuple(head[:, 0] for head in heads(output))
        log_prob = log_prob_of(logits, arrays.action[:, mine].flatten(0, 1))
        ratio = (log_prob - arrays.log_prob[:, mine].flatten()).exp()
        clipped = ratio.clamp(1 - settings.clip_coef, 1 + settings.clip_coef)
        policy_loss = torch.maximum(-advantage * ratio, -advantage * clipped).mean()
        value_loss = 0.5 * (output.value[:, 0].float() - target).square().mean()
        loss = policy_loss + settings.vf_coef * value_loss - settings.ent_coef * entropy_of(logits).mean()
        self.optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(self.policy.parameters(), settings.max_grad_norm)
        self.optimizer.step()

    def _through_time(self, arrays: Arrays, start: State, mine: Tensor) -> PolicyOutput:
        """Answers (T * E, 1, ...) of E environments: pictures at once, the memory step by step."""
        steps, count = len(arrays.image), len(mine)
        numbers, place = arrays.goal[:, mine].flatten().unique(return_inverse=True)
        wanted = numbers.tolist()
        goal_images, goal_masks = (
            self._tensor(np.stack([kept[k] for k in wanted])) for kept in (arrays.goal_images, arrays.goal_masks)
        )
        goal = Goal(*(part[place] for part in self.policy.encode_goal(goal_images, goal_masks)))
        images, event, previous = (
            part[:, mine].flatten(0, 1) for part in (arrays.image, arrays.event, arrays.previous_action)
        )
        percept = self.policy.perceive(images.unsqueeze(1), goal)
        summary = self.policy.summarise(percept, event, previous.unsqueeze(1))
        state, remembered = start.rows(mine), []
        for now, begins in zip(summary.view(steps, count, 1, -1), arrays.begins[:, mine], strict=True):
            answer, state = self.policy.remember(now, state.forget(begins > 0))
            remembered.append(answer)
        return self.policy.decide(torch.cat(remembered), summary, percept)

    def _tensor(self, array: np.ndarray) -> Tensor:
        return torch.from_numpy(array).to(self._device)

    def _autocast(self) -> torch.autocast:
        return bfloat16(self._device, self.settings.bf16)
