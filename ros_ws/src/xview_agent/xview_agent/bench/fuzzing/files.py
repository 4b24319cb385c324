"""Fuzzing of what is read from files and bytes, without a graph: bundles, pictures, robot files, calibrations."""

from __future__ import annotations

import json
import shutil
import zipfile
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import numpy as np
import yaml
from xview_deploy.bases.actions import ActionMapping
from xview_deploy.bundle import read_bundle, sealed
from xview_deploy.cameras.encodings import LAYOUTS, rgb_of, rgb_of_compressed
from xview_deploy.cameras.lens import load_calibration
from xview_deploy.picture import decode_mask, decode_picture, encode_jpeg, encode_mask
from xview_deploy.runtime.onnx_policy import OnnxPolicy
from xview_deploy.shipped import SHIPPED_BUNDLE
from xview_deploy.spec import ContractError

from xview_agent.bench.fuzzing.kinds import TAKEN, Kind, Unexplained
from xview_agent.bench.fuzzing.mutation import Mutator
from xview_agent.graph import configuration_folder

CALIBRATION = {
    "image_width": 640,
    "image_height": 480,
    "camera_name": "onboard",
    "camera_matrix": {"rows": 3, "cols": 3, "data": [500.0, 0.0, 320.0, 0.0, 500.0, 240.0, 0.0, 0.0, 1.0]},
    "distortion_model": "plumb_bob",
    "distortion_coefficients": {"rows": 1, "cols": 5, "data": [0.1, -0.05, 0.0, 0.0, 0.01]},
    "projection_matrix": {
        "rows": 3,
        "cols": 4,
        "data": [480.0, 0.0, 320.0, 0.0, 0.0, 480.0, 240.0, 0.0, 0.0, 0.0, 1.0, 0.0],
    },
}


def verdict(use: Callable[[], object]) -> str:
    """TAKEN, or the words of the ContractError; an empty word explains nothing."""
    try:
        use()
    except ContractError as error:
        if not str(error):
            raise Unexplained("a ContractError without a word") from None
        return str(error)
    return TAKEN


class FileKind:
    """Bytes or text of a file, written to `path` and read again."""

    def __init__(
        self, name: str, share: int, path: Path, make: Callable[[Mutator], bytes], read: Callable[[Path], object]
    ) -> None:
        self.name, self.share = name, share
        self._path, self._make, self._read = path, make, read

    def attempt(self, mutator: Mutator) -> str:
        """See `Kind.attempt`."""
        self._path.write_bytes(self._make(mutator))
        return verdict(lambda: self._read(self._path))


class PictureBytes:
    """JPEGs and PNGs, as pictures, as masks and as another driver's compressed pictures."""

    name, share = "pictures as bytes", 10

    def __init__(self) -> None:
        rng = np.random.default_rng(0)
        picture = rng.integers(0, 256, (48, 64, 3), np.uint8)
        self._files = (encode_jpeg(picture), encode_mask(picture[..., 0] > 99))

    def attempt(self, mutator: Mutator) -> str:
        """See `Kind.attempt`."""
        data = mutator.octets(mutator.random.choice(self._files))
        format = mutator.text("bgr8; jpeg compressed bgr8")
        uses: tuple[Callable[[], object], ...] = (
            lambda: decode_picture(data),
            lambda: decode_mask(data),
            lambda: rgb_of_compressed(format, data),
        )
        return verdict(mutator.random.choice(uses))


class RawPictures:
    """The fields of an uncompressed Image."""

    name, share = "raw pictures", 3

    def attempt(self, mutator: Mutator) -> str:
        """See `Kind.attempt`."""
        chance = mutator.random
        encoding = chance.choice(list(LAYOUTS))
        layout = LAYOUTS[encoding]
        step = 8 * layout.channels * layout.octets
        rows = round(6 * (1 + layout.chroma_rows))
        fields = {"encoding": encoding, "width": 8, "height": 6, "step": step, "data": bytes(step * rows)}
        for name in chance.sample(sorted(fields), chance.choice((1, 1, 2))):
            value = fields[name]
            if isinstance(value, bytes):
                fields[name] = mutator.octets(value)
            elif isinstance(value, str):
                fields[name] = mutator.text(value)
            else:
                fields[name] = mutator.whole(int(str(value)), 0, 2**32 - 1)
        return verdict(lambda: rgb_of(**fields, big_endian=chance.random() < 0.5))  # type: ignore[arg-type]


def file_kinds(folder: Path) -> list[Kind]:
    """All of them; they write below the folder."""
    bundle = SHIPPED_BUNDLE.read_bytes()
    robots = [path.read_text() for path in sorted(configuration_folder().glob("*.yaml")) if "base:" in path.read_text()]
    shutil.copy(SHIPPED_BUNDLE, folder / "mutated.xview")
    return [
        PictureBytes(),
        RawPictures(),
        FileKind("bundles: bytes", 3, folder / "mutated.xview", lambda m: m.octets(bundle), read_bundle),
        FileKind("bundles: metadata", 1, folder / "edited.xview", lambda m: edited(bundle, m), OnnxPolicy.load),
        FileKind("robot files", 5, folder / "robot.yaml", lambda m: robot_file(robots, m), ActionMapping.load),
        FileKind("calibrations", 3, folder / "camera.yaml", lambda m: yaml_bytes(CALIBRATION, m), load_calibration),
    ]


def edited(bundle: bytes, mutator: Mutator) -> bytes:
    """A bundle that is whole, by its checksum, and says something else about itself."""
    with zipfile.ZipFile(BytesIO(bundle)) as archive:
        contents = {name: archive.read(name) for name in archive.namelist()}
    metadata = mutator.value(json.loads(contents["bundle.json"]))
    contents["bundle.json"] = json.dumps(metadata).encode()
    if mutator.random.random() < 0.1:
        contents["goal.onnx"], contents["step.onnx"] = contents["step.onnx"], contents["goal.onnx"]
    return sealed(contents)


def robot_file(texts: list[str], mutator: Mutator) -> bytes:
    """A shipped robot file with a value, a line or its bytes changed."""
    text = mutator.random.choice(texts)
    way = mutator.random.random()
    if way < 0.5:
        return yaml_bytes(yaml.safe_load(text), mutator)
    if way < 0.75:
        lines = text.splitlines()
        at = mutator.random.randrange(len(lines))
        lines[at] = mutator.text(lines[at])
        return "\n".join(lines).encode()
    return mutator.octets(text.encode())


def yaml_bytes(value: object, mutator: Mutator) -> bytes:
    """A table with something changed in it, as YAML."""
    return yaml.safe_dump(mutator.value(value), allow_unicode=True).encode()
