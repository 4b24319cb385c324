"""Draws small blocks and creatures into a z-buffer: a ray/box test in each pixel of their screen boxes."""

import numpy as np

from xview_training.sim.boxes import FAR, KIND, POSE_X, POSE_Y, POSE_Z, enter_box, hit_part
from xview_training.sim.compiled import compiled_fast
from xview_training.sim.figures import FIRST_PART, MOST_PARTS, RADIUS
from xview_training.sim.models import BOXES, FIRST_BOX, MAX_BOXES
from xview_training.sim.screen import box_bounds, covered, pixels
from xview_training.sim.shade import HOLE, texel
from xview_training.sim.surfaces import incidence

f4 = np.float32
i4 = np.int32
SMALL = 64  # pixels of a small block's window, within which its boxes are not looked for one by one
FIRST_MODEL = i4(-2)  # winners below zero: -2 - (flat index of the block * MAX_BOXES + box)


@compiled_fast()
def creature_winner(grid, creature, part):
    """What stands in the winner buffer for a creature's part."""
    return i4(FIRST_MODEL - grid.size * MAX_BOXES - creature * MOST_PARTS - part)


@compiled_fast()
def draw_models(grid, models, count, atlas, lens, pixel, width, height, rays, depth, winner):
    """Draws one chunk's small blocks. models int32 (MAX_MODELS,): flat indices, the first `count` of them."""
    ny, nz, one = grid.shape[2], grid.shape[1], f4(1)
    for m in range(count):
        flat = models[m]
        x, y, z = flat // (ny * nz), flat % ny, flat // ny % nz
        fx, fy, fz = f4(x), f4(y), f4(z)
        nearest, u0, u1, v0, v1 = box_bounds(lens, fx, fy, fz, fx + one, fy + one, fz + one)
        if nearest == FAR:
            continue
        left, right, top, bottom = pixels(u0, u1, v0, v1, width, height)
        if covered(depth, width, left, right, top, bottom, nearest):
            continue
        block = i4(grid[x, z, y])
        px, py, pz = lens[0] - fx, lens[1] - fy, lens[2] - fz
        small = (right - left) * (bottom - top) <= SMALL
        for k in range(FIRST_BOX[block], FIRST_BOX[block + 1]):
            x0, y0, z0 = BOXES[k, 0], BOXES[k, 1], BOXES[k, 2]
            x1, y1, z1 = BOXES[k, 3], BOXES[k, 4], BOXES[k, 5]
            if not small:
                nearest, u0, u1, v0, v1 = box_bounds(lens, fx + x0, fy + y0, fz + z0, fx + x1, fy + y1, fz + z1)
                if nearest == FAR:
                    continue
                left, right, top, bottom = pixels(u0, u1, v0, v1, width, height)
            reference = i4(FIRST_MODEL - (flat * MAX_BOXES + k - FIRST_BOX[block]))
            for row in range(top, bottom + 1):
                for p in range(row * width + left, row * width + right + 1):
                    dx, dy, dz = rays[0, p], rays[1, p], rays[2, p]
                    ix, iy, iz = rays[3, p], rays[4, p], rays[5, p]
                    t, axis, positive = enter_box(px, py, pz, dx, dy, dz, ix, iy, iz, x0, y0, z0, x1, y1, z1)
                    if t < depth[p]:
                        steep = incidence(axis, dx, dy, dz)
                        column = texel(axis, px + t * dx, py + t * dy, pz + t * dz, t, steep, pixel)
                        if i4(atlas[block * 6 + axis * 2 + positive, column]) & HOLE == 0:
                            depth[p] = t
                            winner[p] = reference


@compiled_fast()
def draw_creatures(grid, poses, lens, width, height, rays, depth, winner):
    """Draws creatures and arrows. poses float32 (M, POSE_SIZE)."""
    for m in range(poses.shape[0]):
        if poses[m, KIND] < f4(0):
            continue
        kind = i4(poses[m, KIND])
        x, y, z, r = poses[m, POSE_X], poses[m, POSE_Y], poses[m, POSE_Z], RADIUS[kind]
        nearest, u0, u1, v0, v1 = box_bounds(lens, x - r, y - r, z - r, x + r, y + r, z + r)
        if nearest == FAR:
            continue
        left, right, top, bottom = pixels(u0, u1, v0, v1, width, height)
        if covered(depth, width, left, right, top, bottom, nearest):
            continue
        pose = poses[m]
        for part in range(FIRST_PART[kind], FIRST_PART[kind + 1]):
            reference = creature_winner(grid, m, part - FIRST_PART[kind])
            for row in range(top, bottom + 1):
                for p in range(row * width + left, row * width + right + 1):
                    t, _, _ = hit_part(pose, part, lens[0], lens[1], lens[2], rays[0, p], rays[1, p], rays[2, p])
                    if t < depth[p]:
                        depth[p] = t
                        winner[p] = reference
