"""Merged quads: the exposed faces of each 16x16 chunk of columns, merged greedily in their plane.

Faces of one kind merge whatever their block, since the renderer reads the block from the grid at the point it hits.
A quad is uint8 (8,): axis, positive side, plane, b0, b1, c0, c1, kind of face, where (b, c) are (z, y), (x, z),
(x, y) for axis x, y, z. Beside the quads stands a list of the blocks that are no cubes. An edit re-meshes only its own
chunk and, on its rim, the neighbours.
"""

import numpy as np

from xview_training.sim.blocks import BARRIER, FORM, OPAQUE, Form
from xview_training.sim.compiled import compiled

CHUNK = 16
MAX_QUADS = 2048  # of one chunk
MAX_MODELS = 768  # blocks of one chunk that are no cubes
NO_FACE, SOLID_FACE, CUTOUT_FACE, WATER_FACE = 0, 1, 2, 3
CUTOUT, FLUID, MODEL = int(Form.CUTOUT), int(Form.FLUID), int(Form.MODEL)


@compiled()
def face_kind(block, before):
    """What a ray meets that goes from a cell with `before` into one with `block`."""
    if block == 0 or OPAQUE[before]:
        return NO_FACE
    if OPAQUE[block]:
        return SOLID_FACE
    if block == before:
        return NO_FACE
    form = FORM[block]
    return CUTOUT_FACE if form == CUTOUT else (WATER_FACE if form == FLUID else NO_FACE)


@compiled()
def _exposed(grid, x, y, z, axis, step):
    """The kind of that side of block (x, y, z)."""
    block = grid[x, z, y]
    if block == 0:
        return NO_FACE
    if axis == 0:
        x += step
    elif axis == 1:
        y += step
    else:
        z += step
    if x < 0 or z < 0 or y < 0 or x >= grid.shape[0] or z >= grid.shape[1]:
        return NO_FACE  # the world's outer sides and its underside are never seen
    return face_kind(block, grid[x, z, y] if y < grid.shape[2] else 0)


@compiled()
def _is_all(mask, b, c0, c1, kind):
    same = True
    for c in range(c0, c1):
        same &= mask[b, c] == kind
    return same


@compiled()
def _merge(mask, nb, nc, quads, count, axis, positive, plane, b_origin, c_origin):
    """Greedy rectangles over mask[:nb, :nc]; clears it; returns the new count."""
    for b in range(nb):
        c = 0
        while c < nc:
            if mask[b, c] == 0:
                c += 1
                continue
            kind = mask[b, c]
            c1 = c
            while c1 < nc and mask[b, c1] == kind:
                c1 += 1
            b1 = b + 1
            while b1 < nb and _is_all(mask, b1, c, c1, kind):
                b1 += 1
            mask[b:b1, c:c1] = 0
            if count == MAX_QUADS:
                raise ValueError("a chunk has more merged faces than MAX_QUADS: raise it in sim/mesh.py")
            quads[count, 0], quads[count, 1], quads[count, 2] = axis, positive, plane
            quads[count, 3], quads[count, 4] = b_origin + b, b_origin + b1
            quads[count, 5], quads[count, 6], quads[count, 7] = c_origin + c, c_origin + c1, kind
            count += 1
            c = c1
    return count


@compiled()
def mesh_chunk(grid, cx, cz, quads):
    """Meshes chunk (cx, cz) of grid uint8 (X, Z, Y) into quads uint8 (MAX_QUADS, 8); returns (count, top)."""
    x0, z0 = cx * CHUNK, cz * CHUNK
    top = 0
    for x in range(x0, x0 + CHUNK):
        for z in range(z0, z0 + CHUNK):
            for y in range(grid.shape[2] - 1, top - 1, -1):
                if grid[x, z, y] != 0 and grid[x, z, y] != BARRIER:
                    top = y + 1
                    break
    side = max(CHUNK, top)
    mask = np.zeros((side, side), np.uint8)
    count = 0
    for axis in range(3):
        planes = top if axis == 1 else CHUNK
        nc = CHUNK if axis == 1 else top
        for positive in range(2):
            for a in range(planes):
                found = False
                for b in range(CHUNK):
                    for c in range(nc):
                        if axis == 0:
                            x, y, z = x0 + a, c, z0 + b
                        elif axis == 1:
                            x, y, z = x0 + b, a, z0 + c
                        else:
                            x, y, z = x0 + b, c, z0 + a
                        kind = _exposed(grid, x, y, z, axis, 2 * positive - 1)
                        if kind != NO_FACE:
                            mask[b, c] = kind
                            found = True
                if found:
                    plane = a + positive + (x0 if axis == 0 else (z0 if axis == 2 else 0))
                    b_origin = z0 if axis == 0 else x0
                    c_origin = z0 if axis == 1 else 0
                    count = _merge(mask, CHUNK, nc, quads, count, axis, positive, plane, b_origin, c_origin)
    return count, top


@compiled()
def list_models(grid, cx, cz, top, models):
    """Fills models int32 (MAX_MODELS,) with the flat indices of the chunk's blocks that are no cubes; their number."""
    count = 0
    for x in range(cx * CHUNK, (cx + 1) * CHUNK):
        for z in range(cz * CHUNK, (cz + 1) * CHUNK):
            for y in range(top):
                if FORM[grid[x, z, y]] == MODEL and grid[x, z, y] != BARRIER:
                    if count == MAX_MODELS:
                        raise ValueError("a chunk has more small blocks than MAX_MODELS: raise it in sim/mesh.py")
                    models[count] = (x * grid.shape[1] + z) * grid.shape[2] + y
                    count += 1
    return count


@compiled()
def _mesh(grid, cx, cz, quads, counts, tops, models, model_counts):
    chunk = cx * (grid.shape[1] // CHUNK) + cz
    counts[chunk], tops[chunk] = mesh_chunk(grid, cx, cz, quads[chunk])
    model_counts[chunk] = list_models(grid, cx, cz, tops[chunk], models[chunk])


@compiled()
def mesh_world(grid, quads, counts, tops, models, model_counts):
    """Meshes every chunk. C = chunks, x-major.

    quads uint8 (C, MAX_QUADS, 8); counts, tops, model_counts int32 (C,); models int32 (C, MAX_MODELS).
    """
    for cx in range(grid.shape[0] // CHUNK):
        for cz in range(grid.shape[1] // CHUNK):
            _mesh(grid, cx, cz, quads, counts, tops, models, model_counts)


@compiled()
def remesh_block(grid, x, z, quads, counts, tops, models, model_counts):
    """Re-meshes what an edit of column (x, z) can have changed."""
    for cx in range(max(x - 1, 0) // CHUNK, min(x + 1, grid.shape[0] - 1) // CHUNK + 1):
        for cz in range(max(z - 1, 0) // CHUNK, min(z + 1, grid.shape[1] - 1) // CHUNK + 1):
            _mesh(grid, cx, cz, quads, counts, tops, models, model_counts)


@compiled()
def remesh_column(grid, edited, quads, counts, tops, models, model_counts):
    """Re-meshes what a tick has changed. edited: one plus the flat index of a column, 0 for none (hands.EDITED)."""
    if edited > 0:
        column = int(edited) - 1
        x, z = column // grid.shape[1], column % grid.shape[1]
        remesh_block(grid, x, z, quads, counts, tops, models, model_counts)
