"""Cameras of every kind that this machine can have: real files, a real server that dies, a folder with damage."""

import contextlib
import http.server
import os
import threading
import time

import cv2
import numpy as np
import pytest
from xview_deploy.cameras.reader import CONNECTING, ENDED, LOST, STREAMING, BackOff, CameraReader, RateMeter
from xview_deploy.cameras.sources import (
    OPTIONS_VARIABLE,
    PictureDamaged,
    SourceLost,
    SourceSettings,
    hardware_time_s,
    source_of,
    without_secret,
)
from xview_deploy.cameras.video import VideoFrames
from xview_deploy.picture import encode_jpeg
from xview_deploy.spec import ContractError

DEADLINE_S = 60.0
QUICK = BackOff(first=0.05, longest=0.2)


def picture(shade: int) -> np.ndarray:
    """Plain, red by its shade: RGB."""
    return np.full((120, 160, 3), (shade, 40, 40), np.uint8)


def shade(frame: np.ndarray) -> float:
    return float(frame[..., 0].mean())


@pytest.fixture
def video(tmp_path):
    """Ten pictures at 20 Hz, each a little redder."""
    path = tmp_path / "ten.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 20, (160, 120))
    for number in range(10):
        writer.write(np.ascontiguousarray(picture(20 * number)[..., ::-1]))
    writer.release()
    return path


def until(condition, what: str):
    end_s = time.monotonic() + DEADLINE_S
    while time.monotonic() < end_s:
        if found := condition():
            return found
        time.sleep(0.005)
    pytest.fail(f"not within {DEADLINE_S} s: {what}")


@contextlib.contextmanager
def reading(kind: str, path, back_off: BackOff = QUICK, notify=lambda: None, **settings):
    reader = CameraReader(source_of(kind, str(path), SourceSettings(**settings)), back_off, notify)
    assert reader.report().state == CONNECTING
    reader.start()
    try:
        yield reader
    finally:
        reader.close(DEADLINE_S)


def shades_to_the_end(reader: CameraReader) -> list[float]:
    """Takes pictures until the source has ended."""
    seen = []

    def step() -> bool:
        over = reader.report().state == ENDED
        frame = reader.take()
        if frame is not None:
            seen.append(shade(frame.picture))
        return over and frame is None

    until(step, "the end of the source")
    return seen


def test_a_video_is_read_with_its_times(video):
    with VideoFrames(video) as frames:
        assert frames.rate_hz == pytest.approx(20, abs=0.01)
        times, pictures = zip(*frames, strict=True)
    np.testing.assert_allclose(times, np.arange(10) / 20, atol=1e-3)
    np.testing.assert_allclose([shade(p) for p in pictures], 20 * np.arange(10), atol=4)


@pytest.mark.parametrize(
    ("content", "message"),
    [(None, "found no file"), (b"", "a video that decodes"), (b"junk" * 999, "a video that decodes")],
)
def test_what_is_no_video_is_refused(tmp_path, content, message):
    path = tmp_path / "drive.mp4"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ContractError, match=message) as refusal:
        list(VideoFrames(path))
    assert str(path) in str(refusal.value)


def test_a_video_cut_short_is_read_as_far_as_it_goes(video):
    video.write_bytes(video.read_bytes()[: int(video.stat().st_size * 0.8)])
    with VideoFrames(video) as frames:
        assert 0 < len(list(frames)) < 10


def test_a_video_plays_at_the_speed_at_which_it_was_taken(video):
    arrivals = []
    with reading("video", video, notify=lambda: arrivals.append(time.monotonic())) as reader:
        seen = shades_to_the_end(reader)
    assert seen[-1] == pytest.approx(180, abs=4)
    assert seen == sorted(seen)
    assert reader.report().frames == 10
    assert arrivals[9] - arrivals[0] >= 0.4


def test_a_looping_video_goes_on_and_on(video):
    with reading("video", video, loop=True) as reader:
        until(lambda: reader.report().frames > 25, "a third round")
        assert reader.report().state == STREAMING
        assert reader.report().reconnects == 0


def test_pictures_that_nobody_takes_are_dropped_and_counted(video):
    with reading("video", video) as reader:
        until(lambda: reader.report().state == ENDED, "the end")
        assert (reader.report().frames, reader.report().dropped) == (10, 9)
        frame = reader.take()
        assert shade(frame.picture) == pytest.approx(180, abs=4)
        assert reader.take() is None


def test_a_folder_is_shown_in_the_order_of_names_without_its_damaged_files(tmp_path):
    for number in (3, 1, 2):
        (tmp_path / f"{number}.jpg").write_bytes(encode_jpeg(picture(60 * number)))
    (tmp_path / "1-cut.jpg").write_bytes(encode_jpeg(picture(0))[:400])
    (tmp_path / "0.png").write_bytes(b"no picture")
    (tmp_path / "notes.txt").write_text("not read")
    source = source_of("folder", str(tmp_path), SourceSettings(rate=50))
    source.open()
    seen, damaged = [], []
    while True:
        try:
            grab = source.read()
        except PictureDamaged as damage:
            damaged.append(str(damage))
            continue
        if grab is None:
            break
        seen.append((round(shade(grab.picture), -1), grab.media_s))
    assert seen == [(60, 0.0), (120, 0.02), (180, 0.04)]
    assert "0.png: expected a JPEG or PNG" in damaged[0]
    assert "1-cut.jpg: expected a whole JPEG" in damaged[1]


