"""Merged quads: the exposed faces of each 16x16 chunk of columns, merged greedily in their plane.

Faces merge whatever their block, since the renderer reads the block from the grid at the point it hits.
A quad is uint8 (8,): axis, positive side, plane, b0, b1, c0, c1, 0, where (b, c) are (z, y), (x, z), (x, y)
for axis x, y, z. An edit re-meshes only its own chunk and, on its rim, the neighbours.
"""

import numpy as np

from xview_training.sim.compiled import compiled

CHUNK = 16
MAX_QUADS = 1024  # of one chunk; a landscape's busiest measured 430


@compiled()
def _exposed(grid, x, y, z, axis, step):
    if grid[x, z, y] == 0:
        return False
    if axis == 0:
        x += step
    elif axis == 1:
        y += step
    else:
        z += step
    if x < 0 or z < 0 or y < 0 or x >= grid.shape[0] or z >= grid.shape[1]:
        return False  # the world's outer sides and its underside are never seen
    return y >= grid.shape[2] or grid[x, z, y] == 0


@compiled()
def _merge(mask, nb, nc, quads, count, axis, positive, plane, b_origin, c_origin):
    """Greedy rectangles over mask[:nb, :nc]; clears it; returns the new count."""
    for b in range(nb):
        c = 0
        while c < nc:
            if mask[b, c] == 0:
                c += 1
                continue
            c1 = c
            while c1 < nc and mask[b, c1]:
                c1 += 1
            b1 = b + 1
            while b1 < nb and mask[b1, c:c1].all():
                b1 += 1
            mask[b:b1, c:c1] = 0
            if count == MAX_QUADS:
                raise ValueError("a chunk has more merged faces than MAX_QUADS: raise it in sim/mesh.py")
            quads[count, 0], quads[count, 1], quads[count, 2] = axis, positive, plane
            quads[count, 3], quads[count, 4] = b_origin + b, b_origin + b1
            quads[count, 5], quads[count, 6] = c_origin + c, c_origin + c1
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
                if grid[x, z, y] != 0:
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
                        if _exposed(grid, x, y, z, axis, 2 * positive - 1):
                            mask[b, c] = 1
                            found = True
                if found:
                    plane = a + positive + (x0 if axis == 0 else (z0 if axis == 2 else 0))
                    b_origin = z0 if axis == 0 else x0
                    c_origin = z0 if axis == 1 else 0
                    count = _merge(mask, CHUNK, nc, quads, count, axis, positive, plane, b_origin, c_origin)
    return count, top


@compiled()
def mesh_world(grid, quads, counts, tops):
    """Meshes every chunk. quads uint8 (C, MAX_QUADS, 8), counts and tops int32 (C,), C = chunks, x-major."""
    nz = grid.shape[1] // CHUNK
    for cx in range(grid.shape[0] // CHUNK):
        for cz in range(nz):
            chunk = cx * nz + cz
            counts[chunk], tops[chunk] = mesh_chunk(grid, cx, cz, quads[chunk])


@compiled()
def remesh_block(grid, x, z, quads, counts, tops):
    """Re-meshes what an edit of column (x, z) can have changed."""
    nz = grid.shape[1] // CHUNK
    for cx in range(max(x - 1, 0) // CHUNK, min(x + 1, grid.shape[0] - 1) // CHUNK + 1):
        for cz in range(max(z - 1, 0) // CHUNK, min(z + 1, grid.shape[1] - 1) // CHUNK + 1):
            chunk = cx * nz + cz
            counts[chunk], tops[chunk] = mesh_chunk(grid, cx, cz, quads[chunk])
