"""Texels of what rays meet (faces of cubes, small blocks, hides of creatures) and the colour that comes of them.

Shared by all renderers, so that they agree on every hole and every shade.
"""

import math

import numpy as np

from xview_training.sim.air import (
    FOG_END,
    FOG_START,
    HORIZON_B,
    HORIZON_G,
    HORIZON_R,
    LIGHT,
    ZENITH_B,
    ZENITH_G,
    ZENITH_R,
)
from xview_training.sim.blocks import BLOCKS
from xview_training.sim.boxes import POSE_COS, POSE_SIN, POSE_SWING, POSE_X, POSE_Y, POSE_Z
from xview_training.sim.compiled import compiled_fast
from xview_training.sim.figures import PART_HIDE, SWINGS
from xview_training.sim.shade import fog_share, lit, sky, texel, under_water

f4 = np.float32
i4 = np.int32
FIRST_HIDE = len(BLOCKS) * 6  # row in the atlas of the first hide
FLASH = f4(0.45)  # of red, on what was hurt


@compiled_fast()
def length_of(dx, dy, dz):
    """Euclidean, float32."""
    return f4(math.sqrt(dx * dx + dy * dy + dz * dz))


@compiled_fast()
def incidence(axis, dx, dy, dz):
    """Cosine of the angle between a ray and a face's normal."""
    return abs(dx if axis == 0 else (dy if axis == 1 else dz)) / length_of(dx, dy, dz)


@compiled_fast()
def face_texel(atlas, row, axis, positive, px, py, pz, t, dx, dy, dz, pixel):
    """The packed texel where the ray from p along d meets a face at t; row: the first of six in the atlas."""
    column = texel(axis, px + t * dx, py + t * dy, pz + t * dz, t, incidence(axis, dx, dy, dz), pixel)
    return i4(atlas[row + axis * 2 + positive, column])


@compiled_fast()
def hide_point(pose, part, t, ox, oy, oz, dx, dy, dz):
    """(x, y, z, lx, ly, lz): where a ray meets a creature's part at t, and its direction, in the frame of its texture.

    The texture moves with the part.
    """
    c, s = pose[POSE_COS], pose[POSE_SIN]
    wx, wz = ox - pose[POSE_X], oz - pose[POSE_Z]
    pz = c * wz - s * wx - SWINGS[part] * pose[POSE_SWING]
    lx, lz = c * dx + s * dz, c * dz - s * dx
    half = f4(0.5)
    return c * wx + s * wz + half + t * lx, oy - pose[POSE_Y] + t * dy, pz + half + t * lz, lx, dy, lz


@compiled_fast()
def hide_row(part):
    """Row in the atlas of the first face of a part's hide."""
    return i4(FIRST_HIDE + PART_HIDE[part] * 6)


@compiled_fast()
def hide_texel(atlas, pose, part, axis, positive, t, ox, oy, oz, dx, dy, dz, pixel):
    """The packed texel where a ray meets a creature's part."""
    x, y, z, lx, ly, lz = hide_point(pose, part, t, ox, oy, oz, dx, dy, dz)
    return i4(atlas[hide_row(part) + axis * 2 + positive, texel(axis, x, y, z, t, incidence(axis, lx, ly, lz), pixel)])


@compiled_fast()
def dry_tint(seen, packed, axis, positive, t, length, dy, flash, air):
    """As tint, where there is no water; without branches, so that a row of pixels is computed at once."""
    light = air[LIGHT]
    sr, sg, sb = sky(
        dy / length, light, air[HORIZON_R], air[HORIZON_G], air[HORIZON_B], air[ZENITH_R], air[ZENITH_G], air[ZENITH_B]
    )
    fog = fog_share(t * length, air[FOG_START], air[FOG_END])
    r, g, b = lit(packed, axis, positive, light, fog, sr, sg, sb)
    red = FLASH if flash > f4(0) else f4(0)
    r, g, b = r + (f4(255) * light - r) * red, g * (f4(1) - red), b * (f4(1) - red)
    return r if seen > 0 else sr, g if seen > 0 else sg, b if seen > 0 else sb


@compiled_fast()
def tint(seen, packed, axis, positive, t, water, length, dy, flash, air):
    """(r, g, b) float32 of what a ray saw at t (seen 0: the sky), through water from t = water on.

    length: of the ray's direction; dy: its height; flash: above zero on what was just hurt; air: sim/air.py.
    """
    r, g, b = dry_tint(seen, packed, axis, positive, t, length, dy, flash, air)
    if water < t:
        r, g, b = under_water(r, g, b, (t - water) * length, air[LIGHT])
    return min(r, f4(255)), min(g, f4(255)), min(b, f4(255))
