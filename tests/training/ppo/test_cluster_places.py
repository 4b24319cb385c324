"""The learners of a run always find places beside its rollouts, or the run says at once that there are too few."""

import os

import pytest

ray = pytest.importorskip("ray", reason="the extra `ray` is not installed")

from ray.cluster_utils import Cluster  # noqa: E402
from ray.util.placement_group import placement_group, placement_group_table, remove_placement_group  # noqa: E402
from xview_training.ppo.cluster import places  # noqa: E402
from xview_training.ppo.cluster.settings import ClusterSettings  # noqa: E402

WITHIN_S = 60.0  # on a machine that others use too; alone it takes no time
THREE_NODES = ClusterSettings(rollouts=8, rollout_cpus=4, rollout_gpus=0.25, learners=2, learner_gpus=1)


@pytest.fixture(scope="module")
def three_nodes():
    """The page's cluster, with GPUs in name only: a node with two, two nodes with one; the first one's name."""
    before = dict(os.environ)
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    node = {"num_cpus": 16, "object_store_memory": 100 * 2**20}
    cluster = Cluster(True, head_node_args=node | {"num_gpus": 2, "include_dashboard": False})
    for _ in range(2):
        cluster.add_node(**node, num_gpus=1)
    ray.init(cluster.address, log_to_driver=False, logging_level="ERROR")
    yield ray.get_runtime_context().get_node_id()
    ray.shutdown()
    cluster.shutdown()
    os.environ.clear()
    os.environ.update(before)


def nodes_of(group) -> list[str]:
    return list(placement_group_table(group)["bundles_to_node_id"].values())


def asked_by_ray_train(settings: ClusterSettings):
    """The reservation that Ray Train makes for the learners."""
    each = places.bundle(settings.learner_cpus, settings.learner_gpus)
    return placement_group([each] * settings.learners, strategy=places.LEARNERS)


@pytest.mark.parametrize(
    ("too_many", "told"),
    [
        (
            ClusterSettings(learners=3, learner_gpus=1.25),
            "3 learners of 1 CPU and 1.25 GPU each .* 48 CPU and 4 GPU free",
        ),
        (ClusterSettings(rollouts=2, rollout_cpus=17), "2 rollouts of 17 CPU each .* 47 CPU free"),
    ],
)
def test_too_few_places_are_told_and_given_back(three_nodes, monkeypatch, too_many, told):
    monkeypatch.setattr(places, "PLACES_WITHIN_S", 10.0)
    with pytest.raises(ValueError, match=told):
        places.reserve(too_many)
    monkeypatch.undo()
    whole = placement_group([{"CPU": 16}] * 3)
    assert whole.wait(WITHIN_S)
    remove_placement_group(whole)


def test_each_players_node_takes_four_rollouts_and_the_learners_keep_theirs(three_nodes):
    rollouts = places.reserve(THREE_NODES)
    learners = asked_by_ray_train(THREE_NODES)
    assert learners.wait(WITHIN_S), "the rollouts sit in the learners' places"
    assert nodes_of(learners) == [three_nodes] * 2
    played_on = nodes_of(rollouts)
    assert [played_on.count(node) for node in set(played_on)] == [4, 4]
    assert three_nodes not in played_on
