"""Renders merged quads on the CPU: colour, object id and depth of one picture.

Each quad is z-buffered by a ray/plane test inside its screen box; colours are computed once at the end, for
what stayed in front. It agrees with the ray caster (raycast.py), which is its oracle in the tests.
"""

import math

import numpy as np

from xview_training.sim.compiled import compiled, compiled_fast
from xview_training.sim.mesh import CHUNK
from xview_training.sim.shade import VIEW_DISTANCE, lit, sky, texel_address

f4 = np.float32
i4 = np.int32
NEAR = f4(0.02)  # blocks
FAR = f4(1e9)


def scratch(width: int, height: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Buffers reused between pictures: rays and their inverses float32 (6, H*W), depth (H*W,), winner (H*W,)."""
    n = width * height
    return np.empty((6, n), f4), np.empty(n, f4), np.empty(n, i4)


@compiled_fast()
def _rays(camera, width, height, rays, depth, winner):
    for py in range(height):
        v = f4(1) - (f4(2) * f4(py) + f4(1)) / f4(height)
        for px in range(width):
            u = (f4(2) * f4(px) + f4(1)) / f4(width) - f4(1)
            k = py * width + px
            for axis in range(3):
                d = camera[3 + axis] + camera[6 + axis] * u + camera[9 + axis] * v
                rays[axis, k] = d
                rays[3 + axis, k] = f4(1) / (d if abs(d) > f4(1e-9) else f4(1e-9))
            depth[k] = FAR
            winner[k] = i4(-1)


@compiled_fast()
def _chunk_hidden(camera, x0, z0, top, rr, uu):
    """Whether the chunk's box lies outside the view: all eight corners beyond one of its planes."""
    left, right, above, below, behind, far = 0, 0, 0, 0, 0, 0
    for corner in range(8):
        dx = f4(x0 + (CHUNK if corner & 1 else 0)) - camera[0]
        dy = f4(top if corner & 2 else 0) - camera[1]
        dz = f4(z0 + (CHUNK if corner & 4 else 0)) - camera[2]
        depth = camera[3] * dx + camera[4] * dy + camera[5] * dz
        u = (camera[6] * dx + camera[7] * dy + camera[8] * dz) / rr
        v = (camera[9] * dx + camera[10] * dy + camera[11] * dz) / uu
        left += u < -depth
        right += u > depth
        below += v < -depth
        above += v > depth
        behind += depth < NEAR
        far += depth > VIEW_DISTANCE
    return left == 8 or right == 8 or below == 8 or above == 8 or behind == 8 or far == 8


@compiled_fast()
def _screen_box(camera, axis, pa, ib, ic, b0, b1, c0, c1, rr, uu, box):
    """Bounds of the quad in the picture, u and v in -1..1, into box (4,); False where it is out of sight."""
    box[0], box[1], box[2], box[3] = FAR, -FAR, FAR, -FAR
    behind = 0
    for s in range(4):
        pb, pc = (b1 if s & 1 else b0), (c1 if s & 2 else c0)
        dz = camera[3 + axis] * pa + camera[3 + ib] * pb + camera[3 + ic] * pc
        if dz < NEAR:
            behind += 1
            for edge in range(2):  # clip this corner's edges at the near plane
                s2 = s ^ (1 << edge)
                qb, qc = (b1 if s2 & 1 else b0), (c1 if s2 & 2 else c0)
                z2 = camera[3 + axis] * pa + camera[3 + ib] * qb + camera[3 + ic] * qc
                if z2 >= NEAR:
                    w = (NEAR - dz) / (z2 - dz)
                    _extend(camera, axis, pa, ib, pb + w * (qb - pb), ic, pc + w * (qc - pc), NEAR, rr, uu, box)
        else:
            _extend(camera, axis, pa, ib, pb, ic, pc, dz, rr, uu, box)
    return behind < 4 and box[1] >= f4(-1) and box[0] <= f4(1) and box[3] >= f4(-1) and box[2] <= f4(1)


@compiled_fast()
def _extend(camera, axis, pa, ib, pb, ic, pc, dz, rr, uu, box):
    u = (camera[6 + axis] * pa + camera[6 + ib] * pb + camera[6 + ic] * pc) / (dz * rr)
    v = (camera[9 + axis] * pa + camera[9 + ib] * pb + camera[9 + ic] * pc) / (dz * uu)
    box[0], box[1] = min(box[0], u), max(box[1], u)
    box[2], box[3] = min(box[2], v), max(box[3], v)


@compiled_fast()
def _draw_quad(camera, quad, reference, width, height, rr, uu, rays, depth, winner, box):
    axis = i4(quad[0])
    pa = f4(quad[2]) - camera[axis]
    if (quad[1] == 1 and pa >= f4(0)) or (quad[1] == 0 and pa <= f4(0)):
        return  # seen from behind
    ib = 2 if axis == 0 else 0
    ic = 2 if axis == 1 else 1
    b0, b1 = f4(quad[3]) - camera[ib], f4(quad[4]) - camera[ib]
    c0, c1 = f4(quad[5]) - camera[ic], f4(quad[6]) - camera[ic]
    if not _screen_box(camera, axis, pa, ib, ic, b0, b1, c0, c1, rr, uu, box):
        return
    x0 = i4(max(f4(0), (max(box[0], f4(-1)) + f4(1)) * f4(0.5) * f4(width) - f4(0.5)))
    x1 = i4(min(f4(width - 1), (min(box[1], f4(1)) + f4(1)) * f4(0.5) * f4(width) + f4(0.5)))
    y0 = i4(max(f4(0), (f4(1) - min(box[3], f4(1))) * f4(0.5) * f4(height) - f4(0.5)))
    y1 = i4(min(f4(height - 1), (f4(1) - max(box[2], f4(-1))) * f4(0.5) * f4(height) + f4(0.5)))
    inverse, db, dc = rays[3 + axis], rays[ib], rays[ic]
    for py in range(y0, y1 + 1):
        for k in range(py * width + x0, py * width + x1 + 1):
            t = pa * inverse[k]
            hb, hc = t * db[k], t * dc[k]
            inside = (t > NEAR) & (t < depth[k]) & (hb >= b0) & (hb <= b1) & (hc >= c0) & (hc <= c1)
            if inside:
                depth[k] = t
                winner[k] = reference


@compiled_fast()
def render(grid, quads, counts, tops, atlas, camera, light, rays, depth, winner, rgb, ids, out_depth):
    """Draws one picture.

    grid uint8 (X, Z, Y); quads, counts, tops from mesh.py; atlas uint32 (blocks * 6, 341); camera float32 (13,);
    rays, depth, winner from `scratch`. Writes rgb uint8 (H, W, 3); ids int32 (H, W), 0 for sky, else one plus the
    block's flat index in the grid; out_depth float32 (H, W) along the optical axis in blocks.
    """
    height, width = ids.shape
    rr = camera[6] ** 2 + camera[7] ** 2 + camera[8] ** 2
    uu = camera[9] ** 2 + camera[10] ** 2 + camera[11] ** 2
    _rays(camera, width, height, rays, depth, winner)
    box = np.empty(4, f4)
    nz = grid.shape[1] // CHUNK
    max_quads = quads.shape[1]
    for chunk in range(len(counts)):
        if counts[chunk] == 0:
            continue
        if _chunk_hidden(camera, chunk // nz * CHUNK, chunk % nz * CHUNK, tops[chunk], rr, uu):
            continue
        for q in range(counts[chunk]):
            reference = i4(chunk * max_quads + q)
            _draw_quad(camera, quads[chunk, q], reference, width, height, rr, uu, rays, depth, winner, box)
    _shade(grid, quads, atlas, camera, light, rays, depth, winner, rgb, ids, out_depth)


@compiled_fast()
def _shade(grid, quads, atlas, camera, light, rays, depth, winner, rgb, ids, out_depth):
    """Colours what stayed in front. One function over all pixels: see shade.py on calls with arrays."""
    height, width = ids.shape
    for k in range(height * width):
        py, px = k // width, k % width
        dx, dy, dz = rays[0, k], rays[1, k], rays[2, k]
        length = math.sqrt(dx * dx + dy * dy + dz * dz)
        t, reference = depth[k], winner[k]
        if reference < 0 or t * length >= VIEW_DISTANCE:
            r, g, b = sky(dy / length, light)
            ids[py, px] = 0
            out_depth[py, px] = VIEW_DISTANCE
        else:
            c, q = reference // quads.shape[1], reference % quads.shape[1]
            axis, positive = i4(quads[c, q, 0]), i4(quads[c, q, 1])
            hx, hy, hz = camera[0] + t * dx, camera[1] + t * dy, camera[2] + t * dz
            # Kept inside the quad where rounding would step over its rim.
            first = min(max(i4(hz if axis == 0 else hx), i4(quads[c, q, 3])), i4(quads[c, q, 4]) - 1)
            second = min(max(i4(hz if axis == 1 else hy), i4(quads[c, q, 5])), i4(quads[c, q, 6]) - 1)
            x, y, z = _voxel(axis, i4(quads[c, q, 2]) - positive, first, second)
            incidence = abs(dx if axis == 0 else (dy if axis == 1 else dz)) / length
            row, column = texel_address(i4(grid[x, z, y]), axis, positive, hx, hy, hz, t, incidence, camera[12])
            r, g, b = lit(i4(atlas[row, column]), axis, positive, t * length, light, dy / length)
            ids[py, px] = 1 + (x * grid.shape[1] + z) * grid.shape[2] + y
            out_depth[py, px] = t
        rgb[py, px, 0] = np.uint8(min(r, f4(255)))
        rgb[py, px, 1] = np.uint8(min(g, f4(255)))
        rgb[py, px, 2] = np.uint8(min(b, f4(255)))


@compiled()
def _voxel(axis, a, b, c):
    """Block (x, y, z) from its place along a quad's axis and in its plane (mesh.py)."""
    if axis == 0:
        return a, c, b
    if axis == 1:
        return b, a, c
    return b, c, a
