"""Streams of recorded episodes: frames in order, memory carried, goals relabelled backwards, ends never crossed."""

import dataclasses
import json
import math

import numpy as np
import pytest
import torch
from xview_deploy.cli import installed_commands, run
from xview_deploy.spec import ActionTable
from xview_training import checkpoints
from xview_training.datasets.dataset import Dataset, Manifest
from xview_training.datasets.recording import DatasetError
from xview_training.datasets.writer import DatasetWriter
from xview_training.experiments import EXPERIMENTS
from xview_training.imitation.demonstrations import DemonstrationConfig, record
from xview_training.imitation.recorded import Recorded, RecordedConfig, choose_goal
from xview_training.imitation.trainer import ImitationTrainer
from xview_training.policy.rocket2.layout import SMALL
from xview_training.policy.rocket2.on_table import Rocket2Config
from xview_training.policy.rocket2.policy import Rocket2Policy
from xview_training.policy.rocket2.weights import save_rocket2
from xview_training.policy.small import SmallPolicy, SmallPolicyConfig
from xview_training.policy.vit import VIT_SIZES, VitSize
from xview_training.tasks.suites import suite_named

TABLE = ActionTable()
CONFIG = RecordedConfig(streams=3, sequences=2, steps=4, updates=3, mask_noise=0.0)
NARROW = SmallPolicyConfig(
    image_size=32, stem_width=8, feature_width=16, token_width=24, fusion_blocks=1, memory_width=32,
    memory_key_width=16, memory_layers=1, memory_window=8,
)  # fmt: skip


@pytest.fixture(scope="module")
def policy():
    torch.manual_seed(0)
    return SmallPolicy(NARROW).eval()


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    folder = tmp_path_factory.mktemp("recorded") / "set"
    record(DemonstrationConfig(6, image_size=64, environments=6, threads=1), suite_named("twin"), folder)
    return Dataset(folder)


def lessons(dataset, policy, seed=0, **changes) -> Recorded:
    made = Recorded(dataclasses.replace(CONFIG, **changes), dataset, 32, TABLE, seed)
    made.prepare(policy, 0.0)
    return made


def test_a_stream_gives_an_episode_frame_by_frame_and_then_another(dataset, policy):
    made = lessons(dataset, policy, streams=1, sequences=1, updates=60)
    whole = {episode.about.source: episode for episode in dataset}
    alive, actions = [], []
    for batch in made.batches():
        living = batch.labels.alive[0].bool()
        assert batch.images.shape == (1, 4, 32, 32, 3)
        assert not batch.images[0][~living].any()
        alive.append(int(living.sum()))
        actions.append(batch.labels.action[0][living].numpy())
        made.remember(policy.initial_state(1))
    ends = [k for k, count in enumerate(alive) if count < 4]
    second = np.concatenate(actions[ends[0] + 1 : ends[1] + 1])
    assert any(np.array_equal(second, episode.column("label")) for episode in whole.values())


def test_the_previous_action_is_the_one_that_was_taken_before(dataset, policy):
    made = lessons(dataset, policy, streams=1, sequences=1, updates=40)
    batches = list(made.batches())
    starts = [b for b, before in zip(batches[1:], batches, strict=False) if not before.labels.alive.all()]
    taken = {tuple(map(tuple, episode.column("action")[:3])) for episode in dataset}
    for batch in starts:
        assert tuple(batch.previous_action[0, 0].tolist()) == TABLE.noop
        assert tuple(map(tuple, batch.previous_action[0, 1:].tolist())) in taken


