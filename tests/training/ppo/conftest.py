"""What the tests of reinforcement learning share: fragments of noise, and where to write them."""

import copy
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from xview_training.envs.insight import INSIGHT
from xview_training.policy.small import SmallPolicy, SmallPolicyConfig
from xview_training.ppo.fragment import Fragment, Kind
from xview_training.ppo.fragment_files import SUFFIX, write_fragment
from xview_training.ppo.rollout import Rollout, RolloutConfig
from xview_training.ppo.store import FragmentStore, StoreSettings
from xview_training.ppo.truth import KNOWN
from xview_training.tasks import rules
from xview_training.tasks.visibility import VIEW_SIZE

KIND = Kind("rooms", "approach", "near", visible=True, strict=False)


def noise(steps: int = 5, seed: int = 0, **changes) -> Fragment:
    """A fragment of noise that fits the small policy's sizes divided by some."""
    rng = np.random.default_rng(seed)
    fields = {
        "keys": rng.normal(size=(2, 8, 16)).astype(np.float16),
        "values": rng.normal(size=(2, 8, 16)).astype(np.float16),
        "valid": np.ones(8, np.float16),
        "seen": rng.integers(0, 255, (steps, 32, 32, 3)).astype(np.uint8),
        "goal_image": rng.integers(0, 255, (32, 32, 3)).astype(np.uint8),
        "goal_mask": rng.integers(0, 2, (32, 32)).astype(np.uint8),
        "event": 7,
        "previous_action": rng.integers(0, 7, (steps, 3)),
        "action": rng.integers(0, 7, (steps, 3)),
        "log_prob": -rng.random(steps).astype(np.float32),
        "value": rng.random(steps).astype(np.float32),
        "reward": np.zeros(steps, np.float32),
        "reference_logits": rng.normal(size=(steps, 29)).astype(np.float16),
        "view": np.zeros((steps, VIEW_SIZE), np.float32),
        "bearing": np.zeros((steps, 2), np.float32),
        "insight": rng.normal(size=(steps, KNOWN)).astype(np.float32),
        "next_insight": rng.normal(size=KNOWN).astype(np.float32),
        "expert_action": rng.integers(0, 7, (steps, 3)),
        "terminated": False,
        "truncated": False,
        "next_value": 0.5,
        "policy_version": 3,
        "kind": KIND,
        "task_id": "train-0",
        "episode": 0,
        "start": 0,
    }
    return Fragment(**(fields | changes))


@pytest.fixture(scope="session")
def a_fragment() -> Callable[..., Fragment]:
    """Makes fragments of `steps` decisions with some fields changed."""
    return noise


@pytest.fixture
def fragment() -> Fragment:
    """One of them."""
    return noise()


@pytest.fixture
def write(tmp_path) -> Callable[[str, Fragment], Path]:
    """Writes a fragment under a name into the test's folder."""

    def write_named(name: str, fragment: Fragment) -> Path:
        path = tmp_path / f"{name}{SUFFIX}"
        write_fragment(path, fragment)
        return path

    return write_named


@pytest.fixture
def opened(tmp_path):
    """Opens the index of the test's folder; before it does so again, the one before is dead."""
    stores: list[FragmentStore] = []

    def open_store(**limits) -> FragmentStore:
        if stores:
            stores.pop().close()
        stores.append(FragmentStore(tmp_path, StoreSettings(**limits)))
        return stores[-1]

    yield open_store
    if stores:
        stores.pop().close()


LIMIT = 4  # decisions of an episode of signs
TINY = SmallPolicyConfig(
    image_size=16, stem_width=4, feature_width=8, token_width=12, fusion_blocks=1, fusion_heads=2, correlation_width=4,
    reduced_width=4, embedding_width=4, memory_width=24, memory_key_width=8, memory_layers=1, memory_heads=2,
    memory_window=6,
)  # fmt: skip


