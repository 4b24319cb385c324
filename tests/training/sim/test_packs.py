"""A user's resource pack paints the blocks that it knows, and a damaged or hostile one is refused with its reason."""

import contextlib
import io
import json
import zipfile
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from xview_training.sim import packs
from xview_training.sim.blocks import BLOCKS, ID
from xview_training.sim.pack_names import TINTS, UNSEEN, WEARS
from xview_training.sim.packs import FOLDER, PackError, read_pack
from xview_training.sim.shade import HOLE
from xview_training.sim.simulator import Embodiment, SimConfig, VoxelSim
from xview_training.sim.textures import FACES, atlas
from xview_training.sim.worlds import WorldSeed

META = json.dumps({"pack": {"pack_format": 15, "description": "made by a test"}})


def png(picture: np.ndarray) -> bytes:
    """RGB, RGBA or grey pixels as a PNG file."""
    order = {2: None, 3: cv2.COLOR_RGB2BGR, 4: cv2.COLOR_RGBA2BGRA}
    code = order[2 if picture.ndim == 2 else picture.shape[-1]]
    return cv2.imencode(".png", picture if code is None else cv2.cvtColor(picture, code))[1].tobytes()


def plain(colour: tuple[int, ...], side: int = 16, frames: int = 1) -> np.ndarray:
    return np.tile(np.array(colour, np.uint8), (side * frames, side, 1))


def pack(folder: Path, pictures: dict[str, np.ndarray | bytes], meta: str | None = META, **others: bytes) -> Path:
    path = folder / "pack.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        if meta is not None:
            file.writestr("pack.mcmeta", meta)
        for name, picture in pictures.items():
            file.writestr(f"{FOLDER}/{name}.png", picture if isinstance(picture, bytes) else png(picture))
        for name, content in others.items():
            file.writestr(name, content)
    return path


def face(path: Path, block: str, side: int = 0) -> np.ndarray:
    """A block's finest texels in set 3 with the pack over it: float (16, 16, 3)."""
    texels = read_pack(path).over(atlas())[3, ID[block] * FACES + side, :256]
    return np.stack([texels & 255, texels >> 8 & 255, texels >> 16 & 255], -1).reshape(16, 16, 3).astype(float)


def test_a_pack_paints_its_blocks_and_the_others_keep_their_texture(tmp_path):
    path = pack(tmp_path, {"stone": plain((10, 20, 30)), "oak_log": plain((90, 60, 30))})
    found = read_pack(path)
    assert (face(path, "stone") == (10, 20, 30)).all()
    assert (face(path, "log") == (90, 60, 30)).all()  # its ends are not in the pack
    painted = {int(row) for row in found.rows}
    assert painted == {ID["stone"] * FACES + f for f in range(6)} | {ID["log"] * FACES + f for f in (0, 1, 4, 5)}
    rest = sorted(set(range(atlas().shape[1])) - painted)
    assert (found.over(atlas())[:, rest] == atlas()[:, rest]).all()
    assert "stone" not in found.missing
    assert {"log", "dirt", "lantern"} <= set(found.missing)
    assert len(found.missing) == len(BLOCKS) - len(UNSEEN) - 1
    assert "1 blocks" in found.summary()
    assert not found.over(atlas()).flags.writeable


def test_every_face_of_a_block_wears_its_own_picture(tmp_path):
    names = {"grass_block_side": 10, "grass_block_top": 20, "dirt": 30}
    path = pack(tmp_path, {name: plain((grey, grey, grey + 60)) for name, grey in names.items()})
    assert [face(path, "grass", f)[0, 0, 0] for f in range(6)] == [10, 10, 30, 20, 10, 10]


def test_rows_and_columns_lie_as_in_the_picture(tmp_path):
    picture = plain((0, 0, 0))
    picture[0], picture[:, 15] = (200, 0, 0), (0, 0, 100)
    shown = face(pack(tmp_path, {"stone": picture}), "stone", 4)
    assert (shown == picture).all()


def test_grey_leaves_and_grass_are_tinted_and_painted_ones_are_not(tmp_path):
    path = pack(tmp_path, {"oak_leaves": plain((200, 200, 200, 255)), "grass_block_top": plain((250, 10, 10))})
    assert face(path, "foliage")[3, 3] == pytest.approx(np.array(TINTS["oak_leaves"]) * 200 / 255, abs=1)
    assert (face(path, "grass", 3) == (250, 10, 10)).all()


def test_the_grass_that_hangs_over_a_side_is_tinted_and_laid_over_it(tmp_path):
    overlay = plain((0, 0, 0, 0))
    overlay[:4] = (255, 255, 255, 255)
    path = pack(tmp_path, {"grass_block_side": plain((80, 60, 40)), "grass_block_side_overlay": overlay})
    shown = face(path, "grass", 0)
    assert (shown[:4] == TINTS["grass_block_side_overlay"]).all()
    assert (shown[4:] == (80, 60, 40)).all()


@pytest.mark.parametrize("side", [1, 2, 8, 16, 32, 128])
def test_pictures_of_any_size_come_to_sixteen_texels_with_their_mean(tmp_path, side):
    picture = np.random.default_rng(side).integers(0, 256, (side, side, 3), np.uint8)
    shown = face(pack(tmp_path, {"stone": picture}), "stone")
    assert shown.mean((0, 1)) == pytest.approx(picture.mean((0, 1)), abs=1)


def test_of_an_animated_strip_the_first_frame_is_worn(tmp_path):
    strip = plain((9, 9, 9), 16, 5)
    strip[:16] = (50, 60, 70)
    assert (face(pack(tmp_path, {"glowstone": strip}), "lamp") == (50, 60, 70)).all()


