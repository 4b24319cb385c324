"""Textures are generated, always the same, and their mip levels are means."""

import hashlib
import subprocess
import sys

import numpy as np
import pytest
from xview_training.sim.blocks import BLOCKS, CANDIDATE_KINDS, FIRST_CANDIDATE
from xview_training.sim.figures import HIDES
from xview_training.sim.shade import HOLE, PIERCED
from xview_training.sim.textures import FACES, LEVEL_OFFSETS, TEXELS, atlas


def unpacked(texels: np.ndarray) -> np.ndarray:
    return np.stack([texels & 255, texels >> 8 & 255, texels >> 16 & 255], -1).astype(float)


def test_another_process_paints_the_same_textures():
    script = (
        "import hashlib; from xview_training.sim.textures import atlas;"
        "print(hashlib.sha256(atlas().tobytes()).hexdigest())"
    )
    there = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert there.stdout.strip() == hashlib.sha256(atlas().tobytes()).hexdigest()


def test_every_block_and_hide_has_every_face_in_every_set_and_nobody_can_paint_over_them():
    assert atlas().shape == (8, (len(BLOCKS) + len(HIDES)) * FACES, TEXELS)
    assert not atlas().flags.writeable
    marks = atlas() & ~np.uint32(0xFFFFFF)
    assert np.isin(marks & ~np.uint32(PIERCED), (0, HOLE)).all()
    holed = (marks & HOLE != 0).any(-1)
    assert 0 < holed.sum() < holed.size / 2
    assert (marks[..., -1] & PIERCED != 0)[holed].all()
    assert not (marks & PIERCED)[~holed].any()


def test_only_what_rays_may_pass_has_holes():
    holed = {BLOCKS[row // FACES].name for row in np.argwhere((atlas()[0] & HOLE).any(-1)).ravel()}
    assert {"glass", "foliage", "tall_grass"} <= holed
    assert not holed & {"stone", "leaves", "water", "gourd", "chest", "door_x"}


def test_each_mip_level_is_the_mean_of_the_finer_one():
    whole = ~(atlas() & HOLE).any((0, 2))
    packed = atlas()[:, whole]
    for level in range(4):
        side = 16 >> level
        fine = unpacked(packed[..., LEVEL_OFFSETS[level] : LEVEL_OFFSETS[level] + side * side])
        coarse = unpacked(packed[..., LEVEL_OFFSETS[level + 1] : LEVEL_OFFSETS[level + 1] + side * side // 4])
        means = fine.reshape(*fine.shape[:2], side // 2, 2, side // 2, 2, 3).mean((3, 5))
        assert np.abs(means.reshape(coarse.shape) - coarse).max() <= 1.0 + 1e-9  # each level is cut to whole numbers


def test_candidates_can_be_told_apart_by_their_colours_and_sets_differ():
    means = unpacked(atlas()[0, FIRST_CANDIDATE * FACES : (FIRST_CANDIDATE + CANDIDATE_KINDS) * FACES : FACES, -1])
    apart = np.linalg.norm(means[:, None] - means[None], axis=-1) + 1e9 * np.eye(len(means))
    assert apart.min() > 12
    assert all((atlas()[k] != atlas()[0]).mean() > 0.5 for k in range(1, 8))


@pytest.mark.parametrize("name", ["gourd", "stone"])
def test_the_first_set_has_the_catalogue_s_colours(name):
    block = next(b for b in BLOCKS if b.name == name)
    mean = unpacked(atlas()[0, BLOCKS.index(block) * FACES, :256]).mean(0)
    assert mean / mean.sum() == pytest.approx(np.array(block.rgb) / sum(block.rgb), abs=0.04)
