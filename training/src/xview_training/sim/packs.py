"""Reads a user's own Minecraft resource pack: its block pictures instead of the generated textures.

A pack is a zip with pack.mcmeta at its top and pictures below assets/minecraft/textures/block. Nothing is unpacked to
disk; only the pictures that blocks wear (pack_names.py) are read, each within limits. Faces that a pack lacks keep
their generated texture. It knows no world.
"""

from __future__ import annotations

import dataclasses
import json
import zipfile
import zlib
from pathlib import Path, PurePosixPath

import cv2
import numpy as np

from xview_training.sim.blocks import BLOCKS, FORM, ID, Form
from xview_training.sim.pack_names import TINTS, UNSEEN, WEARS, Wear
from xview_training.sim.textures import FACES, SIDE, TEXELS, mips

FOLDER = "assets/minecraft/textures/block"
MOST_ENTRIES = 50_000
MOST_BYTES = 16 * 2**20  # of one file in the pack, unpacked
MOST_PIXELS = 2**22  # of one picture, all frames of an animation together
FIRST_FORMAT = 4  # of Minecraft 1.13, which named the pictures anew
PNG = b"\x89PNG\r\n\x1a\n"


class PackError(ValueError):
    """A resource pack cannot be used; the message says which part of which file, and why."""


@dataclasses.dataclass(frozen=True)
class TexturePack:
    """The faces that a pack has: their rows in the atlas, and their texels uint32 (rows, 341) with mip levels."""

    path: Path
    rows: np.ndarray
    texels: np.ndarray
    missing: tuple[str, ...]  # blocks of which no face or not every face is in the pack

    def over(self, atlas: np.ndarray) -> np.ndarray:
        """A copy of an atlas uint32 (sets, rows, 341) with the pack's faces in every set, read-only."""
        out = atlas.copy()
        out[:, self.rows] = self.texels
        out.flags.writeable = False
        return out

    def summary(self) -> str:
        """One line on what was found."""
        found = len(BLOCKS) - len(UNSEEN) - len(self.missing)
        kept = f"; generated textures stay on {', '.join(self.missing)}" if self.missing else ""
        return f"{self.path.name}: textures of {found} blocks{kept}"


def read_pack(path: Path) -> TexturePack:
    """The pack in a zip file; PackError where it is none, is damaged, or would unpack to more than the limits."""
    try:
        with zipfile.ZipFile(path) as file:
            _check(path, file)
            return _read(path, _Pictures(path, file))
    except (OSError, EOFError, RuntimeError, NotImplementedError, zipfile.BadZipFile, zlib.error) as error:
        raise PackError(f"{path}: expected the zip file of a Minecraft resource pack: {error}") from None


def _check(path: Path, file: zipfile.ZipFile) -> None:
    names = file.namelist()
    if len(names) > MOST_ENTRIES:
        raise PackError(f"{path}: expected at most {MOST_ENTRIES} files, got {len(names)}")
    for name in names:
        parts = PurePosixPath(name.replace("\\", "/"))
        if parts.is_absolute() or ".." in parts.parts or ":" in name:
            raise PackError(f"{path}: refused, for {name!r} lies outside the pack")
    if "pack.mcmeta" not in names:
        raise PackError(f"{path}: no pack.mcmeta at its top; zip the pack's content, not the folder around it")
    version = _format_of(path, _content(path, file, "pack.mcmeta"))
    if version < FIRST_FORMAT:
        raise PackError(f"{path}: pack_format {version}, but {FIRST_FORMAT} or later is needed (Minecraft 1.13)")


def _format_of(path: Path, content: bytes) -> float:
    """The version of the layout: `pack_format`, or `min_format` as the latest packs have it."""
    try:
        pack = json.loads(content.decode("utf-8-sig"))["pack"]
        version = pack["pack_format"] if "pack_format" in pack else pack["min_format"]
        version = version[0] if isinstance(version, list) else version
        return float(version)
    except (ValueError, KeyError, TypeError, IndexError, RecursionError):
        raise PackError(f'{path}: pack.mcmeta: expected {{"pack": {{"pack_format": NUMBER}}}}') from None


def _content(path: Path, file: zipfile.ZipFile, name: str) -> bytes:
    """A file of the pack, never more than MOST_BYTES of it, whatever its header says."""
    with file.open(name) as stream:
        content = stream.read(MOST_BYTES + 1)
    if len(content) > MOST_BYTES:
        raise PackError(f"{path}: {name} unpacks to more than {MOST_BYTES // 2**20} MiB: refused")
    return content


