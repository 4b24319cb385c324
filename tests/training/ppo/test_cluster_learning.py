"""Several learners go the same way: where the driver ends the run, all of them stop, none waits for another."""

from functools import partial
from types import SimpleNamespace

import pytest
import torch
from xview_training import checkpoints
from xview_training.policy.architectures import build
from xview_training.ppo.experiments import EXPERIMENTS
from xview_training.ppo.fragment_files import SUFFIX

ray = pytest.importorskip("ray", reason="the extra `ray` is not installed")

from ray.exceptions import ActorDiedError  # noqa: E402
from xview_training.ppo.cluster import learning  # noqa: E402
from xview_training.ppo.cluster.plan import ClusterRun  # noqa: E402
from xview_training.ppo.cluster.running import write_reference  # noqa: E402
from xview_training.ppo.cluster.settings import ClusterSettings  # noqa: E402

NAMES = ("a", "b")


class EndingIndex:
    """An index that the driver ends when it is asked for `last`. What it hands out is damaged, so nothing is learnt."""

    def __init__(self, last: str):
        self._last, self._ended = last, False

    def __getattr__(self, name: str) -> SimpleNamespace:
        return SimpleNamespace(remote=partial(self._answer, name))

    def _answer(self, name: str, *_: object):
        self._ended = self._ended or name == self._last
        if self._ended:
            raise ActorDiedError
        return {"begin": 1, "take": [(name, True) for name in NAMES], "next_version": 2}.get(name)


class Meeting:
    """What the first learner tells the other one, told to that when its turn comes."""

    def __init__(self) -> None:
        self.told: list[object] = []

    def first(self, value: object, *_: object) -> object:
        self.told.append(value)
        return value

    def other(self, *_: object) -> object:
        assert self.told, "waits for a first learner that has stopped"
        return self.told.pop(0)


@pytest.fixture
def run(tmp_path) -> ClusterRun:
    run = ClusterRun(EXPERIMENTS["debug"], ClusterSettings(learners=2, batch=len(NAMES)), tmp_path)
    write_reference(run, build(run.experiment.policy))
    run.fragments.mkdir()
    for name in NAMES:
        (run.fragments / f"{name}{SUFFIX}").write_bytes(b"nothing that can be read")
    return run


@pytest.mark.parametrize("last", ["begin", "take", "damaged", "release", "next_version"])
def test_all_learners_stop_where_the_driver_ends_the_index(run, monkeypatch, last):
    monkeypatch.setattr(learning, "ask", lambda function, *arguments: function(*arguments))
    publish = SimpleNamespace(remote=lambda *_: True)
    hosts = SimpleNamespace(index=EndingIndex(last), weights=SimpleNamespace(publish=publish))
    meeting = Meeting()
    for rank, meet in enumerate((meeting.first, meeting.other)):
        for name in ("told_by_first", "least_of", "sum_of"):
            monkeypatch.setattr(learning, name, meet)
        learning.ClusterLearner(run, hosts, rank, 2, torch.device("cpu")).train()
    assert not meeting.told
    assert (checkpoints.newest(run.checkpoints) is not None) == (last != "begin")
