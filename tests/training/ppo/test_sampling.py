"""Tasks come as evenly as is said, each world once, more often where there is something to learn."""

import dataclasses
from collections import Counter
from itertools import pairwise

import numpy as np
import pytest
from xview_training.ppo.fragment import Kind, Outcome
from xview_training.ppo.ledger import Ledger
from xview_training.ppo.sampling import SamplingConfig, TaskSampler
from xview_training.tasks import files
from xview_training.tasks.files import FileHeader, TaskFile
from xview_training.tasks.packing import RECORD, pack
from xview_training.tasks.suites import suite_named

SUCCESS, FAILURE = (Outcome(won, first_right=won, first_wrong=False, ticks=40) for won in (True, False))


def drawn(sampler: TaskSampler, count: int) -> list[tuple]:
    return [sampler.next() for _ in range(count)]


def test_difficulties_come_evenly_or_as_the_suite_says():
    # Four of ten tasks are in landscapes, near 0.5, easy 0.4, medium 0.1; the others in rooms, near 0.7, easy 0.3.
    for even, expected in (
        (True, {"near": 1 / 3, "easy": 1 / 3, "medium": 1 / 3}),
        (False, {"near": 0.62, "easy": 0.34, "medium": 0.04}),
    ):
        tasks = drawn(TaskSampler(SamplingConfig(even_difficulties=even), suite_named("train"), seed=0), 4000)
        shares = Counter(difficulty for *_, difficulty in tasks)
        for difficulty, share in expected.items():
            assert shares[difficulty] / len(tasks) == pytest.approx(share, abs=0.04)


def test_a_task_is_asked_for_only_where_its_scene_has_its_difficulty_and_event():
    for suite, _, event, difficulty in drawn(TaskSampler(SamplingConfig(), suite_named("train-v1"), seed=0), 500):
        assert all(difficulty in dict(scene.difficulties) and event in dict(scene.events) for scene in suite.scenes)


def test_each_world_is_met_once_and_seeds_start_apart():
    first, second = (drawn(TaskSampler(SamplingConfig(), suite_named("train"), seed), 50) for seed in (0, 1))
    numbers = [index for _, index, *_ in first]
    assert all((b - a) % 1_000_000 == 1 for a, b in pairwise(numbers))
    assert numbers != [index for _, index, *_ in second]


@pytest.mark.parametrize("share", [0.0, 0.5, 1.0])
def test_strict_tasks_have_their_share(share):
    tasks = drawn(TaskSampler(SamplingConfig(strict_share=share), suite_named("train"), seed=0), 1000)
    assert sum(suite.strict for suite, *_ in tasks) / 1000 == pytest.approx(share, abs=0.05)


def test_the_adaptive_option_leaves_what_is_mastered_or_hopeless():
    sampler = TaskSampler(SamplingConfig(adaptive=True), suite_named("robot"), seed=0)
    for _ in range(60):
        sampler.book(Kind("rooms", "approach", "near", visible=True, strict=False), SUCCESS)
        sampler.book(Kind("rooms", "approach", "easy", visible=True, strict=False), SUCCESS)
        sampler.book(Kind("rooms", "approach", "easy", visible=True, strict=False), FAILURE)
    shares = Counter(difficulty for *_, difficulty in drawn(sampler, 1000))
    assert shares["near"] / 1000 == pytest.approx(0.2 / 1.2, abs=0.04)


def test_a_sampler_goes_on_from_its_record():
    sampler = TaskSampler(SamplingConfig(), suite_named("train"), seed=0)
    drawn(sampler, 10)
    again = TaskSampler(SamplingConfig(), suite_named("train"), seed=5)
    again.restore(sampler.record())
    assert drawn(again, 10) == drawn(sampler, 10)


def test_what_was_under_way_comes_first():
    sampler = TaskSampler(SamplingConfig(), suite_named("train"), seed=0)
    tasks = drawn(TaskSampler(SamplingConfig(), suite_named("train"), seed=9), 2)
    sampler.again(tasks)
    assert drawn(sampler, 3)[:2] == tasks


def test_a_ledger_counts_episodes_once_and_goes_on_from_its_record(a_fragment):
    ledger = Ledger()
    ledger.book([a_fragment(5), a_fragment(3, truncated=True, outcome=FAILURE)])
    ledger.book([a_fragment(2, terminated=True, next_value=0.0, outcome=SUCCESS)])
    assert (ledger.fragments, ledger.decisions, ledger.episodes) == (3, 10, 2)
    assert ledger.figures()["rollout_success"] == 0.5
    assert ledger.figures()["rollout_success_near"] == 0.5
    again = Ledger()
    again.restore(ledger.record())
    assert again.figures() == ledger.figures()
    assert again.record() == ledger.record()


def test_only_the_wished_difficulties_come_and_unknown_ones_are_answered():
    sampler = TaskSampler(SamplingConfig(difficulties=("medium",)), suite_named("train"), seed=0)
    assert {difficulty for *_, difficulty in drawn(sampler, 50)} == {"medium"}
    with pytest.raises(ValueError, match="twin has near; got hard"):
        TaskSampler(SamplingConfig(difficulties=("hard",)), suite_named("twin"), seed=0)


@pytest.fixture(scope="module")
def task_file(made_tasks, tmp_path_factory) -> TaskFile:
    """Twelve tasks of the first version's training suite, most of one kind twice."""
    tasks = [made.task for made in made_tasks if made.suite == "train"]
    path = tmp_path_factory.mktemp("tasks") / "some.xvt"
    records = np.array([pack(task, "train") for task in tasks], RECORD)
    files.write(path, FileHeader("train", 0, len(tasks)), [records])
    return TaskFile.open(path)


def kind_of(task) -> tuple[str, str, str]:
    return task.world.place, task.event.value, task.difficulty


def test_a_file_s_tasks_come_evenly_by_difficulty_and_none_twice_before_all_of_its_kind(task_file):
    sampler = TaskSampler(SamplingConfig(strict_share=0.0), task_file, seed=0)
    tasks = drawn(sampler, 3000)
    held = Counter(kind_of(task_file[index]) for index in range(len(task_file)))
    of_difficulty = Counter(task.difficulty for task in tasks)
    assert max(of_difficulty.values()) - min(of_difficulty.values()) < 0.05 * 3000
    for kind, count in held.items():  # within a difficulty as often as the file has them
        alike = sum(n for other, n in held.items() if other[2] == kind[2])
        share = sum(kind_of(task) == kind for task in tasks) / of_difficulty[kind[2]]
        assert share == pytest.approx(count / alike, abs=0.05)
    for kind, count in held.items():
        first = [task.task_id for task in tasks if kind_of(task) == kind][:count]
        assert len(set(first)) == count


def test_a_file_s_tasks_are_made_strict_and_a_sampler_over_it_goes_on_from_its_record(task_file):
    config = SamplingConfig(strict_share=1.0, even_difficulties=False)
    sampler = TaskSampler(config, task_file, seed=0)
    assert all(task.strict for task in drawn(sampler, 10))
    again = TaskSampler(config, task_file, seed=5)
    again.restore(sampler.record())
    assert drawn(again, 10) == drawn(sampler, 10)


def test_a_file_without_the_wished_difficulty_is_told(task_file):
    with pytest.raises(ValueError, match=r"difficulties: some\.xvt has .*near.*; got hard"):
        TaskSampler(SamplingConfig(difficulties=("hard",)), task_file, seed=0)
    empty = dataclasses.replace(task_file, records=task_file.records[:0])
    with pytest.raises(ValueError, match="has no tasks"):
        TaskSampler(SamplingConfig(), empty, seed=0)
