"""Settings by name on the command line: typed, nested, and answered where they are wrong."""

import pytest
from xview_deploy.spec import ContractError
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


def test_a_whole_number_is_a_float_where_one_is_expected():
    assert overridden(CPU, ["learner.leash.coefficient=0"]).learner.leash.coefficient == 0.0


@pytest.mark.parametrize(
    ("assignment", "answer"),
    [
        ("learner.lerning_rate=1e-4", "did you mean 'learning_rate'"),
        ("learner.epochs=1.5", "expected int, got 1.5"),
        ("learner=3", "expected one of its fields"),
        ("seed.x=3", "expected int"),
        ("seed", "expected NAME=VALUE"),
    ],
)
def test_a_wrong_setting_is_answered(assignment, answer):
    with pytest.raises(ContractError, match=answer.replace("[", r"\[")):
        overridden(CPU, [assignment])
