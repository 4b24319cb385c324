"""Every layout that is understood gives the picture's colours; every other is refused by its name."""

import contextlib

import cv2
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from xview_deploy.cameras.encodings import LAYOUTS, compressed_encoding, rgb_of, rgb_of_compressed, turned
from xview_deploy.spec import ContractError

WIDTH, HEIGHT = 32, 24
GREY = ("mono8", "8UC1", "mono16", "16UC1")
CHROMA = ("yuv422", "uyvy", "yuv422_yuy2", "yuyv", "nv12", "nv21")
PATTERNS = {"rggb": ((0, 1), (1, 2)), "bggr": ((2, 1), (1, 0)), "gbrg": ((1, 2), (0, 1)), "grbg": ((1, 0), (2, 1))}


def scene() -> np.ndarray:
    """Three broad fields of colour, so that neither chroma nor mosaic has an edge to blur: RGB."""
    picture = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    picture[:8], picture[8:16], picture[16:] = (200, 60, 30), (40, 180, 90), (120, 110, 230)
    return picture


def encoded(name: str, rgb: np.ndarray, big_endian: bool = False) -> np.ndarray:
    """The scene's values in that encoding by definition, as a table of rows: uint8 (rows, bytes)."""
    kind = name.rstrip("0123456789").removesuffix("_")
    if name in GREY:
        values = rgb.mean(-1).round()
    elif kind.startswith("bayer"):
        pattern = PATTERNS[kind.removeprefix("bayer_")]
        values = np.zeros(rgb.shape[:2])
        for row, column in np.ndindex(2, 2):
            values[row::2, column::2] = rgb[row::2, column::2, pattern[row][column]]
    elif kind in ("rgb", "bgr", "rgba", "bgra"):
        opaque = np.full((*rgb.shape[:2], 1), 77)
        values = np.concatenate([rgb if kind.startswith("rgb") else rgb[..., ::-1], opaque], -1)[..., : len(kind)]
    else:
        values = chroma(name, rgb)
    if name.endswith("16") or name == "16UC1":
        return (values * 257).astype(">u2" if big_endian else "<u2").reshape(len(values), -1).view(np.uint8)
    return values.astype(np.uint8).reshape(len(values), -1)


def chroma(name: str, rgb: np.ndarray) -> np.ndarray:
    """Luma and colour differences of ITU-R BT.601, 16 to 235."""
    red, green, blue = np.moveaxis(rgb.astype(float), -1, 0) / 255
    luma = 16 + 65.481 * red + 128.553 * green + 24.966 * blue
    u = 128 - 37.797 * red - 74.203 * green + 112.0 * blue
    v = 128 + 112.0 * red - 93.786 * green - 18.214 * blue
    if name in ("nv12", "nv21"):
        pair = (u, v) if name == "nv12" else (v, u)
        colours = np.stack([part[::2, ::2] for part in pair], -1).reshape(HEIGHT // 2, WIDTH)
        return np.concatenate([luma, colours]).round()
    colours = np.where(np.arange(WIDTH) % 2 == 0, u, v)
    first_luma = name in ("yuv422_yuy2", "yuyv")
    return np.stack([luma, colours] if first_luma else [colours, luma], -1).round()


def expected(name: str) -> np.ndarray:
    rgb = scene()
    return np.repeat(rgb.mean(-1, keepdims=True).round().astype(np.uint8), 3, -1) if name in GREY else rgb


@pytest.mark.parametrize("padding", [0, 12])
@pytest.mark.parametrize("name", LAYOUTS)
def test_an_encoding_gives_the_colours_of_the_scene(name, padding):
    table = encoded(name, scene())
    data = np.pad(table, ((0, 0), (0, padding)), constant_values=199).tobytes()
    for cut in {0, padding}:
        rgb = rgb_of(name, WIDTH, HEIGHT, table.shape[1] + padding, data[: len(data) - cut])
        assert (rgb.shape, rgb.dtype) == ((HEIGHT, WIDTH, 3), np.uint8)
        inner = np.r_[2:6, 10:14, 18:22]  # away from the fields' edges, where a mosaic is guessed
        error = np.abs(rgb.astype(int) - expected(name))[inner]
        assert error.max() <= (3 if name in CHROMA else 0)


@pytest.mark.parametrize("name", [name for name, layout in LAYOUTS.items() if layout.octets == 2])
def test_the_order_of_octets_is_heeded(name):
    table = encoded(name, scene(), big_endian=True)
    rgb = rgb_of(name, WIDTH, HEIGHT, table.shape[1], table.tobytes(), big_endian=True)
    np.testing.assert_array_equal(rgb[2:6], expected(name)[2:6])


def test_a_sensor_of_twelve_bits_uses_the_whole_range():
    values = np.array([[0, 2048, 4095, 5000]], "<u2")
    rgb = rgb_of("mono16", 4, 1, 8, values.tobytes(), full_scale=4095)
    np.testing.assert_array_equal(rgb[0, :, 0], [0, 128, 255, 255])


@pytest.mark.parametrize("name", ["32FC1", "64FC3", "8UC3", "nv24", "bayer_xyzw8", "", "RGB8"])
def test_any_other_encoding_is_refused_by_its_name_with_all_that_are_understood(name):
    with pytest.raises(ContractError, match=f"expected one of rgb8, .*nv21, got {name!r}"):
        rgb_of(name, 4, 4, 12, bytes(48))


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        (("rgb8", 4, 4, 12, bytes(47)), r"expected 48 bytes for 4 rows of 12, got 47"),
        (("rgb8", 4, 4, 12, bytes(49)), "got 49"),
        (("rgb8", 4, 4, 11, bytes(48)), "rows of at least 12 bytes, got a step of 11"),
        (("rgb8", 0, 4, 12, b""), "got 0x4"),
        (("rgb8", 4, -1, 12, b""), "got 4x-1"),
        (("rgb8", 10**9, 10**9, 3 * 10**9, b""), "1 to 16777216 pixels"),
        (("uyvy", 5, 4, 10, bytes(40)), "a multiple of 2"),
        (("nv12", 4, 5, 4, bytes(30)), "one of 2, got 4x5"),
        (("bayer_rggb8", 5, 4, 5, bytes(20)), "a multiple of 2"),
        (("mono16", 4, 4, 8, bytes(32), False, 0), "full scale: expected 1 to 65535, got 0"),
    ],
)
def test_fields_that_contradict_each_other_are_refused(fields, message):
    with pytest.raises(ContractError, match=message):
        rgb_of(*fields)


