import numpy as np
import pytest
from xview_deploy.bases.actions import ActionMapping
from xview_deploy.bases.kinds import OmniBase
from xview_deploy.runtime.policy import Policy
from xview_deploy.runtime.random_policy import ForwardBiasedRandomPolicy, RandomPolicy
from xview_deploy.spec import ActionTable, ContractError

PICTURE = np.zeros((48, 64, 3), np.uint8)
TABLE = ActionTable()
SAME_SEED = (RandomPolicy(seed=3), RandomPolicy(seed=3))


def actions(policy: Policy, count: int = 500, allowed=None) -> np.ndarray:
    rng = np.random.default_rng(0)
    return np.stack([policy.act(PICTURE, allowed=allowed, rng=rng).action for _ in range(count)])


@pytest.mark.parametrize("kind", [RandomPolicy, ForwardBiasedRandomPolicy])
def test_masked_choices_are_never_taken(kind):
    masks = ActionMapping(OmniBase(("forward", "left"))).allowed(TABLE)
    taken = actions(kind(), allowed=masks)
    for head, mask in enumerate(masks):
        assert mask[taken[:, head]].all()


def test_uniform_takes_every_choice():
    taken = actions(RandomPolicy())
    assert [len(np.unique(taken[:, head])) for head in range(3)] == list(TABLE.sizes)


def test_forward_biased_mostly_walks_ahead_and_turns_little():
    taken = actions(ForwardBiasedRandomPolicy())
    assert (taken[:, 0] == TABLE.buttons.index(("forward",))).mean() > 0.85
    assert abs(taken[:, 2].mean() - 5) < 0.3
    assert 1.7 < taken[:, 2].std() < 2.5


def test_the_same_seed_gives_the_same_actions():
    first, second = ([policy.act(PICTURE).action.tolist() for _ in range(5)] for policy in SAME_SEED)
    assert first == second


@pytest.mark.parametrize(
    ("masks", "message"),
    [
        ([np.ones(3, bool)] * 3, "expected lengths"),
        ([np.zeros(size, bool) for size in TABLE.sizes], "at least one allowed choice"),
    ],
)
def test_masks_that_do_not_fit_are_refused(masks, message):
    with pytest.raises(ContractError, match=message):
        RandomPolicy().act(PICTURE, allowed=masks)
