"""A few hundred mutated messages, pictures and files against a running graph; `xview bench fuzz` sends more."""

import pytest
from xview_agent.bench.fuzzing.files import PictureBytes, RawPictures
from xview_agent.bench.fuzzing.mutation import Mutator
from xview_agent.bench.fuzzing.run import FuzzReport, run_fuzz, shares

COUNT = 250


@pytest.fixture(scope="module")
def report() -> FuzzReport:
    return run_fuzz(COUNT, seed=1)


def test_nothing_crashes_and_every_refusal_says_why(report):
    assert report.sent == COUNT
    assert report.dead_nodes == report.failures_in_logs == []
    assert {name: tally.crashes for name, tally in report.kinds.items() if tally.crashes} == {}
    assert {name: tally.unexplained for name, tally in report.kinds.items() if tally.unexplained} == {}


def test_nothing_moves_and_nothing_arms_the_robot(report):
    assert report.velocities > 0
    assert (report.moving, report.armed) == (0, 0)


def test_much_is_refused_and_what_is_harmless_is_taken(report):
    refused = sum(tally.refused for tally in report.kinds.values())
    taken = sum(tally.taken for tally in report.kinds.values())
    assert refused + taken == COUNT
    assert min(refused, taken) > COUNT / 10
    assert all(tally.reasons for tally in report.kinds.values() if tally.refused)


def test_no_nodes_memory_grows(report):
    assert report.grown == []


def test_the_same_seed_gives_the_same_mutations():
    first, second, other = (Mutator(seed) for seed in (5, 5, 6))
    data = bytes(range(256))
    assert [first.octets(data) for _ in range(20)] == [second.octets(data) for _ in range(20)]
    assert other.octets(data) != Mutator(5).octets(data)


def test_every_kind_gets_its_share():
    kinds = [PictureBytes(), RawPictures()]
    assert shares(kinds, 130) == {"pictures as bytes": 100, "raw pictures": 30}
    assert sum(shares(kinds, 77).values()) == 77
    assert shares(kinds, 2) == {"pictures as bytes": 1, "raw pictures": 1}
