"""Trajectories in MineStudio's layout, made here: published files are many gigabytes and none was read."""

import dataclasses
import io
import json
import math
import os
import pickle
from fractions import Fraction

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from xview_deploy.bundle import read_bundle
from xview_deploy.cli import installed_commands, run
from xview_deploy.spec import ACTION_TABLES
from xview_training.datasets.dataset import Dataset
from xview_training.datasets.recording import DatasetError, places_of
from xview_training.experiments import EXPERIMENTS
from xview_training.imitation.recorded import RecordedConfig
from xview_training.parity.check import ParitySettings
from xview_training.policy.minecraft_actions import KEYS, minecraft_table
from xview_training.policy.rocket2.layout import SMALL
from xview_training.policy.rocket2.on_table import Rocket2Config
from xview_training.policy.tables import table_of
from xview_training.policy.vit import VIT_SIZES, VitSize
from xview_training.release import export_checkpoint
from xview_training.trained import load_policy, trained

pytest.importorskip("lmdb", reason="the extra `datasets` is not installed")

import lmdb
from xview_training.datasets.minestudio.reading import MineStudioConfig, decode_runs, from_minestudio
from xview_training.datasets.minestudio.unpickling import unpickle

CHUNK, FRAMES = 8, 24
HEIGHT, WIDTH = 360, 640
SIDE = 32
CONFIG = MineStudioConfig(image_size=SIDE, encoding="png")


def runs_of(mask: np.ndarray) -> str:
    """Row by row, counted from one: "start length start length ..."."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], mask.ravel().astype(int), [0]]))) + 1
    return " ".join(f"{start} {stop - start}" for start, stop in zip(edges[::2], edges[1::2], strict=True))


def square(frame: int) -> np.ndarray:
    mask = np.zeros((HEIGHT, WIDTH), bool)
    mask[100:180, 20 * frame : 20 * frame + 80] = True
    return mask


def film(first: int) -> bytes:
    """Grey pictures, as bright as ten times the frame's number."""
    out = io.BytesIO()
    with av.open(out, "w", format="mp4") as container:
        stream = container.add_stream("h264", rate=Fraction(20))
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        for frame in range(first, first + CHUNK):
            picture = np.full((HEIGHT, WIDTH, 3), 10 * frame, np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode())
    return out.getvalue()


def actions(first: int) -> dict[str, np.ndarray]:
    found = {key: np.zeros(CHUNK, np.uint8) for key in KEYS}
    for t in range(CHUNK):
        found["forward" if (first + t) % 2 else "attack"][t] = 1
    camera = np.zeros((CHUNK, 2))
    camera[:, 1] = 10.0
    return found | {"camera": camera}


def marked(frame: int) -> dict:
    """A block is mined in frames 3 to 12, used in 10 to 20, and something is crafted at the end."""
    found = {}
    for key, kind, event, span in (
        ((5, "mine"), 2, "minecraft.mine_block:minecraft.oak_log", (3, 12)),
        ((9, "use"), 3, "minecraft.use_item:minecraft.chest", (10, 20)),
        ((20, "craft"), 4, "minecraft.craft_item:minecraft.stick", (18, 23)),
    ):
        if span[0] <= frame <= span[1]:
            mask = runs_of(square(frame)) if frame % 3 else ""
            found[key] = {
                "obj_id": kind, "event": event, "rle_mask": mask, "point": (140, 60), "frame_id": frame,
                "frame_range": span, "ori_frame_id": frame, "ori_frame_range": span,
            }  # fmt: skip
    return found


def write(folder, chunks: dict[int, bytes]) -> None:
    folder.mkdir(parents=True)
    with lmdb.open(str(folder), map_size=2**26) as stream, stream.begin(write=True) as transaction:
        for first, data in chunks.items():
            transaction.put(str((0, first)).encode(), data)
        info = [{"episode": "player-0", "episode_idx": 0, "num_frames": FRAMES}]
        meta = {"size__": CHUNK, "infos__": info}
        for key, value in meta.items():
            transaction.put(f"__chunk_{key}".encode(), pickle.dumps(value))
        transaction.put(b"__num_episodes__", pickle.dumps(1))
        transaction.put(b"__num_total_frames__", pickle.dumps(FRAMES))


@pytest.fixture(scope="module")
def parts():
    """Chunks of each modality."""
    firsts = range(0, FRAMES, CHUNK)
    return {
        "video": {first: film(first) for first in firsts},
        "action": {first: pickle.dumps(actions(first)) for first in firsts},
        "segmentation": {first: pickle.dumps([marked(first + t) for t in range(CHUNK)]) for first in firsts},
    }


@pytest.fixture
def trajectories(parts, tmp_path):
    for name, chunks in parts.items():
        write(tmp_path / "source" / name / "part-1", chunks)
    return tmp_path / "source"


@pytest.fixture
def dataset(trajectories, tmp_path):
    found = from_minestudio(trajectories, tmp_path / "set", CONFIG)
    assert dict(found) == {"break": 1, "use": 1, "left out: craft or switch": 1}
    return Dataset(tmp_path / "set")


