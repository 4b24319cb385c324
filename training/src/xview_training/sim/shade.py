"""What colour a ray sees: sky, textured block faces with mip levels, daylight and fog.

Both renderers (merged quads and ray casting) end here, so they can differ only in what they hit.
"""

import math

import numpy as np
from numba import njit

f4 = np.float32
i4 = np.int32

VIEW_DISTANCE = f4(72.0)  # blocks; beyond it is sky
SIDE_LIGHT = (f4(0.6), f4(1.0), f4(0.8))  # Minecraft's fixed shade of x, top and z faces; undersides 0.5


@njit(cache=True, nogil=True, fastmath=True, error_model="numpy")
def sky(dy, light):
    """(r, g, b) of the sky in the direction whose normalised height is dy."""
    s = min(max(dy * f4(1.5) + f4(0.2), f4(0)), f4(1))
    return (f4(200) - f4(80) * s) * light, (f4(220) - f4(55) * s) * light, f4(250) * light


@njit(cache=True, nogil=True, fastmath=True, error_model="numpy")
def face_color(atlas, block, axis, positive, hx, hy, hz, ray_length, depth, cos_incidence, pixel, light, dy):
    """(r, g, b) float32 of a block's face where the ray meets it.

    hx, hy, hz: hit point; ray_length: Euclidean distance; depth: along the optical axis; pixel: angle of a pixel.
    """
    footprint = f4(16) * depth * pixel / max(math.sqrt(cos_incidence), f4(0.1))  # texels under a pixel
    level = 0
    offset = 0
    if footprint >= f4(11.3):
        level, offset = 4, 340
    elif footprint >= f4(5.66):
        level, offset = 3, 336
    elif footprint >= f4(2.83):
        level, offset = 2, 320
    elif footprint >= f4(1.41):
        level, offset = 1, 256
    side = 16 >> level
    fu = hz if axis == 0 else hx
    fv = hz if axis == 1 else -hy
    tu = min(i4((fu - math.floor(fu)) * f4(side)), side - 1)
    tv = min(i4((fv - math.floor(fv)) * f4(side)), side - 1)
    texel = i4(atlas[block * 6 + axis * 2 + positive, offset + tv * side + tu])
    shade = SIDE_LIGHT[axis] if axis != 1 or positive == 1 else f4(0.5)
    fog = min(max((ray_length - f4(0.6) * VIEW_DISTANCE) / (f4(0.4) * VIEW_DISTANCE), f4(0)), f4(1))
    sr, sg, sb = sky(dy, light)
    k = shade * light * (f4(1) - fog)
    return f4(texel & 255) * k + sr * fog, f4((texel >> 8) & 255) * k + sg * fog, f4((texel >> 16) & 255) * k + sb * fog
