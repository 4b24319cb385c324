"""A bundle arrives whole or is refused, with what was expected and what came."""

import dataclasses
import hashlib
import json
import zipfile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from xview_deploy import strict_json
from xview_deploy.bundle import (
    Bundle,
    BundleError,
    check_metadata,
    digest,
    parse_metadata,
    read_bundle,
    write_bundle,
)
from xview_deploy.spec import ActionTable, BundleMetadata, CameraModel, ContractError, TensorSpec

METADATA = BundleMetadata(
    name="tiny",
    policy="small",
    image_size=8,
    camera=CameraModel(),
    actions=ActionTable(),
    state=(
        TensorSpec("keys", "float32", (-1, 1, 4, 2)),
        TensorSpec("values", "float32", (-1, 1, 4, 2)),
        TensorSpec("valid", "float32", (-1, 4)),
    ),
    events=("approach",),
    training={"seed": "0", "experiment": "test"},
    measured={"near": {"episodes": 600, "success_rate": 0.5, "low": 0.4, "high": 0.6}},
)
BUNDLE = Bundle(METADATA, b"the goal graph" * 10, b"the step graph" * 10)


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> bytes:
    path = tmp_path_factory.mktemp("bundle") / "whole.xview"
    write_bundle(path, BUNDLE)
    return path.read_bytes()


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    return tmp_path_factory.mktemp("damaged") / "policy.xview"


def refused(place, data: bytes) -> str:
    place.write_bytes(data)
    with pytest.raises(BundleError) as caught:
        read_bundle(place)
    assert str(place) in str(caught.value)
    return str(caught.value)


