"""Weights have versions, logs are cut where a learner goes on, and gradients of several learners are averaged."""

import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import torch
from torch import distributed as dist
from torch import nn
from xview_training.ppo.cluster.sharing import SharingLearner, least_of, sum_of, told_by_first
from xview_training.ppo.cluster.weights import load_weights, weights_of
from xview_training.ppo.cluster.weights_server import WeightsServer

CPU = torch.device("cpu")


def test_weights_are_pulled_only_where_they_are_newer():
    server = WeightsServer()
    assert server.newer(0) is None
    assert server.publish(3, "third", {"loss": 1.0})
    assert server.newer(2) == (3, "third")
    assert server.newer(3) is None
    assert not server.publish(3, "again", {})
    assert not server.publish(2, "of a learner that was replaced", {"loss": 2.0})
    assert server.newer(0) == (3, "third")
    assert server.figures == {"loss": 1.0}


def test_only_what_is_learnt_goes_over_the_wire():
    torch.manual_seed(0)
    here, there = (nn.Sequential(nn.Linear(2, 3), nn.Linear(3, 1)) for _ in range(2))
    here[0].requires_grad_(False)
    frozen = there[0].weight.clone()
    weights = weights_of(here)
    assert sorted(weights) == ["1.bias", "1.weight"]
    with torch.no_grad():
        here[1].weight.zero_()
    assert weights["1.weight"].any(), "a copy: what the learner does next is not seen"
    load_weights(there, weights)
    assert torch.equal(there[0].weight, frozen)
    assert torch.equal(there[1].bias, here[1].bias)


SECOND = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from test_cluster_sharing import take_part
take_part(1, Path(sys.argv[2]))
"""


def take_part(rank: int, meeting: Path) -> tuple:
    """What one of two learners sees."""
    dist.init_process_group("gloo", init_method=f"file://{meeting}", rank=rank, world_size=2)
    try:
        parameters = [nn.Parameter(torch.zeros(2, 2)), nn.Parameter(torch.zeros(3)), nn.Parameter(torch.zeros(1))]
        for parameter in parameters[:2]:
            parameter.grad = torch.full_like(parameter, float(rank))
        SharingLearner.combine(SimpleNamespace(device=CPU), parameters, decisions=(30, 10)[rank])
        told = told_by_first(("of", rank)), sum_of(rank + 1, CPU), least_of(5 - rank, CPU)
        returns = SharingLearner.gather(SimpleNamespace(device=CPU), torch.full((rank + 1,), float(rank)))
        return [parameter.grad for parameter in parameters], told, returns.tolist()
    finally:
        dist.destroy_process_group()


def test_gradients_of_two_learners_are_their_mean_over_decisions(tmp_path):
    meeting = tmp_path / "meeting"
    second = subprocess.Popen([sys.executable, "-c", SECOND, str(Path(__file__).parent), str(meeting)])
    gradients, told, returns = take_part(0, meeting)
    assert second.wait(60) == 0
    assert torch.allclose(gradients[0], torch.full((2, 2), 0.25))
    assert torch.allclose(gradients[1], torch.full((3,), 0.25))
    assert gradients[2] is None
    assert told == (("of", 0), 3.0, 4.0)
    assert returns == [0.0, 1.0, 1.0]


def test_a_learner_alone_meets_nobody():
    assert told_by_first("mine") == "mine"
    assert sum_of(2, CPU) == least_of(2, CPU) == 2
