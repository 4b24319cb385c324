"""A run goes on from where it is told to, and never over what another one has written."""

import pytest
import torch
from xview_deploy.cli import installed_commands
from xview_deploy.cli import run as run_command
from xview_training import checkpoints
from xview_training.experiments import EXPERIMENTS
from xview_training.runs import manifest
from xview_training.runs.resuming import IMITATION, IN_PROCESS, OVER_RAY, REFERENCE, resumed_from


def xview(*arguments: object) -> int:
    return run_command(installed_commands(), [str(argument) for argument in arguments])


@pytest.fixture
def run(tmp_path):
    """A run's folder with two checkpoints."""
    for step in (1000, 2000):
        checkpoints.save(tmp_path / "run" / "checkpoints", step, {"a": torch.zeros(1)}, {}, keep=2)
    return tmp_path / "run"


def test_auto_is_the_newest_one_or_none(run, tmp_path):
    assert resumed_from(run, "auto", IMITATION) == run / "checkpoints" / "step-2000"
    assert resumed_from(tmp_path / "new", "auto", IMITATION) is None


def test_a_new_run_is_not_written_over_another(run, tmp_path):
    with pytest.raises(ValueError, match=r"up to step-2000: expected another --run"):
        resumed_from(run, "never", IMITATION)
    assert resumed_from(tmp_path / "new", "never", IMITATION) is None


def test_a_new_run_is_not_written_over_one_without_a_checkpoint_yet(tmp_path):
    manifest.record_start(tmp_path, "imitation", EXPERIMENTS["debug"])
    with pytest.raises(ValueError, match=r"holds a run that has no checkpoint yet: expected another --run"):
        resumed_from(tmp_path, "never", IMITATION)
    assert resumed_from(tmp_path, "auto", IMITATION) is None


@pytest.fixture
def run_of(run):
    """Makes the run one of that kind."""

    def make(kind: str):
        manifest.record_start(run, kind.split()[0], EXPERIMENTS["debug"])
        if kind == OVER_RAY:
            checkpoints.save(run / REFERENCE, 0, {"a": torch.zeros(1)}, {}, keep=1)
        return run

    return make


KINDS = (IMITATION, IN_PROCESS, OVER_RAY)


@pytest.mark.parametrize("held", KINDS)
@pytest.mark.parametrize("kind", KINDS)
def test_a_run_goes_on_only_as_one_of_its_kind(run_of, tmp_path, held, kind):
    run = run_of(held)
    newest = run / "checkpoints" / "step-2000"
    if kind == held:
        assert resumed_from(run, "auto", kind) == newest
        assert resumed_from(tmp_path / "branch", str(newest), kind) == newest
        return
    for folder, wanted in ((run, "auto"), (run, str(newest)), (tmp_path / "branch", str(newest))):
        with pytest.raises(ValueError, match=f"holds a run of {held}, which goes on only so: for {kind} choose"):
            resumed_from(folder, wanted, kind)


@pytest.mark.parametrize(
    ("held", "command"),
    [
        (OVER_RAY, ["ppo", "--in-process"]),
        (IN_PROCESS, ["ppo"]),
        (IMITATION, ["ppo", "--in-process"]),
        (IN_PROCESS, ["imitation"]),
    ],
)
def test_the_commands_tell_another_kind_of_run_in_one_line(run_of, capsys, held, command):
    run = run_of(held)
    assert xview("train", *command, "--experiment", "debug", "--run", run) == 2
    told = capsys.readouterr().err.strip().splitlines()
    assert len(told) == 1
    assert f"{run} holds a run of {held}, which goes on only so" in told[0]


def test_a_checkpoint_is_gone_on_from_in_its_run_or_in_a_new_one(run, tmp_path):
    newest, older = (run / "checkpoints" / f"step-{step}" for step in (2000, 1000))
    assert resumed_from(run, str(newest), IMITATION) == newest
    assert resumed_from(tmp_path / "branch", str(older), IMITATION) == older
    with pytest.raises(ValueError, match="expected another --run to go on from"):
        resumed_from(run, str(older), IMITATION)


@pytest.mark.parametrize("wanted", ["always", "True", "/nowhere"])
def test_what_is_no_checkpoint_is_said(run, wanted):
    with pytest.raises(ValueError, match="expected auto, never or the folder of a checkpoint"):
        resumed_from(run, wanted, IMITATION)


@pytest.mark.parametrize("command", [["ppo", "--in-process"], ["imitation"]])
def test_the_commands_refuse_to_begin_anew_where_a_run_is(run, capsys, command):
    assert xview("train", *command, "--experiment", "debug", "--run", run, "--resume", "never") == 2
    assert "holds a run" in capsys.readouterr().err
    assert (run / "checkpoints" / "step-1000").is_dir()


def test_over_ray_a_run_is_gone_on_from_as_a_whole(run, capsys):
    newest = run / "checkpoints" / "step-2000"
    assert xview("train", "ppo", "--experiment", "debug", "--run", run, "--resume", newest) == 2
    assert "expected --in-process too" in capsys.readouterr().err
