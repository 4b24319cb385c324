"""A video through a policy: the shipped one on a real video, and every bad input with a clear word."""

import subprocess
import sys

import cv2
import numpy as np
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from xview_deploy.cameras.video import VideoFrames
from xview_deploy.cli import run
from xview_deploy.commands import commands
from xview_deploy.picture import encode_jpeg, encode_mask
from xview_deploy.replay.annotate import Annotator, Caption, chosen
from xview_deploy.replay.run import load_goal, replay
from xview_deploy.replay.sink import CODECS, VideoSink
from xview_deploy.replay.timing import turns
from xview_deploy.runtime.policy import Decision
from xview_deploy.runtime.random_policy import RandomPolicy
from xview_deploy.spec import ActionTable, Belief, ContractError

ORANGE = (240, 120, 20)


def room(left: int, width: int = 320, height: int = 240) -> np.ndarray:
    """A floor, a wall and an orange box: RGB."""
    picture = np.full((height, width, 3), (90, 110, 90), np.uint8)
    picture[: height // 2] = (200, 170, 140)
    cv2.rectangle(picture, (left, height // 2), (left + width // 8, height * 2 // 3), ORANGE, -1)
    return picture


def write_video(path, rate_hz: float = 20.0, count: int = 20, width: int = 320, height: int = 240) -> None:
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), rate_hz, (width, height))
    for number in range(count):
        writer.write(np.ascontiguousarray(room(200 - 5 * number, width, height)[..., ::-1]))
    writer.release()


@pytest.fixture
def files(tmp_path):
    """Paths of a sound video, goal picture and mask, and of the output."""
    write_video(tmp_path / "drive.avi")
    goal = room(100)
    (tmp_path / "goal.jpg").write_bytes(encode_jpeg(goal))
    (tmp_path / "mask.png").write_bytes(encode_mask((goal == ORANGE).all(-1)))
    return tmp_path


def arguments(files, *further: str, **changes: str) -> list[str]:
    names = {"video": "drive.avi", "goal": "goal.jpg", "mask": "mask.png", "out": "out.mp4", **changes}
    video, goal, mask, out = (str(files / name) for name in names.values())
    return ["replay", video, "--goal", goal, "--mask", mask, "--out", out, *further]


def refusal(files, capsys, *further: str, **changes: str) -> str:
    assert run(commands(), arguments(files, *further, **changes)) == 2
    assert not list(files.glob("*.mp4")) + list(files.glob(".*partial*"))
    return capsys.readouterr().err


def test_a_video_becomes_an_annotated_video_at_the_policys_rate(files, capsys):
    assert run(commands(), arguments(files)) == 0
    with VideoFrames(files / "out.mp4") as video:
        assert video.rate_hz == pytest.approx(20 / 3, abs=0.01)
        pictures = [picture for _, picture in video]
    assert len(pictures) == 8  # 0.95 s of video: decisions at 0, 0.15 ... 1.05
    assert pictures[0].shape == (480 + 96, 640, 3)
    assert pictures[0][480:].mean() < 60  # the strip below the picture
    assert np.abs(pictures[0][:200, 10:300].astype(int).mean((0, 1)) - (200, 170, 140)).max() < 6
    out = capsys.readouterr().out
    for expected in ("8 decisions at 6.67 Hz by small", "target believed in view", "keys: ", "CPUExecutionProvider"):
        assert expected in out
    assert str(files / "out.mp4") in out


def test_a_calibrated_wide_video_is_replayed_with_a_sampled_policy_and_another_event(files, capsys):
    fields = {"image_width": 320, "image_height": 240, "distortion_model": "plumb_bob"}
    fields["camera_matrix"] = {"data": [120.0, 0, 160, 0, 120, 120, 0, 0, 1]}
    fields["distortion_coefficients"] = {"data": [-0.2, 0.02, 0, 0, 0]}
    (files / "camera.yaml").write_text(yaml.safe_dump(fields))
    camera = str(files / "camera.yaml")
    options = ("--calibration", camera, "--goal-calibration", camera, "--temperature", "1", "--event", "break")
    assert run(commands(), arguments(files, *options, out="out.webm")) == 0
    assert "the camera shows 100% of what" in capsys.readouterr().out
    assert (files / "out.webm").stat().st_size > 1000


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"video": "nowhere.mp4"}, "nowhere.mp4: expected a video file, found no file"),
        ({"video": "."}, "expected a video file, found a folder"),
        ({"video": "notes.bin"}, "notes.bin: expected a video that decodes"),
        ({"goal": "nowhere.jpg"}, "goal picture: expected a file that can be read"),
        ({"goal": "notes.bin"}, "notes.bin: expected a JPEG or PNG"),
        ({"mask": "nowhere.png"}, "goal mask: expected a file that can be read"),
        ({"mask": "goal.jpg"}, "expected a PNG"),
        ({"mask": "empty.png"}, "goal mask: expected at least 16 marked pixels, got an empty mask"),
        ({"mask": "small.png"}, "goal mask: expected the picture's size 320x240, got 64x64"),
        ({"out": "nowhere/out.mp4"}, "expected a folder to write into"),
        ({"out": "out.gif"}, "expected a file named .mp4"),
        ({"out": "drive.avi"}, "expected another file than the video that is read"),
    ],
)
def test_each_bad_input_is_named(files, capsys, changes, message):
    (files / "notes.bin").write_bytes(b"neither video nor picture" * 50)
    (files / "empty.png").write_bytes(encode_mask(np.zeros((240, 320), bool)))
    (files / "small.png").write_bytes(encode_mask(np.ones((64, 64), bool)))
    assert message in refusal(files, capsys, **changes)
    assert (files / "drive.avi").stat().st_size > 1000


