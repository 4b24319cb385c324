"""Plays seeded random keys in three worlds and prints a hash a tick of all that was seen and all that moved.

python replay.py THREADS
"""

import hashlib
import sys

import numpy as np
from xview_training.sim import mesh
from xview_training.sim.hands import EDITED
from xview_training.sim.physics import key_rows
from xview_training.sim.simulator import Embodiment, SimConfig, VoxelSim, tick
from xview_training.sim.worlds import WorldSeed

KEYS = key_rows(
    (
        ("forward",),
        ("forward", "sprint", "jump"),
        ("attack",),
        ("use",),
        ("left", "attack"),
        ("hotbar.1",),
        ("hotbar.2",),
    )
)
PLACES, TICKS = ("village", "forest", "cave"), 60
CARRIES = (("bow", 1), ("pickaxe", 1), ("arrows", 32))


def play(sim: VoxelSim, part: np.ndarray, keys: np.ndarray, turns: np.ndarray) -> None:
    for i in part:
        tick(
            sim.grid[i], sim.floor[i], sim.body[i], sim.hands[i], sim.slots[i], sim.creatures[i], sim.arrows[i],
            sim.random[i], keys[i], turns[i], sim.embodiment[i],
        )  # fmt: skip
        mesh.remesh_column(
            sim.grid[i], sim.hands[i, EDITED], sim.quads[i], sim.quad_counts[i], sim.chunk_tops[i], sim.models[i],
            sim.model_counts[i],
        )  # fmt: skip


def replay(threads: int) -> list[str]:
    """Frame hashes of a game that is the same however many threads play it."""
    sim, every = VoxelSim(SimConfig(len(PLACES), 48, 36, threads)), np.arange(len(PLACES))
    for i, place in enumerate(PLACES):
        sim.load_world(i, WorldSeed(place, 70 + i))
        creature = sim.creatures[i, 0]  # beside one, so that there is something to shoot and to be struck by
        body = Embodiment(latency_ticks=i, turn_lag=0.2 * i, textures=i, held_item=i > 0)
        sim.place(i, creature[0] + 1.5, creature[1], creature[2], 1.0, 0.1, body, CARRIES)
    rng, hashes = np.random.default_rng(4), []
    for _ in range(TICKS):
        keys, turns = KEYS[rng.integers(0, len(KEYS), len(every))], rng.normal(0, 0.2, (len(every), 2))
        sim.run_slices(lambda part, _, keys=keys, turns=turns: play(sim, part, keys, turns), every)
        sim.draw(every)
        moved = (sim.grid, sim.body, sim.hands, sim.slots, sim.creatures, sim.arrows, sim.random)
        digest = hashlib.sha256()
        for array in (sim.rgb, sim.ids, sim.depth, *moved):
            digest.update(array.tobytes())
        hashes.append(digest.hexdigest())
    sim.close()
    return hashes


if __name__ == "__main__":
    print("\n".join(replay(int(sys.argv[1]))))
