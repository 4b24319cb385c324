"""Cameras of every kind under the names that the robot expects, and the policy that looks through them."""

import signal

import numpy as np
import pytest
import yaml
from diagnostic_msgs.msg import DiagnosticArray
from sensor_msgs.msg import CameraInfo, CompressedImage, Image
from xview_agent import topics
from xview_agent.camera_info import info_message, lens_of_message
from xview_agent.stamps import as_octets, jpeg_message, nanoseconds
from xview_deploy.cameras.lens import Lens, Pinhole
from xview_deploy.picture import decode_picture, encode_jpeg
from xview_interfaces.msg import PolicyStatus

WIDTH, HEIGHT = 160, 120
LENS = Lens(
    WIDTH, HEIGHT, Pinhole(90, 91, 78, 61), "plumb_bob", (-0.2, 0.02, 0.001, 0.002, 0.0), Pinhole(85, 86, 80, 60)
)
ONBOARD_PICTURE, ONBOARD_INFO = topics.image_topic(topics.ONBOARD), topics.camera_info_topic(topics.ONBOARD)


def picture() -> np.ndarray:
    """Red at the top left, blue elsewhere: RGB."""
    scene = np.full((HEIGHT, WIDTH, 3), (20, 40, 200), np.uint8)
    scene[: HEIGHT // 2, : WIDTH // 2] = (210, 50, 30)
    return scene


@pytest.fixture
def folder(tmp_path):
    """A folder of pictures, and a calibration beside it."""
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    for number in range(3):
        (pictures / f"{number}.jpg").write_bytes(encode_jpeg(picture()))
    fields = {"image_width": WIDTH, "image_height": HEIGHT, "distortion_model": "plumb_bob"}
    fields["camera_matrix"] = {"data": [90.0, 0, 78, 0, 91, 61, 0, 0, 1]}
    fields["distortion_coefficients"] = {"data": list(LENS.coefficients)}
    fields["projection_matrix"] = {"data": [85.0, 0, 80, 0, 0, 86, 60, 0, 0, 0, 1, 0]}
    (tmp_path / "camera.yaml").write_text(yaml.safe_dump(fields))
    return pictures


def start_folder(start_node, folder, **parameters):
    return start_node("camera", source="folder", path=folder, rate=20.0, loop=True, **parameters)


def diagnosis(probe, fits, what: str):
    """The first status of the camera node that fits, with its values as a table."""

    def status(message: DiagnosticArray):
        return next((s for s in message.status if s.name.endswith("camera")), None)

    def right(message: DiagnosticArray) -> bool:
        found = status(message)
        return found is not None and fits(found, {value.key: value.value for value in found.values})

    return status(probe.newest(DiagnosticArray, topics.DIAGNOSTICS, right, what))


def test_a_lens_survives_the_way_through_a_message(probe):
    assert lens_of_message(info_message(LENS, WIDTH, HEIGHT, probe.stamp(), "f")) == LENS
    assert lens_of_message(info_message(None, WIDTH, HEIGHT, probe.stamp(), "f")) is None


def test_pictures_and_calibration_come_together_with_fresh_stamps(probe, start_node, folder):
    start_folder(start_node, folder, calibration=folder.parent / "camera.yaml")
    infos = probe.listen(CameraInfo, ONBOARD_INFO)
    came = probe.newest(CompressedImage, ONBOARD_PICTURE)
    assert came.format == "jpeg"
    assert came.header.frame_id == "onboard_optical_frame"
    assert abs(probe.node.get_clock().now().nanoseconds - nanoseconds(came.header.stamp)) < 2e9
    assert np.abs(decode_picture(bytes(came.data))[10, 10].astype(int) - (210, 50, 30)).max() < 12
    info = probe.until(lambda: next((i for _, i in infos if i.header.stamp == came.header.stamp), None), "its info")
    assert lens_of_message(info) == LENS
    found = diagnosis(probe, lambda s, values: values["state"] == "streaming", "a streaming camera")
    values = {value.key: value.value for value in found.values}
    assert found.message == "streaming"
    assert values["source"] == str(folder)
    assert int(values["frames"]) > 0


def test_a_camera_that_hangs_upside_down_is_turned_with_its_calibration(probe, start_node, folder):
    calibration = folder.parent / "camera.yaml"
    start_folder(start_node, folder, camera="third_person", rotation=180, rectify=True, calibration=calibration)
    info = probe.newest(CameraInfo, topics.camera_info_topic("third_person"))
    assert lens_of_message(info) == LENS.straightened().turned(180)
    came = probe.newest(CompressedImage, topics.image_topic("third_person"))
    assert came.header.frame_id == "third_person_optical_frame"
    assert decode_picture(bytes(came.data))[90, 120, 0] > 150


def test_a_source_that_appears_later_is_found_and_a_damaged_file_is_told(probe, start_node, tmp_path):
    later = tmp_path / "later"
    start_folder(start_node, later, reconnect_first=0.05, reconnect_longest=0.2)
    lost = diagnosis(probe, lambda s, values: values["state"] == "lost", "a lost camera")
    assert "expected a folder of pictures, found nothing" in lost.message
    assert lost.level == b"\x02"
    later.mkdir()
    (later / "a.jpg").write_bytes(encode_jpeg(picture()))
    diagnosis(probe, lambda s, values: s.level == b"\x00", "a camera that is well")
    (later / "b.png").write_bytes(b"no picture")
    told = diagnosis(probe, lambda s, values: int(values["damaged"]) > 0, "the damaged file")
    assert "b.png: expected a JPEG or PNG" in told.message
    diagnosis(probe, lambda s, values: True, "a camera that lives on after it said so")


def driver_image(probe, encoding: str = "bgr8") -> Image:
    """What another driver sends, with padded rows."""
    rows = np.pad(picture()[..., ::-1].reshape(HEIGHT, -1), ((0, 0), (0, 20)))
    image = Image(height=HEIGHT, width=WIDTH, encoding=encoding, step=rows.shape[1], data=as_octets(rows.tobytes()))
    image.header.stamp = probe.stamp()
    return image


def test_another_drivers_pictures_are_converted_and_keep_their_stamps(probe, start_node):
    start_node("camera", source="topic", path="usb_cam/image_raw")
    images = probe.node.create_publisher(Image, "usb_cam/image_raw", topics.CAMERA_QOS)
    infos = probe.node.create_publisher(CameraInfo, "usb_cam/camera_info", topics.CAMERA_QOS)
    sent = set()

    def send() -> None:
        image = driver_image(probe)
        sent.add(nanoseconds(image.header.stamp))
        infos.publish(info_message(LENS, WIDTH, HEIGHT, image.header.stamp, "usb"))
        images.publish(image)

    probe.every("driver", 0.05, send)
    came = probe.newest(CompressedImage, ONBOARD_PICTURE)
    assert nanoseconds(came.header.stamp) in sent
    assert np.abs(decode_picture(bytes(came.data))[10, 10].astype(int) - (210, 50, 30)).max() < 12
    assert lens_of_message(probe.newest(CameraInfo, ONBOARD_INFO)) == LENS


def test_an_encoding_that_is_not_understood_is_named_in_the_diagnostics(probe, start_node):
    start_node("camera", source="topic", path="depth/image_raw")
    images = probe.node.create_publisher(Image, "depth/image_raw", topics.CAMERA_QOS)
    probe.every("driver", 0.05, lambda: images.publish(driver_image(probe, "32FC1")))
    told = diagnosis(probe, lambda s, values: int(values["damaged"]) > 0, "the refusal")
    assert "expected one of rgb8, " in told.message
    assert "got '32FC1'" in told.message


def test_a_jpeg_that_needs_no_change_passes_as_it_came(probe, start_node):
    start_node("camera", source="topic", path="usb_cam/image_raw/compressed")
    jpeg = encode_jpeg(picture(), 70)
    publisher = probe.node.create_publisher(CompressedImage, "usb_cam/image_raw/compressed", topics.CAMERA_QOS)

    def send() -> None:
        message = jpeg_message(jpeg, probe.stamp(), "usb")
        message.format = "rgb8; jpeg compressed bgr8"
        publisher.publish(message)

    probe.every("driver", 0.05, send)
    assert bytes(probe.newest(CompressedImage, ONBOARD_PICTURE).data) == jpeg
    assert lens_of_message(probe.newest(CameraInfo, ONBOARD_INFO)) is None


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"source": "webcam"}, "expected one of device, stream, video, folder, got 'webcam'"),
        ({"source": "folder", "path": "/tmp", "rectify": True}, "expected a calibration file beside it"),
        ({"source": "topic", "path": "onboard/image_raw/compressed"}, "expected another topic than"),
        ({"camera": "front left"}, "expected letters, digits and _"),
        ({"rotation": 45}, "expected 0, 90, 180 or 270"),
        ({"calibration": "/nowhere.yaml"}, "expected a readable YAML file"),
    ],
)
def test_settings_that_make_no_camera_end_it_with_a_reason(start_node, parameters, message):
    process = start_node("camera", **parameters)
    _, errors = process.communicate(timeout=90)
    assert process.returncode == 2
    assert message in errors
    assert "Traceback" not in errors


