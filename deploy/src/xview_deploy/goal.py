"""The cross-view goal: a picture of another camera, the target's mask in it, and what to do to the target.

The one place where a goal is checked, whether it comes from the console, from a ROS message or from a file.
It knows neither ROS nor any policy: bytes and arrays go in, a checked `CrossViewGoal` or a `ContractError`
comes out.

    goal = CrossViewGoal.decode(
        id="7", event="approach", image=jpeg, mask=png, stamp_ns=stamp_ns, source_camera="overhead"
    )
"""

from __future__ import annotations

import dataclasses

import numpy as np
from numpy.typing import NDArray

from xview_deploy.picture import decode_mask, decode_picture, encode_jpeg, encode_mask
from xview_deploy.spec import ContractError, Event

Picture = NDArray[np.uint8]  # (H, W, 3) RGB
Mask = NDArray[np.bool_]  # (H, W), True on the target


@dataclasses.dataclass(frozen=True)
class GoalLimits:
    """What a goal must satisfy beside being well formed."""

    min_side_px: int = 32  # a smaller picture shows a policy nothing
    min_mask_px: int = 16  # fewer pixels vanish when the picture is squeezed to the policy's size
    max_mask_fraction: float = 0.9  # a mask of nearly everything points at nothing
    max_name_chars: int = 64  # of the id and of the camera's name


DEFAULT_LIMITS = GoalLimits()


@dataclasses.dataclass(frozen=True, eq=False)
class CrossViewGoal:
    """A marked target (ROCKET-2, section 3): checked when it is made, so that one that exists is sound.

    image: uint8 (H, W, 3) RGB. mask: bool (H, W). stamp_ns: when the picture was taken, nanoseconds since
    the epoch of the clock that stamped it. Raises ContractError for anything that is not a usable goal.
    """

    id: str
    event: Event
    image: Picture
    mask: Mask
    stamp_ns: int
    source_camera: str
    limits: dataclasses.InitVar[GoalLimits] = DEFAULT_LIMITS

    def __post_init__(self, limits: GoalLimits) -> None:
        if not isinstance(self.event, Event):
            raise ContractError(f"goal event: expected an Event, got {self.event!r}")
        check_name("goal id", self.id, limits)
        check_name("goal source camera", self.source_camera, limits)
        check_stamp(self.stamp_ns)
        check_picture(self.image, limits)
        check_mask(self.mask, self.image, limits)

    @classmethod
    def decode(
        cls,
        *,
        id: str,
        event: str,
        image: bytes,
        mask: bytes,
        stamp_ns: int,
        source_camera: str,
        limits: GoalLimits = DEFAULT_LIMITS,
    ) -> CrossViewGoal:
        """The goal from what travels: event by name, picture as JPEG or PNG, mask as one-channel PNG."""
        return cls(
            id=id,
            event=Event.parse(event),
            image=decode_picture(image),
            mask=decode_mask(mask),
            stamp_ns=stamp_ns,
            source_camera=source_camera,
            limits=limits,
        )

    def encode(self) -> tuple[bytes, bytes]:
        """The picture as JPEG and the mask as PNG, for `decode` on the other side."""
        return encode_jpeg(self.image), encode_mask(self.mask)


def check_name(what: str, name: object, limits: GoalLimits = DEFAULT_LIMITS) -> None:
    """A name that can be shown and logged: printable, neither empty nor endless."""
    if not isinstance(name, str) or not name.strip():
        raise ContractError(f"{what}: expected a name that is not empty, got {name!r}")
    if len(name) > limits.max_name_chars or not name.isprintable():
        raise ContractError(
            f"{what}: expected at most {limits.max_name_chars} printable characters, "
            f"got {len(name)}: {name[: limits.max_name_chars]!r}"
        )


def age_fault(id: str, age_s: float, oldest_s: float, ahead_s: float) -> str:
    """Why a goal whose picture is of that age is not to be pursued; empty where it may be. All in seconds."""
    marked = f"goal {id[: DEFAULT_LIMITS.max_name_chars]!r} was marked on a picture"
    if not age_s <= oldest_s:
        return f"{marked} {age_s:.1f} s old, allowed {oldest_s:g} s: mark the target anew"
    if age_s < -ahead_s:
        return f"{marked} {-age_s:.2f} s in the future, allowed {ahead_s:.2f} s: synchronise the clocks"
    return ""


def check_stamp(stamp_ns: object) -> None:
    """A time in whole nanoseconds, not before the clock's epoch."""
    if isinstance(stamp_ns, bool) or not isinstance(stamp_ns, int) or stamp_ns < 0:
        raise ContractError(f"goal stamp: expected whole nanoseconds, 0 or more, got {stamp_ns!r}")


def check_picture(image: object, limits: GoalLimits = DEFAULT_LIMITS) -> None:
    """uint8 (H, W, 3) with sides of at least `min_side_px`."""
    if not isinstance(image, np.ndarray):
        raise ContractError(f"goal picture: expected an array, got {type(image).__name__}")
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3:
        raise ContractError(f"goal picture: expected uint8 (H, W, 3), got {image.dtype} {image.shape}")
    if min(image.shape[:2]) < limits.min_side_px:
        raise ContractError(
            f"goal picture: expected sides of at least {limits.min_side_px} pixels, "
            f"got {image.shape[1]}x{image.shape[0]}"
        )


def check_mask(mask: object, image: Picture, limits: GoalLimits = DEFAULT_LIMITS) -> None:
    """bool (H, W) of the picture's size, marking enough pixels and not nearly all of them."""
    if not isinstance(mask, np.ndarray) or mask.dtype != np.bool_ or mask.ndim != 2:
        got = f"{mask.dtype} {mask.shape}" if isinstance(mask, np.ndarray) else type(mask).__name__
        raise ContractError(f"goal mask: expected bool (H, W), got {got}")
    if mask.shape != image.shape[:2]:
        raise ContractError(
            f"goal mask: expected the picture's size {image.shape[1]}x{image.shape[0]}, "
            f"got {mask.shape[1]}x{mask.shape[0]}"
        )
    marked = int(np.count_nonzero(mask))
    if marked < limits.min_mask_px:
        what = "an empty mask" if marked == 0 else f"{marked}"
        raise ContractError(f"goal mask: expected at least {limits.min_mask_px} marked pixels, got {what}")
    if marked > limits.max_mask_fraction * mask.size:
        raise ContractError(
            f"goal mask: expected at most {limits.max_mask_fraction:.0%} of the picture marked, "
            f"got {marked / mask.size:.0%}: mark the target, not the room"
        )