def test_each_interaction_becomes_an_episode_with_the_frame_before_it(dataset):
    assert [episode.about.event for episode in dataset] == ["break", "use"]
    assert [len(episode) for episode in dataset] == [11, 12]
    assert [(episode.about.first, episode.about.last) for episode in dataset] == [(1, 10), (1, 11)]
    assert "frames 3 to 12" in dataset[0].about.source


def test_pictures_and_masks_are_those_of_their_frames(dataset):
    for episode, begin in zip(dataset, (2, 9), strict=True):
        brightness = episode.frames(0, len(episode)).mean((1, 2, 3))
        assert np.abs(brightness - 10 * (begin + np.arange(len(episode)))).max() < 4
        masks = episode.masks()
        assert not masks[0].any()  # before the interaction
        frames = begin + np.arange(1, len(episode))
        assert np.array_equal(masks[1:].any((1, 2)), frames % 3 != 0)
        visible, point, _ = places_of(masks)
        for t in np.flatnonzero(visible):
            assert np.allclose(point[t], [(20 * (begin + t) + 40) / WIDTH, 140 / HEIGHT], atol=1.5 / SIDE)
        assert np.array_equal(episode.column("visible"), visible)
        assert not episode.column("bearing_known").any()


def test_actions_are_rows_of_the_whole_table(dataset):
    table = dataset.manifest.actions
    assert table == minecraft_table()
    assert len(table.buttons) == len(set(table.buttons)) == 4321
    for episode, begin in zip(dataset, (2, 9), strict=True):
        for t, (buttons, pitch, yaw) in enumerate(episode.column("action")):
            assert table.buttons[buttons] == (("forward",) if (begin + t) % 2 else ("attack",))
            assert (table.camera_deg[pitch], table.camera_deg[yaw]) == (0.0, pytest.approx(10.0))


def test_a_long_interaction_is_cut_to_the_frames_before_its_end(trajectories, tmp_path):
    from_minestudio(trajectories, tmp_path / "short", MineStudioConfig(SIDE, "png", longest=4))
    episode = Dataset(tmp_path / "short")[0]
    assert (len(episode), episode.about.first) == (5, 1)
    assert np.abs(episode.frames(0, 5).mean((1, 2, 3)) - 10 * np.arange(8, 13)).max() < 4


def test_what_is_left_of_an_interaction_must_show_its_target(trajectories, tmp_path):
    found = from_minestudio(trajectories, tmp_path / "set", MineStudioConfig(SIDE, "png", longest=1))
    assert dict(found) == {"use": 1, "left out: never in view": 1, "left out: craft or switch": 1}
    assert [episode.about.event for episode in Dataset(tmp_path / "set")] == ["use"]


def test_converting_once_more_adds_nothing_twice(trajectories, dataset):
    found = from_minestudio(trajectories, dataset.folder, CONFIG)
    assert dict(found) == {"left out: there already": 2, "left out: craft or switch": 1}
    assert len(Dataset(dataset.folder)) == 2


def test_the_command_converts_and_counts(trajectories, tmp_path, capsys):
    arguments = ["dataset", "from-minestudio", str(trajectories), str(tmp_path / "set"), "--image-size", "32"]
    assert run(installed_commands(), arguments) == 0
    said = capsys.readouterr().out
    assert "1 left out: craft or switch" in said
    assert "2 episodes, 23 frames, from minestudio source" in said


def learn_from(folder, run_folder, *arguments: str) -> list[dict]:
    """Two updates of the experiment `debug` on a data set; its lines of progress."""
    given = ["--dataset", str(folder), "--run", str(run_folder), "--threads", "1", "--frames", "32", *arguments]
    assert run(installed_commands(), ["train", "imitation", "--experiment", "debug", *given]) == 0
    return [json.loads(line) for line in (run_folder / "progress.jsonl").read_text().splitlines()]


def test_the_small_policy_learns_them_by_minecrafts_table_and_becomes_a_bundle(trajectories, tmp_path):
    from_minestudio(trajectories, tmp_path / "set", MineStudioConfig(64))
    rows = learn_from(tmp_path / "set", tmp_path / "run")
    assert all(math.isfinite(value) for row in rows for value in row.values())
    assert load_policy(tmp_path / "run")[0].config.action_sizes == (4321, 11, 11)
    assert trained(tmp_path / "run").actions == minecraft_table()
    quick = ParitySettings(steps=4, world_steps=6, world_batch=2)
    report = export_checkpoint(tmp_path / "run", tmp_path / "mine.xview", "mine", (), "fp32", quick)
    assert report.rollouts["world"].agreement == 1
    metadata = read_bundle(tmp_path / "mine.xview").metadata
    assert (metadata.actions, metadata.events) == (minecraft_table(), ("approach", "break", "hunt", "use"))


