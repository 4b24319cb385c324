"""What a rollout hands to the learner: some consecutive decisions of one episode, and one memory at their start.

A fragment never crosses a reset: it has one goal, one event, one recurrent state. The later states are computed anew
by the learner, segment by segment (ROCKET-3, distributed RL). Knows numpy only: neither how fragments are played, nor
where they are kept, nor what is learnt from them.

Axis letters: T decisions, S side of a picture, P numbers of a percept, Y memory layers, W window, D width of keys and
values, A logits of all heads one after the other.
"""

from __future__ import annotations

import dataclasses

import numpy as np

from xview_training.tasks.visibility import VIEW_SIZE

HEADS = 3  # buttons, pitch, yaw
NOT_ASKED = -1  # in place of the expert's action


@dataclasses.dataclass(frozen=True)
class Kind:
    """What sort of task it was: what successes are counted by and tasks are chosen by."""

    place: str
    event: str  # TaskEvent's value: melee and archery apart
    difficulty: str
    visible: bool  # the target is in the first picture
    strict: bool  # a wrong arrival ends the episode


@dataclasses.dataclass(frozen=True)
class Outcome:
    """How an episode ended."""

    success: bool
    first_right: bool  # the first object touched was the target
    first_wrong: bool
    ticks: int  # of the whole episode, 20 a second


@dataclasses.dataclass(frozen=True)
class Fragment:
    """Up to T decisions of one episode; ValueError where the parts do not fit each other.

    The behaviour policy's log-probabilities are those of the weights of `policy_version`, in evaluation mode. The
    memory is stored in half precision, and the rollout itself went on from the stored numbers.
    """

    keys: np.ndarray  # float16 (Y, W, D), before the first decision; all zeros at an episode's start
    values: np.ndarray  # float16 (Y, W, D)
    valid: np.ndarray  # float16 (W,)
    seen: (
        np.ndarray
    )  # uint8 (T, S, S, 3) RGB; or float32 (T, P) percepts, all that a perception that stays tells of them
    goal_image: np.ndarray  # uint8 (S, S, 3) RGB
    goal_mask: np.ndarray  # uint8 (S, S) of 0 and 1
    event: int  # row of the interaction embedding
    previous_action: np.ndarray  # int64 (T, 3), the action before each picture
    action: np.ndarray  # int64 (T, 3)
    log_prob: np.ndarray  # float32 (T,) of the action, the three heads together
    value: np.ndarray  # float32 (T,) as the behaviour policy estimated it
    reward: np.ndarray  # float32 (T,)
    reference_logits: np.ndarray  # float16 (T, A) of the reference policy, run with a warm memory of its own
    view: np.ndarray  # float32 (T, VIEW_SIZE) where the target is seen; pixels as of a 64 x 64 picture
    bearing: np.ndarray  # float32 (T, 2) unit vector right, forward to the target; zeros while it was never seen
    insight: np.ndarray  # float32 (T, I) what a critic may know of each picture's moment; only the learner reads it
    next_insight: np.ndarray  # float32 (I,) of the picture after the last decision; zeros where terminated
    expert_action: np.ndarray  # int64 (T, 3) what the privileged expert would do; NOT_ASKED where nobody asked it
    terminated: bool  # the world ended the episode with the last decision
    truncated: bool  # the time limit did; neither: the episode goes on in another fragment
    next_value: float  # of the picture after the last decision; 0 where terminated
    policy_version: int  # of the weights that chose the last action
    kind: Kind
    task_id: str
    episode: int  # number of the episode in its rollout; with `start` it names the fragment's decisions
    start: int  # decisions of the episode before this fragment
    outcome: Outcome | None = None  # of an episode that has ended

    def __len__(self) -> int:
        """T, decisions."""
        return len(self.action)

    @property
    def ended(self) -> bool:
        """Its last decision is the episode's last."""
        return self.terminated or self.truncated

    def __post_init__(self) -> None:
        steps = len(self.action)
        if steps == 0:
            raise ValueError("a fragment holds at least one decision, got none")
        for name, (dtype, shape) in _layout(steps, self).items():
            array = getattr(self, name)
            if array.dtype != dtype or array.shape != shape:
                expected = f"{np.dtype(dtype)} {shape}"
                raise ValueError(f"{name}: expected {expected}, got {array.dtype} {array.shape}")
        if self.terminated and (self.truncated or self.next_value != 0):
            raise ValueError(
                "an episode that the world ended has no time limit to end it and nothing to come: expected "
                f"truncated False and next_value 0, got {self.truncated} and {self.next_value}"
            )
        if self.ended != (self.outcome is not None):
            raise ValueError(f"outcome: expected one exactly where the episode has ended, got {self.outcome}")
        for name in ("log_prob", "value", "reward", "reference_logits"):
            if not np.isfinite(getattr(self, name)).all():
                raise ValueError(f"{name}: expected finite numbers, got {getattr(self, name)}")


def _layout(steps: int, fragment: Fragment) -> dict[str, tuple[type, tuple[int, ...]]]:
    """Type and shape of each array, from those that set the sizes: action, keys, goal_mask, reference_logits, and seen
    where it holds percepts."""
    side = fragment.goal_mask.shape[0]
    percept = fragment.seen.shape[1:] if fragment.seen.ndim == 2 else ()
    layers, window, width = fragment.keys.shape if fragment.keys.ndim == 3 else (0, 0, 0)
    return {
        "action": (np.int64, (steps, HEADS)),
        "keys": (np.float16, (layers, window, width)),
        "values": (np.float16, (layers, window, width)),
        "valid": (np.float16, (window,)),
        "seen": (np.float32, (steps, *percept)) if percept else (np.uint8, (steps, side, side, 3)),
        "goal_image": (np.uint8, (side, side, 3)),
        "goal_mask": (np.uint8, (side, side)),
        "previous_action": (np.int64, (steps, HEADS)),
        "log_prob": (np.float32, (steps,)),
        "value": (np.float32, (steps,)),
        "reward": (np.float32, (steps,)),
        "reference_logits": (np.float16, (steps, fragment.reference_logits.shape[-1])),
        "view": (np.float32, (steps, VIEW_SIZE)),
        "bearing": (np.float32, (steps, 2)),
        "insight": (np.float32, (steps, fragment.next_insight.shape[-1])),
        "next_insight": (np.float32, (fragment.next_insight.shape[-1],)),
        "expert_action": (np.int64, (steps, HEADS)),
    }
