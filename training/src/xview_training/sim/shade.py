"""What colour a ray sees: sky, textured block faces with mip levels, daylight and fog.

Both renderers (merged quads and ray casting) end here, so they can differ only in what they hit. The functions take
numbers, not arrays: an array argument costs compiled code an atomic reference count at every call.
"""

import math

import numpy as np

from xview_training.sim.compiled import compiled_fast

f4 = np.float32
i4 = np.int32

VIEW_DISTANCE = f4(72.0)  # blocks; beyond it is sky
SIDE_LIGHT = (f4(0.6), f4(1.0), f4(0.8))  # Minecraft's fixed shade of x, top and z faces; undersides 0.5


@compiled_fast()
def sky(dy, light):
    """(r, g, b) of the sky in the direction whose normalised height is dy."""
    s = min(max(dy * f4(1.5) + f4(0.2), f4(0)), f4(1))
    return (f4(200) - f4(80) * s) * light, (f4(220) - f4(55) * s) * light, f4(250) * light


@compiled_fast()
def texel_address(block, axis, positive, hx, hy, hz, depth, cos_incidence, pixel):
    """(row, column) in the atlas of the texel at a hit point (hx, hy, hz), at the mip level that fits a pixel.

    depth: along the optical axis; cos_incidence: of the angle between ray and face normal; pixel: angle of a pixel.
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
    return block * 6 + axis * 2 + positive, offset + tv * side + tu


@compiled_fast()
def lit(texel, axis, positive, ray_length, light, dy):
    """(r, g, b) float32 of a packed texel: side light, daylight, and fog towards the sky behind it.

    ray_length: Euclidean, in blocks; dy: height of the ray's unit direction.
    """
    shade = SIDE_LIGHT[axis] if axis != 1 or positive == 1 else f4(0.5)
    fog = min(max((ray_length - f4(0.6) * VIEW_DISTANCE) / (f4(0.4) * VIEW_DISTANCE), f4(0)), f4(1))
    sr, sg, sb = sky(dy, light)
    k = shade * light * (f4(1) - fog)
    r, g, b = f4(texel & 255), f4((texel >> 8) & 255), f4((texel >> 16) & 255)
    return r * k + sr * fog, g * k + sg * fog, b * k + sb * fog
