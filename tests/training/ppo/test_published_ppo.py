"""A whole update, advantages to weights, is that of a published PPO on a small environment."""

from itertools import pairwise
from types import SimpleNamespace

import gymnasium
import numpy as np
import pytest
import torch
from gymnasium import spaces
from torch import Tensor, nn
from xview_training.policy.cross_view import CrossViewPolicy, Goal
from xview_training.policy.heads import PolicyOutput
from xview_training.policy.memory import State
from xview_training.ppo.fragment import NOT_ASKED, Fragment, Outcome
from xview_training.ppo.learner import Learner, LearnerConfig
from xview_training.ppo.leash import LeashConfig
from xview_training.ppo.losses import LossSettings

published = pytest.importorskip("stable_baselines3", reason="stable-baselines3 is not installed")
pytestmark = pytest.mark.usefixtures("one_thread")
SIZES, STEPS, ENVIRONMENTS, EPOCHS, RATE = (3, 4, 2), 24, 2, 4, 3e-3


class Dials(gymnasium.Env):
    """Twelve readings of a byte each; three dials to set; ends by itself or by its limit."""

    observation_space = spaces.Box(0, 1, (12,))
    action_space = spaces.MultiDiscrete(SIZES)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.steps = 0
        return self._read(), {}

    def _read(self):
        self.seen = self.np_random.integers(0, 256, 12)
        return (self.seen / 255).astype(np.float32)

    def step(self, action):
        self.steps += 1
        reward = float(action[0] == self.seen[0] % 3) - 0.3 * float(action[2])
        ends = self.seen[5] % 7 == 0
        return self._read(), reward, bool(ends), self.steps >= 6 and not ends, {}


class Linear(CrossViewPolicy):
    """Everything is a linear function of a picture of 2 x 2."""

    def __init__(self) -> None:
        super().__init__()
        self.config = SimpleNamespace(architecture="linear", image_size=2, action_sizes=SIZES, side=1)
        self.action, self.value = nn.Linear(12, sum(SIZES)), nn.Linear(12, 1)

    def initial_state(self, batch: int) -> State:
        return State.empty(batch, 1, 1, 1, torch.zeros(()))

    def encode_goal(self, goal_image: Tensor, goal_mask: Tensor) -> Goal:
        return Goal(torch.zeros(len(goal_image), 1, 1), torch.zeros(len(goal_image), 1))

    def forward(self, images, goal, event, previous_action, state, hidden=None):
        x = images.flatten(2).float() / 255
        nothing = torch.zeros(*x.shape[:2], 4)
        logits = self.action(x).split(SIZES, -1)
        value = self.value(x).squeeze(-1)
        return PolicyOutput(*logits, value, nothing[..., :2], nothing[..., :2], nothing, nothing[..., :2]), state


def piece(steps: slice, columns: dict[str, np.ndarray], over: bool, next_value: float) -> Fragment:
    """A fragment of one environment's decisions."""
    count = steps.stop - steps.start
    return Fragment(
        keys=np.zeros((1, 1, 1), np.float16),
        values=np.zeros((1, 1, 1), np.float16),
        valid=np.zeros(1, np.float16),
        seen=np.round(columns["observations"][steps] * 255).astype(np.uint8).reshape(count, 2, 2, 3),
        goal_image=np.zeros((2, 2, 3), np.uint8),
        goal_mask=np.zeros((2, 2), np.uint8),
        event=7,
        previous_action=np.zeros((count, 3), np.int64),
        action=columns["actions"][steps].astype(np.int64),
        log_prob=columns["log_probs"][steps],
        value=columns["values"][steps],
        reward=columns["rewards"][steps],
        reference_logits=np.zeros((count, sum(SIZES)), np.float16),
        view=np.zeros((count, 7), np.float32),
        bearing=np.zeros((count, 2), np.float32),
        insight=np.zeros((count, 1), np.float32),
        next_insight=np.zeros(1, np.float32),
        expert_action=np.full((count, 3), NOT_ASKED),
        terminated=over,
        truncated=False,
        next_value=0.0 if over else next_value,
        policy_version=0,
        kind=None,
        task_id="",
        episode=0,
        start=0,
        outcome=Outcome(False, False, False, count) if over else None,
    )


def fragments_of(model, last_values: np.ndarray) -> list[Fragment]:
    """What the published rollout has played. What lies behind a time limit is in its rewards already."""
    buffer, found = model.rollout_buffer, []
    for k in range(ENVIRONMENTS):
        rows = slice(k * STEPS, (k + 1) * STEPS)  # the buffer is flat by now, environment by environment
        columns = {n: getattr(buffer, n)[rows] for n in ("observations", "actions", "log_probs", "values")}
        columns = {n: column.squeeze(-1) if n in ("log_probs", "values") else column for n, column in columns.items()}
        columns["rewards"] = buffer.rewards[:, k]
        starts = [*np.flatnonzero(buffer.episode_starts[:, k]), STEPS]
        for first, last in pairwise(starts):
            over = last < STEPS or bool(model._last_episode_starts[k])
            found.append(piece(slice(int(first), int(last)), columns, over, float(last_values[k])))
    return found


@pytest.mark.parametrize("clip_vloss", [False, True])
def test_a_whole_update_is_that_of_stable_baselines3(clip_vloss):
    model = published.PPO(
        "MlpPolicy", published.common.env_util.make_vec_env(Dials, ENVIRONMENTS, seed=1), learning_rate=RATE,
        n_steps=STEPS, batch_size=STEPS * ENVIRONMENTS, n_epochs=EPOCHS, gamma=0.97, gae_lambda=0.9, clip_range=0.2,
        clip_range_vf=0.2 if clip_vloss else None, ent_coef=0.01, vf_coef=0.25, max_grad_norm=0.5,
        policy_kwargs={"net_arch": []}, seed=1, device="cpu",
    )  # fmt: skip
    ours = Linear()
    for mine, theirs in ((ours.action, model.policy.action_net), (ours.value, model.policy.value_net)):
        mine.load_state_dict(theirs.state_dict())
    start = {name: p.clone() for name, p in ours.state_dict().items()}
    model.set_logger(published.common.logger.Logger(None, []))  # its own leaves a folder for each run
    model.learn(STEPS * ENVIRONMENTS)

    with torch.no_grad():
        last_values = ours.value(torch.from_numpy(model._last_obs)).squeeze(-1).numpy()
    fragments = fragments_of(model, last_values)
    assert sum(len(f) for f in fragments) == STEPS * ENVIRONMENTS
    assert sum(f.terminated for f in fragments) > 3
    # Half a squared error here, a whole one there: twice the weight.
    losses = LossSettings(vf_coef=0.5, ent_coef=0.01, log_ratio_clip=100.0, clip_vloss=clip_vloss)
    config = LearnerConfig(
        learning_rate=RATE, warmup_updates=1, anneal=1.0, weight_decay=0.0, gamma=0.97, gae_lambda=0.9, epochs=EPOCHS,
        minibatch=100, segment=100, critic_warmup=0, bf16=False, losses=losses, leash=LeashConfig(coefficient=0.0),
    )  # fmt: skip
    Learner(config, ours, seed=0).learn(fragments, progress=0.0)
    for mine, theirs in ((ours.action, model.policy.action_net), (ours.value, model.policy.value_net)):
        for one, other in zip(mine.parameters(), theirs.parameters(), strict=True):
            torch.testing.assert_close(one, other, rtol=0, atol=2e-5)
    assert max(float((p - start[name]).abs().max()) for name, p in ours.state_dict().items()) > 2 * RATE