def test_memory_is_carried_within_an_episode_and_empty_at_its_start(dataset, policy):
    made = lessons(dataset, policy, streams=2, sequences=2, updates=30)
    was_over = torch.tensor([True, True])
    left: dict[int, torch.Tensor] = {}
    for turn, batch in enumerate(made.batches()):
        for row, stream in enumerate(made._picked):
            if turn == 0 or was_over[stream]:
                assert not batch.state.valid[row].any()
            else:
                assert torch.equal(batch.state.keys[row], left[int(stream)])
        with torch.no_grad():
            goal = policy.encode_goal(batch.goal_image, batch.goal_mask)
            _, state = policy(batch.images, goal, batch.event, batch.previous_action, batch.state)
        made.remember(state)
        for row, stream in enumerate(made._picked):
            left[int(stream)] = state.keys[row]
            was_over[stream] = made._streams[stream].over


def test_any_frame_of_the_event_that_shows_the_target_can_be_the_goal(dataset):
    episode, rng = dataset[0], np.random.default_rng(0)
    always = RecordedConfig(relabel=1.0, min_goal_share=0.0)
    masks = episode.masks()
    pictures = episode.frames(0, len(episode))
    chosen = set()
    for _ in range(200):
        picture, mask = choose_goal(episode, always, rng)
        frame = next(t for t in range(len(episode)) if np.array_equal(pictures[t], picture))
        assert np.array_equal(masks[frame], mask)
        chosen.add(frame)
    assert chosen == set(np.flatnonzero(masks.any((1, 2))))
    own = choose_goal(episode, RecordedConfig(relabel=0.0), rng)
    assert all(np.array_equal(a, b) for a, b in zip(own, episode.goal(), strict=True))


def test_only_frames_with_enough_of_the_target_serve_and_else_the_best_of_them(dataset):
    episode, rng = dataset[0], np.random.default_rng(0)
    shares = episode.masks().mean((1, 2))
    middle = float(np.median(shares[shares > 0]))
    for least in (middle, 2.0):
        for _ in range(20):
            _, mask = choose_goal(episode, RecordedConfig(relabel=1.0, min_goal_share=least), rng)
            assert mask.mean() >= min(least, shares.max())


def test_the_order_is_that_of_the_seed_and_a_restored_reader_does_not_begin_anew(dataset, policy):
    one, same, other = (lessons(dataset, policy, seed) for seed in (0, 0, 1))
    firsts = [next(made.batches()).images for made in (one, same, other)]
    assert torch.equal(firsts[0], firsts[1])
    assert not torch.equal(firsts[0], firsts[2])
    for _ in range(3):
        list(one.batches())
    given = one.record()
    restored = Recorded(CONFIG, dataset, 32, TABLE, 0)
    restored.restore(json.loads(json.dumps(given)))
    restored.prepare(policy, 0.5)
    assert restored.record()["given"] == given["given"] + CONFIG.streams


def test_failed_episodes_are_left_out_unless_they_are_wished_for(tmp_path, dataset, policy):
    with DatasetWriter(tmp_path / "set", dataset.manifest) as writer:
        for episode in dataset:
            whole = episode.recording()
            lost = dataclasses.replace(whole.about, success=False)
            writer.add(dataclasses.replace(whole, about=lost))
    with pytest.raises(DatasetError, match="no episode succeeded"):
        lessons(Dataset(tmp_path / "set"), policy)
    lessons(Dataset(tmp_path / "set"), policy, failures=True)


def test_an_episode_that_never_shows_its_target_is_passed_over_and_told(tmp_path, dataset, policy, caplog):
    whole, *others = (episode.recording() for episode in dataset if episode.about.success)
    blind = dataclasses.replace(whole, masks=np.zeros_like(whole.masks), goal_picture=None, goal_mask=None)
    with DatasetWriter(tmp_path / "set", dataset.manifest) as writer:
        for episode in (blind, *others):
            writer.add(episode)
    list(lessons(Dataset(tmp_path / "set"), policy).batches())
    assert f"an episode is passed over: {whole.about.source}" in caplog.text


