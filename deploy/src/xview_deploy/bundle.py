"""The bundle: a policy in one file that either arrives whole or is refused.

A bundle (`*.xview`) is an uncompressed zip archive of `goal.onnx`, `step.onnx` and `bundle.json`. Its zip
comment, the last 64 bytes of the file, is the hexadecimal SHA-256 of every byte before it, so any flipped
byte is noticed and any zip program can still look inside. This module knows the container and the metadata, and
nothing of the graphs but their bytes.

    write_bundle("policy.xview", Bundle(metadata, goal_bytes, step_bytes))
    bundle = read_bundle("policy.xview")
"""

from __future__ import annotations

import dataclasses
import hashlib
import io
import math
import os
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from xview_deploy import strict_json
from xview_deploy.spec import (
    CONTRACT_VERSION,
    PRECISIONS,
    STATE_NAMES,
    BundleMetadata,
    ContractError,
    Event,
    TensorSpec,
)

MEMBERS = ("goal.onnx", "step.onnx", "bundle.json")
DIGEST_BYTES = 64  # hexadecimal SHA-256
END_RECORD_BYTES = 22  # zip's end of central directory, without its comment
END_RECORD_MAGIC = b"PK\x05\x06"
FIRST_MAGIC = b"PK\x03\x04"
SINCE_VERSION_1: dict[str, object] = {"precision": "fp32", "parity": {}}  # what older bundles do not say
EPOCH = (1980, 1, 1, 0, 0, 0)  # zip's first moment: the same contents always give the same file


class BundleError(ContractError):
    """A file is no usable bundle; the message names the file, what was expected and what came."""


@dataclasses.dataclass(frozen=True)
class Bundle:
    """What a bundle holds. `goal` and `step` are serialised ONNX models."""

    metadata: BundleMetadata
    goal: bytes = dataclasses.field(repr=False)
    step: bytes = dataclasses.field(repr=False)


def write_bundle(path: str | Path, bundle: Bundle) -> None:
    """Writes the bundle whole or not at all; ContractError if its metadata is unsound."""
    check_metadata(bundle.metadata)
    data = _pack(bundle)
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        partial.write_bytes(data)
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def read_bundle(path: str | Path) -> Bundle:
    """The bundle of that file, unharmed and of this contract's version; BundleError says what is wrong."""
    path = Path(path)
    if not path.is_file():
        raise BundleError(f"{path}: expected a bundle (*.xview), found {'a folder' if path.is_dir() else 'no file'}")
    try:
        data = path.read_bytes()
    except OSError as error:
        raise BundleError(f"{path}: expected a readable bundle, got {error}") from None
    try:
        _check_container(data)
        return _unpack(data)
    except ContractError as error:
        raise BundleError(f"{path}: {error}") from None


def digest(path: str | Path) -> str:
    """The SHA-256 that a bundle carries, as its identity in logs and reports."""
    return Path(path).read_bytes()[-DIGEST_BYTES:].decode("ascii")


def _pack(bundle: Bundle) -> bytes:
    contents = (bundle.goal, bundle.step, strict_json.dump(bundle.metadata).encode())
    return sealed(dict(zip(MEMBERS, contents, strict=True)))