def test_what_is_clear_is_a_hole_in_glass_and_none_in_solid_blocks(tmp_path):
    picture = plain((0, 0, 0, 0))
    picture[:8] = (40, 80, 120, 255)
    path = pack(tmp_path, {"glass": picture, "oak_leaves": picture})
    over = read_pack(path).over(atlas())[0]
    assert (over[ID["glass"] * FACES, 128:256] & HOLE).all()
    assert not (over[ID["glass"] * FACES, :128] & HOLE).any()
    assert not (over[ID["leaves"] * FACES] & HOLE).any()
    assert (face(path, "glass")[:8] == (40, 80, 120)).all()


@pytest.mark.parametrize("kind", ["grey", "sixteen bits"])
def test_grey_and_deep_pictures_are_read_too(tmp_path, kind):
    pixel = np.full((16, 16), 40, np.uint8) if kind == "grey" else np.full((16, 16, 3), 40 * 257, np.uint16)
    assert (face(pack(tmp_path, {"stone": png(pixel)}), "stone") == 40).all()


def test_a_world_wears_the_pack_that_its_settings_name(tmp_path):
    path = pack(tmp_path, {name: plain((255, 0, 255)) for name in ("grass_block_top", "sand", "snow")})
    seen = []
    for texture_pack in (None, path):
        sim = VoxelSim(SimConfig(1, 32, 32, threads=1, texture_pack=texture_pack))
        sim.load_world(0, WorldSeed("landscape", 3))
        sim.place(0, 48.5, float(sim.floor[0, 48, 48]), 48.5, 0.0, 0.9, Embodiment(textures=5))
        sim.draw(np.array([0]))
        seen.append((sim.rgb.copy(), sim.ids.copy()))
        sim.close()
    assert (seen[0][1] == seen[1][1]).all()
    magenta = (seen[1][0][..., 0] > 200) & (seen[1][0][..., 1] < 30)
    assert magenta.mean() > 0.2


def test_each_block_that_can_be_worn_is_one_of_ours():
    assert set(WEARS) <= {block.name for block in BLOCKS}
    assert not set(WEARS) & set(UNSEEN)


@pytest.mark.parametrize(
    ("meta", "why"),
    [
        (None, "no pack.mcmeta at its top"),
        ("{", "expected .*pack_format"),
        ("[1]", "expected .*pack_format"),
        ('{"pack": {"pack_format": "new"}}', "expected .*pack_format"),
        ('{"pack": {"pack_format": 3}}', "pack_format 3.*, but 4 or later"),
    ],
)
def test_a_pack_without_a_fitting_description_is_refused(tmp_path, meta, why):
    with pytest.raises(PackError, match=why):
        read_pack(pack(tmp_path, {}, meta))


def test_the_latest_description_names_its_formats_otherwise(tmp_path):
    path = pack(tmp_path, {"stone": plain((1, 2, 3))}, '{"pack": {"min_format": [69, 0], "max_format": 70}}')
    assert (face(path, "stone") == (1, 2, 3)).all()


@pytest.mark.parametrize("name", ["../stone.png", "/etc/stone.png", "a\\..\\b.png", "C:/x.png"])
def test_paths_that_lead_outside_are_refused(tmp_path, name):
    with pytest.raises(PackError, match="outside the pack"):
        read_pack(pack(tmp_path, {}, META, **{name: b""}))


def test_a_file_that_unpacks_to_too_much_is_refused_before_it_does(tmp_path, monkeypatch):
    path = pack(tmp_path, {"stone": b"\0" * (packs.MOST_BYTES + 1)})
    assert path.stat().st_size < packs.MOST_BYTES // 100
    with pytest.raises(PackError, match="unpacks to more than 16 MiB"):
        read_pack(path)
    monkeypatch.setattr(packs, "MOST_ENTRIES", 1)
    with pytest.raises(PackError, match="at most 1 files"):
        read_pack(path)


def test_a_picture_that_claims_to_be_huge_is_refused_before_it_is_unpacked(tmp_path):
    content = bytearray(png(plain((1, 1, 1))))
    content[16:24] = (2**15).to_bytes(4, "big") * 2
    with pytest.raises(PackError, match="32768 x 32768"):
        read_pack(pack(tmp_path, {"stone": bytes(content)}))


@pytest.mark.parametrize("shape", [(15, 15), (16, 32), (20, 16), (48, 24)])
def test_pictures_of_other_sizes_are_named(tmp_path, shape):
    with pytest.raises(PackError, match=r"block/stone\.png: expected a square picture"):
        read_pack(pack(tmp_path, {"stone": np.zeros((*shape, 3), np.uint8)}))


@pytest.mark.parametrize("content", [b"", b"no picture at all, but some text", png(plain((1, 1, 1)))[:60]])
def test_damaged_pictures_are_named(tmp_path, content):
    with pytest.raises(PackError, match=r"block/stone\.png"):
        read_pack(pack(tmp_path, {"stone": content}))


def test_what_is_no_zip_or_not_there_is_said(tmp_path):
    (tmp_path / "text.zip").write_text("hello")
    for name in ("text.zip", "absent.zip"):
        with pytest.raises(PackError, match=f"{name}: expected the zip file"):
            read_pack(tmp_path / name)


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_no_damage_to_a_pack_gets_past_its_errors(tmp_path_factory, data):
    folder = tmp_path_factory.getbasetemp()
    whole = bytearray(pack(folder, {"stone": plain((1, 2, 3)), "dirt": plain((4, 5, 6))}).read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    damaged = folder / "damaged.zip"
    damaged.write_bytes(io.BytesIO(bytes(whole[: data.draw(st.integers(0, len(whole)))])).getvalue())
    with contextlib.suppress(PackError):
        assert read_pack(damaged).texels.dtype == np.uint32