def test_rocket2_learns_them_looks_at_no_world_of_another_table_and_goes_on_there_by_reinforcement(
    trajectories, tmp_path, monkeypatch, capsys
):
    monkeypatch.setitem(VIT_SIZES, "vit_tiny_patch16_224", VitSize(192, 3, depth=1))
    layout = dataclasses.replace(
        SMALL, view_backbone="vit_tiny_patch16_224", mask_backbone="vit_tiny_patch16_224", hiddim=32, num_heads=2,
        num_layers=1, mem_len=3,
    )  # fmt: skip
    debug = EXPERIMENTS["debug"]
    changed = dataclasses.replace(
        debug, policy=Rocket2Config(layout), random_backbone=True,
        recorded=RecordedConfig(streams=2, sequences=2, steps=8, updates=1),
        validation=dataclasses.replace(debug.validation, every=16),
    )  # fmt: skip
    monkeypatch.setitem(EXPERIMENTS, "debug", changed)
    from_minestudio(trajectories, tmp_path / "set", MineStudioConfig(224))
    rows = learn_from(tmp_path / "set", tmp_path / "run")
    assert [row["step"] for row in rows] == [16, 32]
    assert all(math.isfinite(value) for row in rows for value in row.values())
    assert "no looks at held-out worlds: the tasks of heldout are played with another table" in capsys.readouterr().out
    assert table_of(load_policy(tmp_path / "run")[0].config) == minecraft_table()
    given = [
        "train",
        "ppo",
        "--in-process",
        "--experiment",
        "debug",
        "--suite",
        "twin",
        "--frames",
        "8",
        "--threads",
        "1",
    ]
    given += ["--from", str(tmp_path / "run"), "--run", str(tmp_path / "ppo")]
    assert run(installed_commands(), [*given, "--set", "rollout.environments=2", "rollout.fragment=4"]) == 0
    assert table_of(load_policy(tmp_path / "ppo")[0].config) == ACTION_TABLES["walk"]


class Harmful:
    def __reduce__(self):
        return os.system, ("touch /tmp/never",)


@pytest.mark.parametrize("value", [Harmful(), print, [np.zeros(3), Harmful()], {"a": io.BytesIO()}])
def test_a_pickle_that_asks_for_anything_else_runs_nothing(value):
    with pytest.raises(DatasetError, match="expected plain values and arrays"):
        unpickle(pickle.dumps(value), "chunk")
    assert not os.path.exists("/tmp/never")


@pytest.mark.parametrize("protocol", range(3, 6))
def test_values_and_arrays_of_every_protocol_are_read(protocol):
    value = {"camera": np.eye(2, dtype=np.float32), "n": np.int64(3), "keys": [b"x", "y", None, (1, 2.5)]}
    read = unpickle(pickle.dumps(value, protocol), "chunk")
    assert np.array_equal(read.pop("camera"), value.pop("camera"))
    assert read == value


@given(st.binary(max_size=200))
def test_bytes_that_are_no_pickle_are_refused(data):
    said = "chunk 7"
    try:
        unpickle(data, "chunk 7")
    except DatasetError as error:
        said = str(error)
    assert "chunk 7" in said


@given(st.binary(max_size=40), st.integers(1, 12), st.integers(1, 12))
def test_run_lengths_of_any_mask_come_back(data, height, width):
    bits = np.resize(np.unpackbits(np.frombuffer(data + b"\0", np.uint8)), (height, width)).astype(bool)
    assert np.array_equal(decode_runs(runs_of(bits), (height, width)), bits)


@pytest.mark.parametrize("text", ["1", "a b", "0 3", "5 -1", "99 5", "1 2 3", "9" * 40 + " 1"])
def test_run_lengths_that_are_none_are_refused(text):
    with pytest.raises(DatasetError, match="expected"):
        decode_runs(text, (10, 10))


@pytest.mark.parametrize(
    ("name", "data", "said"),
    [
        ("action", pickle.dumps({"attack": [1]}), "expected keys and camera by name"),
        ("action", b"nonsense", "no pickle of plain values"),
        ("action", pickle.dumps(Harmful()), "expected plain values and arrays"),
        ("video", b"nonsense", "no video"),
        ("segmentation", pickle.dumps([1, 2]), "expected what is marked in each frame"),
        ("segmentation", pickle.dumps([{("k", 1): {"obj_id": 2}}]), "expected obj_id, event, rle_mask, frame_range"),
        ("segmentation", None, "expected a chunk"),
    ],
)
def test_a_damaged_chunk_is_named(parts, tmp_path, name, data, said):
    for other, chunks in parts.items():
        changed = chunks | {8: data} if other == name else chunks
        write(tmp_path / "bad" / other / "part-1", {key: value for key, value in changed.items() if value is not None})
    with pytest.raises(DatasetError, match=said) as caught:
        from_minestudio(tmp_path / "bad", tmp_path / "set", CONFIG)
    assert "(0, 8)" in str(caught.value)


def test_a_missing_modality_is_named(trajectories, tmp_path):
    (trajectories / "segmentation").rename(trajectories / "elsewhere")
    with pytest.raises(DatasetError, match="expected a folder segmentation or segment"):
        from_minestudio(trajectories, tmp_path / "set", CONFIG)