class _Pictures:
    """Block pictures of an open pack as they are worn: float (16, 16, 4), 0 to 255, each read once."""

    def __init__(self, path: Path, file: zipfile.ZipFile):
        self.path, self.file = path, file
        self.names = set(file.namelist())
        self._read: dict[str, np.ndarray] = {}

    def first(self, names: tuple[str, ...]) -> np.ndarray | None:
        """The first of those pictures that the pack has."""
        for name in names:
            entry = f"{FOLDER}/{name}.png"
            if entry in self.names:
                if name not in self._read:
                    self._read[name] = _tinted(name, _decode(f"{self.path}: {entry}", self._bytes(entry)))
                return self._read[name]
        return None

    def _bytes(self, entry: str) -> bytes:
        return _content(self.path, self.file, entry)


def _decode(where: str, content: bytes) -> np.ndarray:
    """A PNG's first frame, squeezed or enlarged to 16 x 16: float (16, 16, 4), 0 to 255."""
    width, height = (int.from_bytes(content[a : a + 4], "big") for a in (16, 20))
    if content[:8] != PNG or content[12:16] != b"IHDR":
        raise PackError(f"{where}: expected a PNG picture")
    if width == 0 or width & (width - 1) or height % width or width * height > MOST_PIXELS:
        raise PackError(
            f"{where}: expected a square picture of 1, 2, 4, ... pixels a side, or a strip of them, "
            f"got {width} x {height}"
        )
    picture = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_UNCHANGED)
    if picture is None or picture.shape[:2] != (height, width):
        raise PackError(f"{where}: the picture is damaged")
    picture = picture[:width].astype(float) / (257 if picture.dtype == np.uint16 else 1)
    return _sixteen(_four_channels(picture))


def _four_channels(picture: np.ndarray) -> np.ndarray:
    """RGBA of what OpenCV read: grey, BGR or BGRA."""
    if picture.ndim == 2:
        picture = picture[..., None].repeat(3, -1)
    opaque = np.full((*picture.shape[:2], 1), 255.0)
    return np.concatenate([picture[..., 2::-1], picture[..., 3:] if picture.shape[-1] == 4 else opaque], -1)


def _sixteen(picture: np.ndarray) -> np.ndarray:
    """Averages or repeats texels until there are 16 x 16; what is clear has no say in a colour."""
    side = len(picture)
    if side <= SIDE:
        return picture.repeat(SIDE // side, 0).repeat(SIDE // side, 1)
    grouped = picture.reshape(SIDE, side // SIDE, SIDE, side // SIDE, 4)
    weight = np.maximum(grouped[..., 3:], 1e-6)
    colour = (grouped[..., :3] * weight).sum((1, 3)) / weight.sum((1, 3))
    return np.concatenate([colour, grouped[..., 3:].mean((1, 3))], -1)


def _tinted(name: str, picture: np.ndarray) -> np.ndarray:
    """Grey grass and leaves in the colour that the game gives them; packs that paint theirs keep it."""
    visible = picture[picture[..., 3] > 0][:, :3]
    if name not in TINTS or not visible.size or np.ptp(visible, -1).max() > 8:
        return picture
    return picture * np.array([*TINTS[name], 255]) / 255


def _read(path: Path, pictures: _Pictures) -> TexturePack:
    rows, texels, missing = [], [], []
    for block in BLOCKS:
        if block.name in UNSEEN:
            continue
        wear = WEARS.get(block.name)
        faces = [None] * FACES if wear is None else [_worn(pictures, wear, face) for face in range(FACES)]
        if any(picture is None for picture in faces):
            missing.append(block.name)
        for face, picture in enumerate(faces):
            if picture is not None:
                rows.append(ID[block.name] * FACES + face)
                texels.append(_texels(picture, FORM[ID[block.name]] in (Form.CUTOUT, Form.MODEL)))
    stacked = np.stack(texels) if texels else np.zeros((0, TEXELS), np.uint32)
    return TexturePack(path, np.array(rows, np.int64), stacked, tuple(missing))


def _worn(pictures: _Pictures, wear: Wear, face: int) -> np.ndarray | None:
    """What a face wears, with its overlay."""
    picture = pictures.first(wear.names(face))
    overlay = pictures.first((wear.overlay,)) if wear.overlay and face not in (2, 3) else None
    if picture is None or overlay is None:
        return picture
    share = overlay[..., 3:] / 255
    return np.concatenate([picture[..., :3] * (1 - share) + overlay[..., :3] * share, picture[..., 3:]], -1)


def _texels(picture: np.ndarray, may_have_holes: bool) -> np.ndarray:
    """Mip levels; what is clear is a hole, or, on blocks that are solid, wears the mean of the rest."""
    clear = picture[..., 3] < 128
    colour = picture[..., :3]
    if clear.any() and not clear.all():
        colour = np.where(clear[..., None], colour[~clear].mean(0), colour)
    return mips(colour, clear if may_have_holes else np.zeros_like(clear))