@pytest.fixture
def tiny_policy() -> Callable[..., SmallPolicy]:
    """Makes policies of a few thousand parameters that see 16 x 16 pictures."""

    def make(seed: int = 0) -> SmallPolicy:
        torch.manual_seed(seed)
        return SmallPolicy(TINY).eval()

    return make


class Signs:
    """A world of one rule: press the button that the picture's brightness asks for.

    It answers to what `Rollout` asks of `CrossViewEnvs`. A bright picture asks for row 1, a dark one for row 2; either
    press ends the episode, the right one with success; without a press the time limit ends it.
    """

    image_size, pixel_scale = 16, 1.0

    def __init__(self, environments: int, seed: int = 0):
        n = environments
        self._rng = np.random.default_rng(seed)
        self.observation = SimpleNamespace(
            image=np.zeros((n, 16, 16, 3), np.uint8),
            goal_image=np.zeros((n, 16, 16, 3), np.uint8),
            goal_mask=np.ones((n, 16, 16), np.uint8),
            event=np.full(n, 7),
            previous_action=np.zeros((n, 3), np.int64),
        )
        self.episode = np.zeros((n, rules.EPISODE_SIZE))
        self.episode[:, rules.DONE] = 1
        self.tasks = [None] * n
        self.view = np.zeros((n, VIEW_SIZE), np.float32)
        self.bright = np.zeros(n, bool)

    def __len__(self) -> int:
        return len(self.tasks)

    @property
    def done(self):
        return self.episode[:, rules.DONE] > 0

    @property
    def terminated(self):
        return self.done & (self.episode[:, rules.FIRST] != rules.NOTHING_YET)

    def insight(self):
        return np.tile(self.bright[:, None].astype(np.float32), INSIGHT)

    def follow(self, slots):
        pass

    def bearings(self):
        return np.tile(np.array([0.0, 1.0], np.float32), (len(self), 1))

    def assign(self, slots, requests):
        for slot in slots:
            number = next(requests)
            self.tasks[slot] = SimpleNamespace(
                task_id=f"signs-{number}", world=SimpleNamespace(place="paper"), event=SimpleNamespace(value="use"),
                difficulty="near", visible_at_start=True, strict=True,
            )  # fmt: skip
            self.bright[slot] = self._rng.random() < 0.5
            self.episode[slot] = 0
            self.observation.previous_action[slot] = (0, 5, 5)
        self._draw(slots)

    def _draw(self, slots):
        for slot in slots:
            low = 180 if self.bright[slot] else 20
            self.observation.image[slot] = self._rng.integers(low, low + 40, (16, 16, 3))

    def step(self, actions):
        alive = np.flatnonzero(~self.done)
        for slot in alive:
            episode, pressed = self.episode[slot], actions[slot, 0]
            episode[rules.TICKS] += 1
            if pressed in (1, 2):
                right = (pressed == 1) == self.bright[slot]
                episode[rules.FIRST] = rules.TARGET_FIRST if right else rules.DISTRACTOR_FIRST
                episode[rules.SUCCESS], episode[rules.DONE] = right, 1
            elif episode[rules.TICKS] >= LIMIT:
                episode[rules.DONE] = 1
        self.observation.previous_action[alive] = actions[alive]
        self._draw(alive)

    def close(self):
        pass


class Numbers:
    """A sampler that counts, and keeps what is booked."""

    def __init__(self):
        self.given, self.booked = 0, []

    def next(self):
        self.given += 1
        return self.given

    def book(self, kind, outcome):
        self.booked.append((kind, outcome))


@pytest.fixture
def signs() -> Callable[..., Rollout]:
    """Makes rollouts over signs, whose sampler counts tasks and keeps what is booked."""

    def make(
        policy: SmallPolicy, environments: int = 6, fragment: int = 5, percepts: bool = False, **changes: bool
    ) -> Rollout:
        settings = {"bf16": False} | changes
        config = RolloutConfig(environments=environments, fragment=fragment, mask_noise=0.0, **settings)
        return Rollout(config, Signs(environments), policy, copy.deepcopy(policy), Numbers(), 0, percepts)

    return make