@settings(max_examples=150)
@given(
    st.sampled_from([*LAYOUTS, "32FC1"]),
    st.integers(-1, 9),
    st.integers(-1, 9),
    st.integers(-1, 80),
    st.binary(max_size=600),
    st.booleans(),
)
def test_any_message_is_a_picture_or_a_refusal(name, width, height, step, data, big_endian):
    with contextlib.suppress(ContractError):
        assert rgb_of(name, width, height, step, data, big_endian).shape == (height, width, 3)


@settings(max_examples=80)
@given(st.sampled_from(list(LAYOUTS)), st.integers(1, 6), st.integers(1, 6), st.data())
def test_every_sound_message_is_a_picture(name, half_width, half_height, data):
    layout = LAYOUTS[name]
    width, height = 2 * half_width, 2 * half_height
    step = width * layout.channels * layout.octets + data.draw(st.integers(0, 5))
    octets = step * (height + round(height * layout.chroma_rows))
    noise = np.random.default_rng(data.draw(st.integers(0, 9))).integers(0, 256, octets, np.uint8)
    assert rgb_of(name, width, height, step, noise.tobytes()).shape == (height, width, 3)


def compressed(suffix: str, values: np.ndarray) -> bytes:
    done, data = cv2.imencode(suffix, values)
    assert done
    return data.tobytes()


BGR = np.ascontiguousarray(scene()[..., ::-1])
RGB_FORMATS = {
    "jpeg": compressed(".jpg", BGR),
    "png": compressed(".png", BGR),
    "rgb8; jpeg compressed bgr8": compressed(".jpg", BGR),
    "bgr8; png compressed bgr8": compressed(".png", BGR),
    "bayer_rggb8; jpeg compressed bgr8": compressed(".jpg", BGR),
    "rgba8; png compressed bgra8": compressed(".png", cv2.cvtColor(BGR, cv2.COLOR_BGR2BGRA)),
    "rgb16; png compressed bgr16": compressed(".png", BGR.astype(np.uint16) * 257),
    "bayer_grbg8; png compressed bayer_grbg8": compressed(".png", encoded("bayer_grbg8", scene())),
    "bayer_rggb16; png compressed bayer_rggb16": compressed(".png", encoded("bayer_rggb16", scene()).view("<u2")),
}


@pytest.mark.parametrize("format", RGB_FORMATS)
def test_a_compressed_picture_gives_the_colours_of_the_scene(format):
    rgb = rgb_of_compressed(format, RGB_FORMATS[format]).astype(int)
    for field in (4, 12, 20):
        assert np.abs(rgb[field] - scene()[field]).max() <= 4


def test_compressed_grey_is_three_equal_channels():
    grey = expected("mono8")[..., 0]
    for format, data in {
        "mono8; jpeg compressed mono8": compressed(".jpg", grey),
        "mono16; png compressed mono16": compressed(".png", grey.astype(np.uint16) * 257),
    }.items():
        rgb = rgb_of_compressed(format, data).astype(int)
        assert np.abs(rgb[4] - expected("mono8")[4]).max() <= 4
        assert (rgb[..., 0] == rgb[..., 2]).all()


@pytest.mark.parametrize(
    ("format", "named"),
    [
        ("32FC1; compressedDepth", "compressedDepth"),
        ("16UC1; compressedDepth png", "compressedDepth"),
        ("h264", "h264"),
        ("", "''"),
        ("32FC1; png compressed", "32FC1"),
        (";", "';'"),
    ],
)
def test_a_compressed_format_that_is_not_understood_is_refused_by_its_name(format, named):
    with pytest.raises(ContractError, match=named):
        rgb_of_compressed(format, RGB_FORMATS["png"])


@settings(max_examples=100)
@given(st.text(max_size=30) | st.sampled_from(list(RGB_FORMATS)), st.binary(max_size=60), st.integers(0, 200))
def test_damaged_compressed_pictures_are_refused(format, junk, at):
    damaged = RGB_FORMATS["png"][:at] + junk
    assume(not damaged.startswith(RGB_FORMATS["png"]))
    with pytest.raises(ContractError):
        rgb_of_compressed(format, damaged)


@settings(max_examples=100)
@given(st.text(max_size=40))
def test_any_format_is_understood_or_refused(format):
    with contextlib.suppress(ContractError):
        assert isinstance(compressed_encoding(format), str)


def test_a_picture_is_turned_clockwise():
    picture = scene()
    picture[0, 0] = (1, 2, 3)
    assert tuple(turned(picture, 90)[0, HEIGHT - 1]) == (1, 2, 3)
    assert tuple(turned(picture, 180)[HEIGHT - 1, WIDTH - 1]) == (1, 2, 3)
    assert tuple(turned(picture, 270)[WIDTH - 1, 0]) == (1, 2, 3)
    np.testing.assert_array_equal(turned(picture, 0), picture)
    with pytest.raises(ContractError, match="rotation"):
        turned(picture, 30)
