"""The bench of the PPO loop: both loops play the same, and the one that ours is timed beside is a right PPO."""

import json

import pytest
import torch
from xview_training.bench.flat_ppo import FlatPpo, FlatPpoSettings
from xview_training.bench.train import TrainBenchSettings
from xview_training.cli import commands
from xview_training.envs.vector import CrossViewVectorEnv
from xview_training.policy.memory import State
from xview_training.policy.small import SmallPolicy, SmallPolicyConfig
from xview_training.ppo.losses import heads, log_prob_of

pytestmark = pytest.mark.usefixtures("one_thread")
LITTLE = SmallPolicyConfig(fusion_blocks=1, memory_layers=1, memory_window=8)


def test_it_says_how_fast_both_are_and_where_the_time_goes(tmp_path, capsys):
    out = tmp_path / "train.json"
    commands()["bench"]["train"](
        suite="twin", environments=2, steps=4, minibatch=2, seconds=0.1, rounds=1, threads=1, json=out
    )
    told = json.loads(out.read_text())
    assert told["ratio"] == pytest.approx(told["ours"]["frames_per_second"] / told["baseline"]["frames_per_second"])
    for name in ("ours", "ours_perception_stays", "baseline"):
        assert told[name]["frames_per_second"] > 0
        assert sum(told[name]["shares"].values()) == pytest.approx(1)
    assert set(told["ours"]["shares"]) == {"simulate", "infer", "store", "reference", "learn"}
    assert "CleanRL's structure" in capsys.readouterr().out


def test_the_memory_stepped_through_a_minibatch_is_the_one_that_played():
    torch.manual_seed(0)
    envs = CrossViewVectorEnv(3, "twin", max_episode_steps=4, autoreset_mode="SameStep", threads=1, copy=False)
    loop = FlatPpo(FlatPpoSettings(num_steps=6, minibatch_envs=2, bf16=False), envs, SmallPolicy(LITTLE), seed=0)
    loop._play()
    start = State(*(part.clone() for part in loop._state))
    arrays, _ = loop._play()
    assert arrays.begins[1:].sum() >= 3, "episodes began inside"
    assert len(arrays.goal_images) == 3 + arrays.begins[1:].sum() + loop._begins.sum()
    mine = torch.tensor([2, 0])
    with torch.no_grad():
        output = loop._through_time(arrays, start, mine)
    log_prob = log_prob_of(tuple(head[:, 0] for head in heads(output)), arrays.action[:, mine].flatten(0, 1))
    torch.testing.assert_close(log_prob, arrays.log_prob[:, mine].flatten(), atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(output.value[:, 0], arrays.value[:, mine].flatten(), atol=1e-4, rtol=1e-4)
    envs.close()


def test_an_episode_s_end_cuts_the_other_loop_s_advantages():
    envs = CrossViewVectorEnv(2, "twin", max_episode_steps=3, autoreset_mode="SameStep", threads=1, copy=False)
    loop = FlatPpo(FlatPpoSettings(num_steps=5, minibatch_envs=2, bf16=False), envs, SmallPolicy(LITTLE), seed=0)
    arrays, last = loop._play()
    advantages = loop._advantages(arrays, last)
    ends = arrays.begins[1:].nonzero().tolist()
    assert ends
    for t, slot in ends:
        torch.testing.assert_close(advantages[t, slot], arrays.reward[t, slot] - arrays.value[t, slot])
    envs.close()


def test_environments_that_make_no_whole_minibatches_are_refused():
    with pytest.raises(ValueError, match="whole minibatches of 8, got 12"):
        TrainBenchSettings(environments=12)
