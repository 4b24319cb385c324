"""Settings by name on the command line: typed, nested, and answered where they are wrong."""

import os
import subprocess
import sys

import pytest
from xview_training.command_line import overridden
from xview_training.ppo.experiments import ppo_experiment_named

CPU = ppo_experiment_named("cpu")


def test_settings_are_set_by_name_at_any_depth():
    got = overridden(
        CPU,
        ["learner.leash.target=0.05", "learner.frozen=[\"image_encoder.\"]", "sampling.adaptive=true", "suite=robot"],
    )  # fmt: skip
    assert got.learner.leash.target == 0.05
    assert got.learner.frozen == ("image_encoder.",)
    assert got.sampling.adaptive is True
    assert got.suite == "robot"
    assert got.rollout == CPU.rollout


def test_settings_that_need_each_other_may_stand_in_any_order():
    pair = ["learner.losses.expert=0.3", "rollout.ask_expert=true"]
    assert overridden(CPU, pair) == overridden(CPU, pair[::-1])
    assert overridden(CPU, pair).learner.losses.expert == 0.3


def test_of_two_values_the_last_one_holds():
    assert overridden(CPU, ["seed=1", "seed=2"]).seed == 2


def test_a_whole_number_is_a_float_where_one_is_expected():
    assert overridden(CPU, ["learner.weight_decay=0"]).learner.weight_decay == 0.0


@pytest.mark.parametrize(
    ("assignment", "answer"),
    [
        ("learner.lerning_rate=1e-4", "did you mean 'learning_rate'"),
        ("learner.epochs=1.5", "expected int, got 1.5"),
        ("learner.minibatch=0", "minibatch: expected 1 or more, got 0"),
        ("learner.ema=NaN", "ema: expected 0 to 1, got nan"),
        ("rollout.environments=0", "environments: expected 1 or more, got 0"),
        ("sampling.strict_share=50", "strict_share: expected 0 to 1, got 50"),
        ("sampling.low=0.95", "low: expected at most 0.9, the value of high, got 0.95"),
        ("learner.leash.coefficient=0", "target: a coefficient that begins at 0 cannot follow it"),
        ("learner=3", "expected one of its fields"),
        ("seed.x=3", "expected int"),
        ("seed", "expected NAME=VALUE"),
    ],
)
def test_a_wrong_setting_is_answered(assignment, answer):
    with pytest.raises(ValueError, match=answer.replace("[", r"\[")):
        overridden(CPU, [assignment])


BEFORE_TORCH = """
import os, sys
from xview_deploy.cli import run
from xview_training.cli import commands
table = commands()
assert "torch" not in sys.modules, "OpenMP has read its variables"
assert run(table, [*sys.argv[1:], "--experiment", "none-of-that-name"]) != 0
print(os.environ["OMP_WAIT_POLICY"])
"""


@pytest.mark.parametrize("command", ["imitation", "ppo"])
@pytest.mark.parametrize(("held", "so"), [({}, "PASSIVE"), ({"OMP_WAIT_POLICY": "ACTIVE"}, "ACTIVE")])
def test_training_lets_waiting_threads_sleep_before_torch_comes_and_as_the_user_says(command, held, so):
    environment = {name: value for name, value in os.environ.items() if name != "OMP_WAIT_POLICY"} | held
    done = subprocess.run(
        [sys.executable, "-c", BEFORE_TORCH, "train", command], capture_output=True, text=True, env=environment
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == [so]
