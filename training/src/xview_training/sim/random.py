"""A seeded random stream that gives the same numbers on every machine: SplitMix64.

The state is a uint64 array of one element, so that compiled world generators can carry it along.
Source: Steele, Lea, Flood, "Fast splittable pseudorandom number generators" (OOPSLA 2014).
"""

import numpy as np

from xview_training.sim.compiled import compiled


def stream(seed: int) -> np.ndarray:
    """State of a stream: uint64 (1,). Equal seeds give equal streams."""
    return np.array([seed % 2**64], np.uint64)


@compiled()
def uniform(state, low, high):
    """A float64 in [low, high)."""
    state[0] += np.uint64(0x9E3779B97F4A7C15)
    z = state[0]
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    z = z ^ (z >> np.uint64(31))
    return low + (high - low) * (float(z >> np.uint64(11)) * (1.0 / 9007199254740992.0))


@compiled()
def integer(state, low, high):
    """An int64 in [low, high)."""
    return low + int(uniform(state, 0.0, 1.0) * (high - low))
