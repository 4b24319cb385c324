"""Casts rays through the grid, block by block (Amanatides and Woo 1987).

One ray answers "what is under the crosshair" and "is the line of sight free"; a ray a pixel is the oracle that the
merged-quads renderer is tested against.
"""

import math

import numpy as np

from xview_training.sim.compiled import compiled, compiled_fast
from xview_training.sim.shade import VIEW_DISTANCE, lit, sky, texel_address

f4 = np.float32
i4 = np.int32


@compiled(error_model="numpy")
def cast(grid, ox, oy, oz, dx, dy, dz, reach):
    """First solid block on the ray: (x, y, z, axis, positive, t), axis -1 where none lies within t < reach.

    t counts in lengths of the direction given. The block the ray starts in is not looked at.
    """
    x, y, z = int(math.floor(ox)), int(math.floor(oy)), int(math.floor(oz))
    sx, sy, sz = (1 if dx > 0 else -1), (1 if dy > 0 else -1), (1 if dz > 0 else -1)
    gx = 1.0 / abs(dx) if dx != 0 else 1e30
    gy = 1.0 / abs(dy) if dy != 0 else 1e30
    gz = 1.0 / abs(dz) if dz != 0 else 1e30
    tx = (x + (dx > 0) - ox) / dx if dx != 0 else 1e30
    ty = (y + (dy > 0) - oy) / dy if dy != 0 else 1e30
    tz = (z + (dz > 0) - oz) / dz if dz != 0 else 1e30
    while True:
        if tx <= ty and tx <= tz:
            t, axis, positive = tx, 0, int(sx < 0)
            x += sx
            tx += gx
        elif ty <= tz:
            t, axis, positive = ty, 1, int(sy < 0)
            y += sy
            ty += gy
        else:
            t, axis, positive = tz, 2, int(sz < 0)
            z += sz
            tz += gz
        if t >= reach:
            return x, y, z, -1, 0, t
        inside = 0 <= x < grid.shape[0] and 0 <= z < grid.shape[1] and 0 <= y < grid.shape[2]
        if inside and grid[x, z, y] != 0:
            return x, y, z, axis, positive, t
        leaving = (
            (x < 0 and sx < 0)
            or (x >= grid.shape[0] and sx > 0)
            or (z < 0 and sz < 0)
            or (z >= grid.shape[1] and sz > 0)
            or (y < 0 and sy < 0)
            or (y >= grid.shape[2] and sy > 0)
        )
        if leaving:
            return x, y, z, -1, 0, t


@compiled()
def sees_block(grid, ox, oy, oz, x, y, z):
    """Whether block (x, y, z) is the first on the line from (ox, oy, oz) to its centre."""
    dx, dy, dz = x + 0.5 - ox, y + 0.5 - oy, z + 0.5 - oz
    hx, hy, hz, axis, _, _ = cast(grid, ox, oy, oz, dx, dy, dz, 1.0)
    return axis >= 0 and hx == x and hy == y and hz == z


@compiled()
def crosshair(grid, x, y, z, yaw, pitch, reach):
    """Flat index plus one of the block under the crosshair within `reach` blocks of the eye, 0 where none."""
    cp = math.cos(pitch)
    bx, by, bz, axis, _, _ = cast(grid, x, y, z, -math.sin(yaw) * cp, -math.sin(pitch), math.cos(yaw) * cp, reach)
    return 1 + (bx * grid.shape[1] + bz) * grid.shape[2] + by if axis >= 0 else 0


@compiled_fast()
def render(grid, atlas, camera, light, rgb, ids, depth):
    """One picture by a ray a pixel; arguments and results as in raster.render."""
    height, width = ids.shape
    for py in range(height):
        v = f4(1) - (f4(2) * f4(py) + f4(1)) / f4(height)
        for px in range(width):
            u = (f4(2) * f4(px) + f4(1)) / f4(width) - f4(1)
            dx = camera[3] + camera[6] * u + camera[9] * v
            dy = camera[4] + camera[7] * u + camera[10] * v
            dz = camera[5] + camera[8] * u + camera[11] * v
            length = f4(math.sqrt(dx * dx + dy * dy + dz * dz))
            x, y, z, axis, positive, t_ = cast(
                grid, camera[0], camera[1], camera[2], dx, dy, dz, VIEW_DISTANCE / length
            )
            if axis < 0:
                r, g, b = sky(dy / length, light)
                ids[py, px] = 0
                depth[py, px] = VIEW_DISTANCE
            else:
                t = f4(t_)
                incidence = abs(dx if axis == 0 else (dy if axis == 1 else dz)) / length
                hx, hy, hz = camera[0] + t * dx, camera[1] + t * dy, camera[2] + t * dz
                row, column = texel_address(i4(grid[x, z, y]), axis, positive, hx, hy, hz, t, incidence, camera[12])
                r, g, b = lit(i4(atlas[row, column]), axis, positive, t * length, light, dy / length)
                ids[py, px] = 1 + (x * grid.shape[1] + z) * grid.shape[2] + y
                depth[py, px] = t
            rgb[py, px, 0], rgb[py, px, 1], rgb[py, px, 2] = (
                np.uint8(min(r, f4(255))),
                np.uint8(min(g, f4(255))),
                np.uint8(min(b, f4(255))),
            )