def test_sigint_ends_a_camera_that_waits_for_its_source_with_status_0(probe, start_node):
    process = start_node("camera", source="stream", path="rtsp://127.0.0.1:1/none", timeout=0.5)
    diagnosis(probe, lambda s, values: values["state"] == "lost", "a lost camera")
    process.send_signal(signal.SIGINT)
    probe.until(lambda: process.poll() is not None, "the end of the camera")
    assert process.returncode == 0


def test_the_policy_waits_for_an_announced_calibration_and_refuses_nonsense(probe, start_node):
    infos = probe.node.create_publisher(CameraInfo, ONBOARD_INFO, topics.CAMERA_QOS)
    start_node("policy", policy="random", picture_timeout=2.0)
    probe.play_camera()
    probe.policy(PolicyStatus.WAITING_FOR_GOAL)
    probe.send_goal()

    def waits(words: str) -> None:
        probe.newest(PolicyStatus, topics.POLICY_STATUS, lambda s: words in s.message, words)

    def sends(**changes) -> None:
        lens = Lens(320, 240, Pinhole(171, 171, 159.5, 119.5), "plumb_bob", (-0.1, 0.0, 0.0, 0.0, 0.0))
        info = info_message(lens, 320, 240, probe.stamp(), "onboard_optical_frame")
        for name, value in changes.items():
            setattr(info, name, value)
        if "info" in probe.timers:
            probe.silence("info")
        probe.every("info", 0.05, lambda: infos.publish(info))

    waits("announced on onboard/camera_info, none has come yet")
    sends(distortion_model="omnidirectional")
    waits("distortion model: expected one of plumb_bob")
    sends(d=[float("nan")] * 5)
    waits("expected finite distortion coefficients")
    sends(width=1000)
    waits("expected pictures of 1000x240 or of the same shape, got 320x240")
    sends()
    probe.policy(PolicyStatus.RUNNING)
    sends(k=[0.0] * 9)
    probe.policy(PolicyStatus.RUNNING)
