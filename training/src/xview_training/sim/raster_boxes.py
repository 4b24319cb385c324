"""Draws small blocks and creatures into a z-buffer: a ray/box test in each pixel of their screen boxes."""

import numpy as np

from xview_training.sim.boxes import KIND, POSE_X, POSE_Y, POSE_Z, hit_box, hit_part
from xview_training.sim.compiled import compiled_fast
from xview_training.sim.figures import FIRST_PART, MOST_PARTS, RADIUS
from xview_training.sim.models import BOXES, FIRST_BOX, MAX_BOXES
from xview_training.sim.screen import box_hidden, corners_box, pixels
from xview_training.sim.shade import HOLE
from xview_training.sim.surfaces import face_texel

f4 = np.float32
i4 = np.int32
FIRST_MODEL = i4(-2)  # winners below zero: -2 - (flat index of the block * MAX_BOXES + box)


@compiled_fast()
def creature_winner(grid, creature, part):
    """What stands in the winner buffer for a creature's part."""
    return i4(FIRST_MODEL - grid.size * MAX_BOXES - creature * MOST_PARTS - part)


@compiled_fast()
def draw_models(grid, models, count, atlas, camera, width, height, rr, uu, rays, depth, winner, box):
    """Draws one chunk's small blocks. models int32 (MAX_MODELS,): flat indices, the first `count` of them."""
    for m in range(count):
        flat = models[m]
        y = flat % grid.shape[2]
        z = flat // grid.shape[2] % grid.shape[1]
        x = flat // (grid.shape[2] * grid.shape[1])
        if box_hidden(camera, f4(x), f4(y), f4(z), f4(x + 1), f4(y + 1), f4(z + 1), rr, uu):
            continue
        block = i4(grid[x, z, y])
        px, py, pz = camera[0] - f4(x), camera[1] - f4(y), camera[2] - f4(z)
        for k in range(FIRST_BOX[block], FIRST_BOX[block + 1]):
            x0, y0, z0 = BOXES[k, 0], BOXES[k, 1], BOXES[k, 2]
            x1, y1, z1 = BOXES[k, 3], BOXES[k, 4], BOXES[k, 5]
            corners_box(camera, f4(x) + x0, f4(y) + y0, f4(z) + z0, f4(x) + x1, f4(y) + y1, f4(z) + z1, rr, uu, box)
            u0, u1, v0, v1 = pixels(box, width, height)
            reference = i4(FIRST_MODEL - (flat * MAX_BOXES + k - FIRST_BOX[block]))
            for row in range(v0, v1 + 1):
                for p in range(row * width + u0, row * width + u1 + 1):
                    dx, dy, dz = rays[0, p], rays[1, p], rays[2, p]
                    t, axis, positive = hit_box(px, py, pz, dx, dy, dz, x0, y0, z0, x1, y1, z1)
                    if t < depth[p]:
                        packed = face_texel(atlas, block * 6, axis, positive, px, py, pz, t, dx, dy, dz, camera[12])
                        if packed & HOLE == 0:
                            depth[p] = t
                            winner[p] = reference


@compiled_fast()
def draw_creatures(grid, poses, camera, width, height, rr, uu, rays, depth, winner, box):
    """Draws creatures and arrows. poses float32 (M, POSE_SIZE)."""
    for m in range(poses.shape[0]):
        if poses[m, KIND] < f4(0):
            continue
        kind = i4(poses[m, KIND])
        x, y, z, r = poses[m, POSE_X], poses[m, POSE_Y], poses[m, POSE_Z], RADIUS[kind]
        if box_hidden(camera, x - r, y - r, z - r, x + r, y + r, z + r, rr, uu):
            continue
        corners_box(camera, x - r, y - r, z - r, x + r, y + r, z + r, rr, uu, box)
        u0, u1, v0, v1 = pixels(box, width, height)
        for part in range(FIRST_PART[kind], FIRST_PART[kind + 1]):
            reference = creature_winner(grid, m, part - FIRST_PART[kind])
            for row in range(v0, v1 + 1):
                for p in range(row * width + u0, row * width + u1 + 1):
                    t, _, _ = hit_part(
                        poses[m], part, camera[0], camera[1], camera[2], rays[0, p], rays[1, p], rays[2, p]
                    )
                    if t < depth[p]:
                        depth[p] = t
                        winner[p] = reference