def test_a_folder_that_gets_a_damaged_file_goes_on_with_the_others(tmp_path):
    (tmp_path / "a.jpg").write_bytes(encode_jpeg(picture(100)))
    with reading("folder", tmp_path, rate=50, loop=True) as reader:
        until(lambda: reader.report().frames > 2, "pictures")
        (tmp_path / "b.jpg").write_bytes(b"\xff\xd8 half a picture")
        until(lambda: reader.report().damaged > 0, "the damaged one")
        frames = reader.report().frames
        until(lambda: reader.report().frames > frames + 3, "further pictures")
        assert "b.jpg" in reader.report().detail
        assert reader.report().state == STREAMING


@pytest.mark.parametrize(
    ("kind", "name", "message"),
    [
        ("folder", "nowhere", "expected a folder of pictures, found nothing"),
        ("video", "nowhere.mp4", "expected a video file, found no file"),
        ("device", "/dev/video4242", "expected a camera, found no such device"),
        ("device", "4242", "/dev/video4242: expected a camera"),
    ],
)
def test_a_source_that_is_not_there_says_so_and_is_tried_again(tmp_path, kind, name, message):
    path = name if kind == "device" else tmp_path / name
    with reading(kind, path) as reader:
        until(lambda: reader.report().state == LOST, "lost")
        assert message in reader.report().detail


def test_a_folder_with_nothing_but_damage_is_lost_not_read_in_circles(tmp_path):
    (tmp_path / "a.jpg").write_bytes(b"junk")
    source = source_of("folder", str(tmp_path), SourceSettings(loop=True))
    source.open()
    with pytest.raises(PictureDamaged):
        source.read()
    with pytest.raises(SourceLost, match="a picture that decodes among 1 files"):
        source.read()


class MjpegServer:
    """Pictures over HTTP, one after the other in one answer, as network cameras send them."""

    def __init__(self, port: int = 0) -> None:
        alive = self.alive = threading.Event()
        alive.set()

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(200)
                self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=frame")
                self.end_headers()
                number = 0
                with contextlib.suppress(OSError):
                    while alive.is_set():
                        jpeg = encode_jpeg(picture(number % 200))
                        head = f"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: {len(jpeg)}\r\n\r\n"
                        self.wfile.write(head.encode() + jpeg + b"\r\n")
                        number += 1
                        time.sleep(0.02)

            def log_message(self, format: str, *args: object) -> None:
                """Not in the tests' output."""

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self.port = self.server.server_address[1]
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.02,))
        self.thread.start()

    def die(self) -> None:
        self.alive.clear()
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


def test_a_stream_whose_server_dies_is_lost_and_comes_back_by_itself():
    server = MjpegServer()
    url = f"http://operator:secret@127.0.0.1:{server.port}/stream.mjpg"
    try:
        with reading("stream", url, timeout=5.0) as reader:
            until(lambda: reader.report().frames > 5, "pictures of the stream")
            assert reader.report().state == STREAMING
            assert reader.take().picture.shape == (120, 160, 3)
            server.die()
            until(lambda: reader.report().state == LOST, "the loss")
            assert "operator:***@127.0.0.1" in reader.report().detail
            assert "secret" not in reader.report().detail
            taken_s = time.monotonic()
            reader.take()
            assert reader.take() is None  # never blocks, never repeats
            assert time.monotonic() - taken_s < 1.0
            frames = reader.report().frames
            server = MjpegServer(server.port)
            until(lambda: reader.report().frames > frames + 5, "pictures of the new server")
            assert reader.report().reconnects == 1
            assert (reader.report().state, reader.report().detail) == (STREAMING, "")
    finally:
        server.die()
    assert OPTIONS_VARIABLE not in os.environ  # files that are opened later would lose pictures


def test_the_pause_before_another_attempt_doubles_up_to_a_limit():
    back_off = BackOff(first=0.5, longest=10.0)
    assert [back_off.pause_s(failures) for failures in (1, 2, 3, 5, 6, 10**6)] == [0.5, 1.0, 2.0, 8.0, 10.0, 10.0]
    with pytest.raises(ContractError, match="expected 0 < first <= longest"):
        BackOff(first=2.0, longest=1.0)


def test_the_rate_is_that_of_the_last_seconds():
    meter = RateMeter(window_s=2.0)
    assert meter.hz(0.0) == 0.0
    for number in range(100):
        meter.on_event(number * 0.1)
    assert meter.hz(9.9) == pytest.approx(10.0)
    assert meter.hz(20.0) == 0.0


def test_a_stamp_of_the_hardware_counts_where_its_clock_is_ours():
    assert hardware_time_s(99_950.0, now_s=100.0) == pytest.approx(99.95)
    assert hardware_time_s(0.0, now_s=100.0) is None
    assert hardware_time_s(1.7e12, now_s=100.0) is None


def test_passwords_are_not_told():
    assert without_secret("rtsp://me:pass:word@10.0.0.1/1") == "rtsp://me:***@10.0.0.1/1"
    assert without_secret("rtsp://10.0.0.1:554/1") == "rtsp://10.0.0.1:554/1"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("webcam", "0", {}), "expected one of device, stream, video, folder, got 'webcam'"),
        (("device", "", {}), "expected a path, got none"),
        (("stream", "camera.local/1", {}), "expected an address of http"),
        (("stream", "file:///etc/passwd", {}), "expected an address of http"),
        (("device", "0", {"fourcc": "JPEG2"}), "four letters"),
        (("device", "0", {"rate": -1.0}), "a rate of 0 or more"),
        (("stream", "rtsp://a/1", {"timeout": 0.0}), "a timeout above 0"),
    ],
)
def test_settings_that_make_no_source_are_refused(arguments, message):
    kind, path, settings = arguments
    with pytest.raises(ContractError, match=message):
        source_of(kind, path, SourceSettings(**settings))
