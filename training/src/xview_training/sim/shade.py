"""What colour a ray sees: sky, textured faces with mip levels, daylight, fog and water.

Every renderer (merged quads, ray casting, the GPU's) ends here, so they can differ only in what they hit. The
functions take numbers, not arrays: an array argument costs compiled code an atomic reference count at every call.
"""

import math

import numpy as np

from xview_training.sim.compiled import compiled_fast

f4 = np.float32
i4 = np.int32

HOLE = i4(1 << 24)  # set in a texel that rays pass through
PIERCED = i4(1 << 25)  # set in the last texel of a texture that has holes
SIDE_LIGHT_X, SIDE_LIGHT_UP, SIDE_LIGHT_DOWN, SIDE_LIGHT_Z = f4(0.6), f4(1.0), f4(0.5), f4(0.8)  # Minecraft's
WATER_R, WATER_G, WATER_B = f4(38), f4(86), f4(176)
WATER_CLEAR = f4(0.72)  # share of the light that the surface lets through
WATER_ABSORBS = f4(0.14)  # a block of depth


@compiled_fast()
def sky(dy, light, hr, hg, hb, zr, zg, zb):
    """(r, g, b) of the sky in the direction whose normalised height is dy, between horizon h and zenith z."""
    s = min(max(dy * f4(1.5) + f4(0.2), f4(0)), f4(1))
    return (hr + (zr - hr) * s) * light, (hg + (zg - hg) * s) * light, (hb + (zb - hb) * s) * light


@compiled_fast()
def _share_of_side(x):
    """How far a coordinate lies into its block, 0..1."""
    share = x - f4(i4(x))
    return share + f4(1) if share < f4(0) else share


@compiled_fast()
def texel(axis, hx, hy, hz, depth, cos_incidence, pixel):
    """Column in the atlas of the texel at a hit point (hx, hy, hz) of a face, at the mip level that fits a pixel.

    depth: along the optical axis; cos_incidence: of the angle between ray and face normal; pixel: angle of a pixel.
    Only selects, no branches, and float32 throughout: a row of pixels is computed at once.
    """
    footprint = f4(16) * depth * pixel / f4(math.sqrt(max(cos_incidence, f4(0.01))))  # texels under a pixel
    side, offset = f4(16), f4(0)
    if footprint >= f4(1.41):
        side, offset = f4(8), f4(256)
    if footprint >= f4(2.83):
        side, offset = f4(4), f4(320)
    if footprint >= f4(5.66):
        side, offset = f4(2), f4(336)
    if footprint >= f4(11.3):
        side, offset = f4(1), f4(340)
    fu = _share_of_side(hz if axis == 0 else hx) * side
    fv = _share_of_side(hz if axis == 1 else -hy) * side
    return i4(offset + f4(i4(min(fv, side - f4(0.5)))) * side + f4(i4(min(fu, side - f4(0.5)))))


@compiled_fast()
def lit(packed, axis, positive, light, fog, sr, sg, sb):
    """(r, g, b) float32 of a packed texel: side light, daylight, and fog (0..1) towards the sky (sr, sg, sb)."""
    shade = SIDE_LIGHT_X
    if axis == 1:
        shade = SIDE_LIGHT_UP if positive == 1 else SIDE_LIGHT_DOWN
    elif axis == 2:
        shade = SIDE_LIGHT_Z
    k = shade * light * (f4(1) - fog)
    r, g, b = f4(packed & 255), f4((packed >> 8) & 255), f4((packed >> 16) & 255)
    return r * k + sr * fog, g * k + sg * fog, b * k + sb * fog


@compiled_fast()
def fog_share(distance, start, end):
    """How much of the sky's colour lies over something that far away, 0..1."""
    return min(max((distance - start) / (end - start), f4(0)), f4(1))


@compiled_fast()
def under_water(r, g, b, depth, light):
    """The colour seen through so many blocks of water."""
    k = WATER_CLEAR * f4(math.exp(-WATER_ABSORBS * depth))
    w = (f4(1) - k) * light
    return r * k + WATER_R * w, g * k + WATER_G * w, b * k + WATER_B * w
