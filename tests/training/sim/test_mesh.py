"""Merged quads cover every face that can be seen, once, also after edits."""

import numpy as np
import pytest
from xview_training.sim import mesh
from xview_training.sim.blocks import FORM, OPAQUE, Form
from xview_training.sim.worlds import PLACES, SHAPE, WorldSeed


def buffers() -> tuple[np.ndarray, ...]:
    """quads, counts, tops, models, model_counts."""
    chunks = SHAPE[0] // mesh.CHUNK * (SHAPE[1] // mesh.CHUNK)
    lists = np.zeros((chunks, mesh.MAX_QUADS, 8), np.uint8), np.zeros((chunks, mesh.MAX_MODELS), np.int32)
    return lists[0], np.zeros(chunks, np.int32), np.zeros(chunks, np.int32), lists[1], np.zeros(chunks, np.int32)


def faces_of(quads, counts) -> list[tuple[int, ...]]:
    """Unit faces (axis, positive, plane, b, c) of all quads."""
    out = []
    for chunk, count in enumerate(counts):
        for axis, positive, plane, b0, b1, c0, c1, _ in quads[chunk, :count].tolist():
            out += [(axis, positive, plane, b, c) for b in range(b0, b1) for c in range(c0, c1)]
    return out


def exposed_faces(grid) -> set[tuple[int, ...]]:
    """Faces that some ray meets, by comparing the grid with itself shifted; none on the sides or below.

    What hides all shows where it borders on anything else; leaves, glass and water where they border on another block
    that does not hide them; small blocks have no faces of their own.
    """
    blocks = grid.transpose(0, 2, 1)  # x, y, z
    blocks = np.concatenate([blocks, np.zeros_like(blocks[:, :1])], 1)  # open sky
    shown = OPAQUE[blocks] | np.isin(FORM[blocks], (Form.CUTOUT, Form.FLUID))
    out = set()
    for axis in range(3):
        low, high = np.moveaxis(blocks, axis, 0)[:-1], np.moveaxis(blocks, axis, 0)[1:]
        lower, upper = np.moveaxis(shown, axis, 0)[:-1], np.moveaxis(shown, axis, 0)[1:]
        differ = low != high
        for positive, found in ((1, lower & ~OPAQUE[high] & differ), (0, upper & ~OPAQUE[low] & differ)):
            for plane, p, q in np.argwhere(found).tolist():
                b, c = (q, p) if axis == 0 else (p, q)  # (z, y), (x, z), (x, y)
                out.add((axis, positive, plane + 1, b, c))
    return out


@pytest.mark.parametrize("place", PLACES)
def test_quads_cover_each_exposed_face_once_and_no_other(new_sim, place):
    sim = new_sim()
    sim.load_world(0, WorldSeed(place, 5))
    faces = faces_of(sim.quads[0], sim.quad_counts[0])
    assert len(faces) == len(set(faces))
    assert set(faces) == exposed_faces(sim.grid[0])


def test_meshing_again_after_an_edit_equals_meshing_from_scratch(new_sim):
    sim = new_sim()
    sim.load_world(0, WorldSeed("village", 8))
    rng = np.random.default_rng(0)
    rims = [(15, 40), (16, 40), (0, 0), (127, 127), (31, 32), (40, 16)]
    for x, z in rims + rng.integers(0, 128, (40, 2)).tolist():
        sim.grid[0, x, z, rng.integers(1, sim.floor[0, x, z])] = 0
        mesh.remesh_block(
            sim.grid[0], x, z, sim.quads[0], sim.quad_counts[0], sim.chunk_tops[0], sim.models[0], sim.model_counts[0]
        )
    quads, counts, tops, models, model_counts = buffers()
    mesh.mesh_world(sim.grid[0], quads, counts, tops, models, model_counts)
    assert (counts == sim.quad_counts[0]).all()
    assert (tops == sim.chunk_tops[0]).all()
    assert (model_counts == sim.model_counts[0]).all()
    assert model_counts.sum() > 20
    for chunk, count in enumerate(counts):
        assert (quads[chunk, :count] == sim.quads[0, chunk, :count]).all()
        listed = slice(model_counts[chunk])
        assert (models[chunk, listed] == sim.models[0, chunk, listed]).all()


def test_more_faces_than_the_buffer_holds_are_an_error_and_not_a_hole():
    grid = np.zeros(SHAPE, np.uint8)
    grid[::2, ::2, ::2] = 1
    with pytest.raises(ValueError, match="MAX_QUADS"):
        mesh.mesh_world(grid, *buffers())