@pytest.mark.parametrize(
    ("further", "message"),
    [
        (("--event", "hug"), "unknown event 'hug'"),
        (("--event", "hunt"), "expected one that small was trained on"),
        (("--bundle", "nowhere.xview"), "expected a bundle"),
        (("--calibration", "nowhere.yaml"), "camera calibration: expected a readable YAML file"),
        (("--temperature", "-1"), "temperature: expected a number of 0 or more"),
    ],
)
def test_each_bad_option_is_named(files, capsys, further, message):
    assert message in refusal(files, capsys, *further)


def test_a_failure_on_the_way_leaves_what_was_there(files):
    class Failing(RandomPolicy):
        def act(self, image, allowed=None, rng=None, temperature=1.0) -> Decision:
            raise ContractError("no answer")

    out = files / "out.mp4"
    out.write_bytes(b"an older video")
    with pytest.raises(ContractError, match="no answer"):
        replay(files / "drive.avi", load_goal(files / "goal.jpg", files / "mask.png", "approach"), Failing(), out)
    assert out.read_bytes() == b"an older video"
    assert not list(files.glob(".*partial*"))


def test_a_folder_that_may_not_be_written_to_is_named(files, capsys):
    (files / "locked").symlink_to("/proc/self")  # not even root may
    assert "locked may not: " in refusal(files, capsys, out="locked/out.mp4")


@pytest.mark.parametrize("suffix", CODECS)
def test_every_suffix_that_is_offered_can_be_written_and_read(tmp_path, suffix):
    path = tmp_path / f"out{suffix}"
    with VideoSink(path, 20 / 3, 320, 240) as sink:
        for number in range(5):
            sink.write(room(20 * number))
    with VideoFrames(path) as video:
        assert video.rate_hz == pytest.approx(20 / 3, abs=0.01)
        pictures = [picture for _, picture in video]
    assert len(pictures) == 5
    assert np.abs(pictures[0][20:60].astype(int) - (200, 170, 140)).max() < 12


def test_a_slow_camera_is_not_answered_twice():
    frames = [(0.0, "a"), (0.5, "b"), (1.0, "c")]
    assert list(turns(frames, 4.0)) == [(0.0, "a"), (0.25, None), (0.5, "b"), (0.75, None), (1.0, "c")]


@given(st.floats(1.0, 120.0), st.floats(1.0, 20.0), st.integers(1, 200))
def test_each_decision_gets_the_newest_picture_that_is_due(video_hz, rate_hz, count):
    answered = list(turns([(number / video_hz, number) for number in range(count)], rate_hz))
    assert answered[0] == (0.0, 0)
    for turn, (time_s, number) in enumerate(answered):
        assert time_s == pytest.approx(turn / rate_hz)
        assert number is None or number / video_hz <= time_s + 0.0011
        assert number is None or number == count - 1 or (number + 1) / video_hz >= time_s - 0.0011
    assert answered[-1][0] <= (count - 1) / video_hz + 1 / rate_hz


def test_the_action_is_told_in_words():
    table = ActionTable()
    assert chosen(np.array([5, 5, 10]), table) == (
        ("keys", "forward + jump"),
        ("turn", "200 deg/s right"),
        ("look", "level"),
    )
    assert chosen(np.array([0, 0, 5]), table) == (("keys", "no key"), ("turn", "none"), ("look", "200 deg/s up"))


def test_the_belief_is_drawn_where_it_is(files):
    goal = load_goal(files / "goal.jpg", files / "mask.png", "approach")
    annotator = Annotator(320, 240, goal, ActionTable())
    grey = np.full((240, 320, 3), 128, np.uint8)
    belief = Belief(0.9, (0.25, 0.75), (0.125, 0.5, 0.375, 0.875), (1.0, 0.0))
    drawn = annotator.draw(grey, Decision(np.array([0, 5, 5]), 0.0, belief, 1.0), Caption(0.0, "test"))
    green = (drawn[:480] == (90, 220, 120)).all(-1)
    rows, columns = np.nonzero(green)
    assert abs(columns.min() - 80) <= 2
    assert abs(columns.max() - 240) <= 2
    assert abs(rows.min() - 240) <= 2
    assert green[360, 160]
    nowhere = Belief(float("nan"), (float("nan"),) * 2, (float("inf"),) * 4, (0.0, 0.0))
    annotator.draw(grey, Decision(np.array([0, 5, 5]), 0.0, nowhere, 1.0), Caption(0.0, "test"))


def test_it_runs_as_a_command_of_its_own(files):
    command = [sys.executable, "-m", "xview_deploy.cli", *arguments(files)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "8 decisions" in done.stdout
