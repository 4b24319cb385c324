"""Walks a ray through the grid, cell by cell (Amanatides and Woo 1987): the steps that aiming and drawing share."""

import math

from xview_training.sim.compiled import compiled

NEVER = 1e30


@compiled(error_model="numpy")
def first_crossing(o, d):
    """(cell, step, t of the first border, t between borders) along one axis, for a ray from o in direction d."""
    cell = int(math.floor(o))
    if d > 0:
        return cell, 1, (cell + 1 - o) / d, 1.0 / d
    if d < 0:
        return cell, -1, (cell - o) / d, -1.0 / d
    return cell, -1, NEVER, NEVER


@compiled()
def next_axis(tx, ty, tz):
    """Which border comes first: 0 for x, 1 for y, 2 for z."""
    if tx <= ty and tx <= tz:
        return 0
    return 1 if ty <= tz else 2


@compiled()
def inside(grid, x, y, z):
    """Whether the grid has that cell."""
    return 0 <= x < grid.shape[0] and 0 <= z < grid.shape[1] and 0 <= y < grid.shape[2]


@compiled()
def leaving(nx, nz, ny, x, y, z, sx, sy, sz):
    """Whether a ray outside a grid of shape (nx, nz, ny) only goes farther away from it."""
    return (
        (x < 0 and sx < 0)
        or (x >= nx and sx > 0)
        or (z < 0 and sz < 0)
        or (z >= nz and sz > 0)
        or (y < 0 and sy < 0)
        or (y >= ny and sy > 0)
    )
