"""Episodes made of noise and a moving square, and ones that the expert really demonstrated."""

import numpy as np
import pytest
from xview_deploy.spec import ActionTable
from xview_training.datasets.dataset import Dataset, Manifest
from xview_training.datasets.pictures import encode_picture
from xview_training.datasets.recording import About, Recording, places_of
from xview_training.datasets.writer import DatasetWriter
from xview_training.imitation.demonstrations import DemonstrationConfig, record
from xview_training.tasks.suites import suite_named

SIDE = 32
MANIFEST = Manifest("noise", SIDE, ActionTable())


def moving_square(name: str, frames: int, rng: np.random.Generator, goal: bool = True) -> Recording:
    """A target that walks to the right, hidden in every fourth frame."""
    pictures = rng.integers(0, 256, (frames, SIDE, SIDE, 3), np.uint8)
    masks = np.zeros((frames, SIDE, SIDE), bool)
    for t in range(frames):
        if t % 4 != 3:
            masks[t, 8:12, t : t + 4] = True
    visible, point, box = places_of(masks)
    actions = np.stack([rng.integers(0, size, frames) for size in ActionTable().sizes], 1).astype(np.int16)
    bearing = np.tile(np.array([0.6, 0.8], np.float32), (frames, 1))
    columns = {
        "action": actions,
        "label": actions.copy(),
        "visible": visible,
        "point": point,
        "box": box,
        "bearing": bearing,
        "bearing_known": np.arange(frames) > 1,
        "value": rng.random(frames).astype(np.float32),
    }
    encoded = tuple(encode_picture(picture, "png") for picture in pictures)
    own = (encode_picture(pictures[0][::-1], "png"), masks[0][::-1].copy()) if goal else (None, None)
    return Recording(About(name, "approach", 0, frames - 1, True), encoded, columns, masks, *own)


@pytest.fixture
def manifest():
    return MANIFEST


@pytest.fixture
def make_episode():
    """Makes an episode: name, frames, generator, and whether it has a goal view of its own."""
    return moving_square


@pytest.fixture
def recordings():
    rng = np.random.default_rng(0)
    return [moving_square(f"noise-{k}", 6 + k, rng, goal=k % 2 == 0) for k in range(7)]


@pytest.fixture
def folder(tmp_path, recordings):
    """A data set of seven episodes in three chunks."""
    with DatasetWriter(tmp_path / "set", MANIFEST, chunk_bytes=60_000) as writer:
        for recording in recordings:
            writer.add(recording)
    return tmp_path / "set"


@pytest.fixture(scope="session")
def demonstrations(tmp_path_factory):
    """Eight episodes of the expert in the voxel world."""
    folder = tmp_path_factory.mktemp("demonstrations") / "set"
    config = DemonstrationConfig(episodes=8, image_size=SIDE, environments=4, threads=1)
    assert record(config, suite_named("twin"), folder) == 8
    return Dataset(folder)