def sealed(members: Mapping[str, bytes]) -> bytes:
    """The members as one file with its checksum; whether they make sense is not looked at."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name, content in members.items():
            archive.writestr(zipfile.ZipInfo(name, EPOCH), content)
        archive.comment = b"0" * DIGEST_BYTES
    body = buffer.getvalue()[:-DIGEST_BYTES]
    return body + hashlib.sha256(body).hexdigest().encode()


def _check_container(data: bytes) -> None:
    if not data.startswith(FIRST_MAGIC):
        raise ContractError(f"expected a bundle, got {len(data)} bytes starting {data[:4].hex(' ') or 'nowhere'}")
    if data[-END_RECORD_BYTES:].startswith(END_RECORD_MAGIC):
        raise ContractError("expected a bundle, got a zip archive without a checksum at its end")
    body, carried = data[:-DIGEST_BYTES], data[-DIGEST_BYTES:]
    if not body[-END_RECORD_BYTES:].startswith(END_RECORD_MAGIC):
        raise ContractError(
            f"expected a whole bundle, got one cut short or damaged at its end ({len(data)} bytes); copy it again"
        )
    found = hashlib.sha256(body).hexdigest()
    if found.encode() != carried:
        raise ContractError(
            f"damaged: expected SHA-256 {carried.decode('ascii', 'replace')}, got {found}; copy it again"
        )


def _unpack(data: bytes) -> Bundle:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            names = archive.namelist()
            if sorted(names) != sorted(MEMBERS):
                raise ContractError(f"expected the members {', '.join(MEMBERS)}, got {', '.join(names) or 'none'}")
            goal, step, text = (archive.read(name) for name in MEMBERS)
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError) as error:
        raise ContractError(f"expected an uncompressed zip archive, got one that does not open: {error}") from None
    return Bundle(parse_metadata(text), goal, step)


def parse_metadata(text: str | bytes) -> BundleMetadata:
    """Metadata from bundle.json; ContractError names the field that is wrong, missing or unknown."""
    value = strict_json.parse_object(text, "metadata")
    version = value.get("contract_version")
    if version != CONTRACT_VERSION or isinstance(version, bool):
        # First of all: another version may have other fields.
        raise ContractError(
            f"metadata.contract_version: expected {CONTRACT_VERSION}, got {version!r}; "
            "export the policy again with this version of xview, or install the one that wrote it"
        )
    metadata = strict_json.load(BundleMetadata, SINCE_VERSION_1 | value, "metadata")
    check_metadata(metadata)
    return metadata


def check_metadata(metadata: BundleMetadata) -> None:
    """Raises ContractError where values of the right type still make no sense."""
    if metadata.image_size < 1:
        raise ContractError(f"metadata.image_size: expected 1 or more pixels, got {metadata.image_size}")
    if not 0 < metadata.camera.vertical_fov_deg < 180 or metadata.camera.aspect <= 0:
        raise ContractError(f"metadata.camera: expected a pinhole camera, got {metadata.camera}")
    if metadata.precision not in PRECISIONS:
        raise ContractError(f"metadata.precision: expected one of {', '.join(PRECISIONS)}, got {metadata.precision!r}")
    _check_actions(metadata)
    if not metadata.events:
        raise ContractError("metadata.events: expected at least one event, got none")
    for name in metadata.events:
        Event.parse(name)
    _check_state(metadata.state)


def _check_actions(metadata: BundleMetadata) -> None:
    actions = metadata.actions
    if not actions.buttons or len(actions.camera_deg) % 2 == 0:
        raise ContractError(
            "metadata.actions: expected at least one row of buttons and an odd number of camera bins, "
            f"got {len(actions.buttons)} and {len(actions.camera_deg)}"
        )
    if actions.ticks_per_action < 1:
        raise ContractError(f"metadata.actions.ticks_per_action: expected 1 or more, got {actions.ticks_per_action}")
    if not all(math.isfinite(step) for step in actions.camera_deg):
        raise ContractError(f"metadata.actions.camera_deg: expected finite degrees, got {actions.camera_deg}")


def _check_state(state: Sequence[TensorSpec]) -> None:
    names = tuple(spec.name for spec in state)
    if names != STATE_NAMES:
        raise ContractError(f"metadata.state: expected {STATE_NAMES}, got {names}")
    for spec in state:
        if spec.dtype != "float32" or len(spec.shape) < 2 or spec.shape[0] != -1 or min(spec.shape[1:]) < 1:
            raise ContractError(
                f"metadata.state {spec.name}: expected float32 with a batch axis of -1 and fixed sizes after it, "
                f"got {spec.dtype} {spec.shape}"
            )
