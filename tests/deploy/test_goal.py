"""A goal that exists is sound; everything else is refused with what was expected and what came."""

import contextlib

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from xview_deploy.goal import CrossViewGoal
from xview_deploy.picture import decode_mask, decode_picture, encode_jpeg, encode_mask
from xview_deploy.spec import ContractError, Event

FEW = settings(max_examples=50, deadline=None)


def a_picture(height: int = 60, width: int = 80) -> np.ndarray:
    rows, columns = np.mgrid[:height, :width]
    return np.stack([rows * 3, columns * 2, rows + columns], axis=-1).astype(np.uint8)


def a_mask(height: int = 60, width: int = 80) -> np.ndarray:
    mask = np.zeros((height, width), bool)
    mask[20:40, 30:50] = True
    return mask


def a_goal(**changes) -> CrossViewGoal:
    fields = {
        "id": "1",
        "event": Event.APPROACH,
        "image": a_picture(),
        "mask": a_mask(),
        "stamp_ns": 5,
        "source_camera": "overhead",
    }
    return CrossViewGoal(**{**fields, **changes})


def decode(**changes) -> CrossViewGoal:
    fields = {
        "id": "1",
        "event": "approach",
        "image": encode_jpeg(a_picture()),
        "mask": encode_mask(a_mask()),
        "stamp_ns": 5,
        "source_camera": "overhead",
    }
    return CrossViewGoal.decode(**{**fields, **changes})


def test_goal_survives_the_journey():
    image, mask = a_goal().encode()
    goal = decode(image=image, mask=mask)
    assert np.array_equal(goal.mask, a_mask())
    assert np.abs(goal.image.astype(int) - a_picture()).mean() < 3
    assert goal.event is Event.APPROACH


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"mask": a_mask(61, 80)}, r"picture's size 80x60, got 80x61"),
        ({"mask": np.zeros((60, 80), bool)}, r"at least 16 marked pixels, got an empty mask"),
        ({"mask": np.pad(np.ones((3, 5), bool), ((0, 57), (0, 75)))}, r"at least 16 marked pixels, got 15"),
        ({"mask": np.ones((60, 80), bool)}, r"at most 90% of the picture marked, got 100%"),
        ({"mask": a_mask().astype(np.uint8)}, r"expected bool \(H, W\), got uint8"),
        ({"mask": None}, r"expected bool \(H, W\), got NoneType"),
        ({"image": a_picture().astype(np.float32)}, r"expected uint8 \(H, W, 3\), got float32"),
        ({"image": a_picture()[:, :, 0]}, r"expected uint8 \(H, W, 3\), got uint8 \(60, 80\)"),
        ({"image": a_picture(8, 80), "mask": a_mask(8, 80)}, r"sides of at least 32 pixels, got 80x8"),
        ({"event": "approach"}, r"expected an Event, got 'approach'"),
        ({"id": ""}, r"goal id: expected a name"),
        ({"id": "a\x00b"}, r"printable"),
        ({"id": "a" * 65}, r"at most 64 printable characters, got 65"),
        ({"source_camera": " "}, r"source camera: expected a name"),
        ({"stamp_ns": -1}, r"0 or more, got -1"),
        ({"stamp_ns": 1.5}, r"whole nanoseconds, 0 or more, got 1.5"),
    ],
)
def test_unusable_goal_is_refused_with_what_was_expected(changes, said):
    with pytest.raises(ContractError, match=said):
        a_goal(**changes)


def test_unknown_event_names_the_known_ones():
    with pytest.raises(ContractError, match="unknown event 'dance': expected one of approach"):
        decode(event="dance")


@pytest.mark.parametrize("part", ["image", "mask"])
def test_every_cut_of_the_bytes_is_refused(part):
    whole = encode_jpeg(a_picture()) if part == "image" else encode_mask(a_mask())
    for length in range(len(whole)):
        with pytest.raises(ContractError, match=r"expected a"):
            decode(**{part: whole[:length]})


def test_cut_jpeg_says_that_it_was_cut():
    whole = encode_jpeg(a_picture())
    with pytest.raises(ContractError, match="got one cut short"):
        decode(image=whole[: len(whole) // 2])


def test_camera_padding_after_the_end_marker_is_allowed():
    assert decode_picture(encode_jpeg(a_picture()) + bytes(7)).shape == (60, 80, 3)


def test_a_jpeg_is_decoded_smaller_for_whoever_needs_less_and_a_png_is_not():
    jpeg = encode_jpeg(a_picture(61, 82))
    sizes = [decode_picture(jpeg, spare=lambda *_, n=n: n).shape[:2] for n in (1, 2, 3, 4, 7, 8, 100)]
    assert sizes == [(61, 82), (31, 41), (31, 41), (16, 21), (16, 21), (8, 11), (8, 11)]
    asked = []
    plain = encode_jpeg(np.full((64, 48, 3), (200, 100, 50), np.uint8))
    small = decode_picture(plain, spare=lambda *size: asked.append(size) or 8)
    assert asked == [(48, 64)]
    assert small[4, 4] == pytest.approx((200, 100, 50), abs=4)
    png = cv2.imencode(".png", a_picture())[1].tobytes()
    assert decode_picture(png, spare=lambda *_: 8).shape == a_picture().shape


def test_jpeg_is_no_mask():
    with pytest.raises(ContractError, match="expected a PNG"):
        decode(mask=encode_jpeg(a_picture()))


def test_huge_picture_is_refused_before_it_is_decoded():
    whole = bytearray(encode_jpeg(a_picture()))
    frame = whole.index(b"\xff\xc0")
    whole[frame + 5 : frame + 9] = b"\xff\xff\xff\xff"
    with pytest.raises(ContractError, match="got 65535x65535"):
        decode_picture(bytes(whole))


@FEW
@given(data=st.binary(max_size=300), prefix=st.sampled_from([b"", b"\xff\xd8", b"\x89PNG\r\n\x1a\n"]))
def test_any_bytes_give_a_picture_or_a_contract_error(data, prefix):
    for decoder in (decode_picture, decode_mask):
        with pytest.raises(ContractError):
            decoder(prefix + data)


@FEW
@given(data=st.data(), flips=st.integers(1, 6))
def test_damaged_bytes_give_a_picture_or_a_contract_error(data, flips):
    for whole, decoder in ((encode_jpeg(a_picture()), decode_picture), (encode_mask(a_mask()), decode_mask)):
        damaged = bytearray(whole)
        for _ in range(flips):
            damaged[data.draw(st.integers(0, len(damaged) - 1))] ^= data.draw(st.integers(1, 255))
        with contextlib.suppress(ContractError):
            assert decoder(bytes(damaged)).ndim >= 2


@FEW
@given(image=hnp.arrays(hnp.scalar_dtypes(), hnp.array_shapes(min_dims=0, max_dims=4, max_side=40)))
def test_any_array_is_a_sound_picture_or_refused(image):
    try:
        goal = a_goal(image=image)
    except ContractError:
        pass
    else:
        assert goal.image.shape == (60, 80, 3)


@FEW
@given(mask=hnp.arrays(st.sampled_from([np.bool_, np.uint8]), st.tuples(st.integers(58, 62), st.just(80))))
def test_any_mask_is_sound_or_refused(mask):
    try:
        goal = a_goal(mask=mask)
    except ContractError:
        pass
    else:
        assert goal.mask.dtype == bool
        assert goal.mask.sum() >= 16