def test_a_data_set_for_another_policy_is_refused(dataset, tmp_path):
    with pytest.raises(DatasetError, match="have 64 pixels a side, the policy sees 128: record with --image-size 128"):
        Recorded(CONFIG, dataset, 128, TABLE, 0)
    with pytest.raises(DatasetError, match="its table of actions is not the policy's"):
        Recorded(CONFIG, dataset, 64, ActionTable(ticks_per_action=1), 0)
    Manifest("nothing", 64, TABLE).write(tmp_path)
    with pytest.raises(DatasetError, match="holds no episode"):
        Recorded(CONFIG, Dataset(tmp_path), 64, TABLE, 0)


def test_a_run_learns_from_recorded_episodes_stops_resumes_and_looks_at_held_out_worlds(dataset, tmp_path):
    arguments = ["train", "imitation", "--experiment", "debug", "--run", str(tmp_path / "run"), "--threads", "1"]
    arguments += ["--dataset", str(dataset.folder)]
    assert run(installed_commands(), [*arguments, "--frames", "32"]) == 0
    assert run(installed_commands(), [*arguments, "--frames", "96", "--validate-every", "96"]) == 0
    rows = [json.loads(line) for line in (tmp_path / "run" / "progress.jsonl").read_text().splitlines()]
    assert [row["step"] for row in rows] == [32, 64, 96]
    assert all(math.isfinite(value) for row in rows for value in row.values())
    looked = [("validation_success" in row, "validation_total" in row) for row in rows]
    assert looked == [(False, False), (False, False), (True, True)]
    _, state = checkpoints.load(checkpoints.newest(tmp_path / "run" / "checkpoints"))
    assert state["lessons"]["given"] > 8
    assert state["experiment"]["dataset"] == str(dataset.folder)


def test_a_run_goes_on_only_with_what_it_learnt_from(dataset, tmp_path, capsys):
    arguments = ["train", "imitation", "--experiment", "debug", "--run", str(tmp_path), "--threads", "1"]
    assert run(installed_commands(), [*arguments, "--dataset", str(dataset.folder), "--frames", "32"]) == 0
    assert run(installed_commands(), arguments) == 2
    assert "learnt from a data set: start a new run --from it" in capsys.readouterr().err


def test_rocket2_learns_by_the_same_trainer(tmp_path, monkeypatch):
    monkeypatch.setitem(VIT_SIZES, "vit_tiny_patch16_224", VitSize(192, 3, depth=1))
    folder = tmp_path / "set"
    record(DemonstrationConfig(2, image_size=224, environments=2, threads=1), suite_named("twin"), folder)
    layout = dataclasses.replace(
        SMALL, view_backbone="vit_tiny_patch16_224", mask_backbone="vit_tiny_patch16_224", hiddim=64, num_layers=1,
        mem_len=3,
    )  # fmt: skip
    experiment = dataclasses.replace(
        EXPERIMENTS["debug"], frames=16, policy=Rocket2Config(layout), dataset=str(folder), hide_previous_action=0.75,
        recorded=RecordedConfig(streams=2, sequences=2, steps=4, updates=1, relabel=1.0),
    )  # fmt: skip
    trainer = ImitationTrainer(experiment, tmp_path / "run", threads=1)
    published = Rocket2Policy(layout)
    save_rocket2(published, tmp_path / "published")
    trainer.start_from(tmp_path / "published")
    before = {name: value.clone() for name, value in trainer.policy.state_dict().items()}
    assert all(torch.equal(value, before[f"rocket2.{name}"]) for name, value in published.state_dict().items())
    trainer.train()
    changed = {name for name, value in trainer.policy.state_dict().items() if not torch.equal(value, before[name])}
    assert {name.split(".")[1] for name in changed} >= {"recurrent", "pi_head", "mask_backbone", "aux_vis_head"}
    assert not any(name.startswith("rocket2.view_backbone") for name in changed)
    again = ImitationTrainer(experiment, tmp_path / "run", threads=1)
    again.resume(checkpoints.newest(tmp_path / "run" / "checkpoints"))
    assert again.global_step == 16