def repacked(place, members: dict[str, bytes]) -> bytes:
    """A sound container with other contents, as a foreign or older exporter would write it."""
    with zipfile.ZipFile(place, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
        archive.comment = b"0" * 64
    body = place.read_bytes()[:-64]
    return body + hashlib.sha256(body).hexdigest().encode()


def members(**changes) -> dict[str, bytes]:
    metadata = json.loads(strict_json.dump(METADATA)) | changes
    return {"goal.onnx": b"g", "step.onnx": b"s", "bundle.json": json.dumps(metadata).encode()}


def test_a_bundle_comes_back_as_it_went(tmp_path):
    path = tmp_path / "folder" / "policy.xview"
    write_bundle(path, BUNDLE)
    assert read_bundle(path) == BUNDLE
    assert len(digest(path)) == 64
    assert [file.name for file in path.parent.iterdir()] == ["policy.xview"]


def test_the_same_contents_give_the_same_file(tmp_path, data):
    write_bundle(tmp_path / "again.xview", BUNDLE)
    assert (tmp_path / "again.xview").read_bytes() == data


def test_any_zip_program_opens_it(tmp_path, data):
    (tmp_path / "policy.zip").write_bytes(data)
    with zipfile.ZipFile(tmp_path / "policy.zip") as archive:
        assert archive.namelist() == ["goal.onnx", "step.onnx", "bundle.json"]
        assert archive.testzip() is None


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_any_flipped_byte_is_refused(data, place, draw):
    at = draw.draw(st.integers(0, len(data) - 1), "position")
    flip = draw.draw(st.integers(1, 255), "flip")
    refused(place, data[:at] + bytes([data[at] ^ flip]) + data[at + 1 :])


@settings(max_examples=50, deadline=None)
@given(st.data())
def test_a_file_cut_short_is_refused(data, place, draw):
    message = refused(place, data[: draw.draw(st.integers(4, len(data) - 1), "length")])
    assert "cut short" in message


def test_bytes_added_at_the_end_are_refused(data, place):
    refused(place, data + b"\0")


@settings(max_examples=50, deadline=None)
@given(st.binary(max_size=200))
def test_arbitrary_bytes_are_refused(place, noise):
    refused(place, noise)


def test_damage_is_told_with_both_checksums(data, place):
    message = refused(place, data.replace(b"the step graph", b"the stop graph", 1))
    assert "damaged: expected SHA-256" in message
    assert data[-64:].decode() in message


def test_a_missing_file_and_a_folder_are_told_apart(tmp_path):
    with pytest.raises(BundleError, match=r"absent\.xview: expected a bundle .* found no file"):
        read_bundle(tmp_path / "absent.xview")
    with pytest.raises(BundleError, match="found a folder"):
        read_bundle(tmp_path)


def test_a_file_of_another_kind_is_no_bundle(place):
    assert "expected a bundle, got 8 bytes starting 89 50 4e 47" in refused(place, b"\x89PNG\r\n\x1a\n")
    assert "starting nowhere" in refused(place, b"")


def test_a_plain_zip_archive_is_no_bundle(place):
    with zipfile.ZipFile(place, "w") as archive:
        archive.writestr("goal.onnx", b"")
    assert "a zip archive without a checksum" in refused(place, place.read_bytes())


def test_a_missing_member_is_named(place):
    contents = members()
    del contents["step.onnx"]
    message = refused(place, repacked(place, contents))
    assert "expected the members goal.onnx, step.onnx, bundle.json, got goal.onnx, bundle.json" in message


def test_another_contract_version_is_told_before_anything_else(place):
    message = refused(place, repacked(place, members(contract_version=2, later_field=1)))
    assert "metadata.contract_version: expected 1, got 2" in message
    assert "export the policy again" in message


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"name": 3}, "metadata.name: expected text, got 3"),
        ({"image_size": "64"}, "metadata.image_size: expected a whole number, got '64'"),
        ({"image_size": 64.0}, "metadata.image_size: expected a whole number, got 64.0"),
        ({"image_size": True}, "metadata.image_size: expected a whole number, got True"),
        ({"image_size": 0}, "metadata.image_size: expected 1 or more pixels, got 0"),
        ({"camera": {"vertical_fov_deg": 70.0}}, "metadata.camera.aspect: expected this field, got none"),
        ({"camera": {"vertical_fov_deg": 190, "aspect": 1}}, "metadata.camera: expected a pinhole camera"),
        ({"camera": []}, r"metadata.camera: expected an object, got \[\]"),
        ({"colour": "red"}, "metadata: expected only the fields .*, got 'colour' too"),
        ({"events": []}, "metadata.events: expected at least one event"),
        ({"events": ["dance"]}, "unknown event 'dance'"),
        ({"events": "approach"}, "metadata.events: expected a list, got 'approach'"),
        ({"training": {"seed": 0}}, "metadata.training.seed: expected text, got 0"),
        ({"measured": {"near": {"episodes": "many"}}}, "metadata.measured.near.episodes: expected a finite number"),
        ({"measured": {"near": {"episodes": 10**400}}}, "metadata.measured.near.episodes: expected a finite number"),
        ({"measured": 1}, "metadata.measured: expected an object, got 1"),
        ({"state": []}, "metadata.state: expected .*keys.*, got"),
        ({"contract_version": True}, "metadata.contract_version: expected 1, got True"),
    ],
)
def test_unsound_metadata_names_the_field(changes, message):
    with pytest.raises(ContractError, match=message):
        parse_metadata(members(**changes)["bundle.json"])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"buttons": ()}, "at least one row of buttons"),
        ({"camera_deg": (0.0, 1.0)}, "odd number of camera bins"),
        ({"camera_deg": (0.0, float("nan"), 1.0)}, "expected finite degrees"),
        ({"ticks_per_action": 0}, "ticks_per_action: expected 1 or more, got 0"),
    ],
)
def test_an_action_table_that_cannot_act_is_refused(change, message):
    actions = dataclasses.replace(METADATA.actions, **change)
    with pytest.raises(ContractError, match=message):
        check_metadata(dataclasses.replace(METADATA, actions=actions))


@pytest.mark.parametrize("spec", [TensorSpec("valid", "int8", (-1, 4)), TensorSpec("valid", "float32", (2, 4))])
def test_a_state_that_is_not_a_batch_of_floats_is_refused(spec):
    with pytest.raises(ContractError, match=r"metadata\.state valid: expected float32 with a batch axis of -1"):
        check_metadata(dataclasses.replace(METADATA, state=(*METADATA.state[:2], spec)))


@pytest.mark.parametrize("text", ["", "[1]", "{", '{"name": NaN}', "[" * 100_000, "\x00"])
def test_text_that_is_no_json_object_is_refused(text):
    with pytest.raises(ContractError, match="metadata: expected"):
        parse_metadata(text)


def test_unsound_metadata_is_not_written(tmp_path):
    with pytest.raises(ContractError, match="image_size"):
        write_bundle(tmp_path / "policy.xview", Bundle(dataclasses.replace(METADATA, image_size=0), b"", b""))
    assert list(tmp_path.iterdir()) == []
