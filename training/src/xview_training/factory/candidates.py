"""What comes of a candidate, a task of a suite that may go into a file; made in worker processes, block by block.

A candidate's outcome depends on the suite and its index alone, so any number of workers makes the same file.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from multiprocessing.connection import wait

import numpy as np

from xview_training.sim.simulator import SimConfig, VoxelSim
from xview_training.tasks.packing import RECORD, pack
from xview_training.tasks.rejections import Rejection
from xview_training.tasks.suites import Suite
from xview_training.tasks.synthesis import Synthesiser

# One candidate. rejected: how often each kind of Rejection came up on the way, by their order. task: zeros if not made.
OUTCOME = np.dtype([("made", "?"), ("rejected", "<u2", (len(Rejection),)), ("task", RECORD)])
BLOCKS_AHEAD = 3  # for each worker: enough that none waits for the slowest


class CandidateMaker:
    """One world's buffers, and the outcomes of candidates in it."""

    def __init__(self) -> None:
        self._maker = Synthesiser(VoxelSim(SimConfig(1, 8, 8, threads=1)))  # nobody looks at its pictures

    def outcomes(self, suite: Suite, indices: np.ndarray) -> np.ndarray:
        """OUTCOME (len(indices),) of these tasks of the suite."""
        made = np.zeros(len(indices), OUTCOME)
        for row, index in zip(made, indices, strict=True):
            self._maker.rejected.clear()
            try:
                row["task"], row["made"] = pack(self._maker.make(0, suite, int(index)), suite.name), True
            except ValueError:
                self._maker.rejected[Rejection.NO_WORLD] += 1
            row["rejected"] = [self._maker.rejected[kind] for kind in Rejection]
        return made

    def close(self) -> None:
        """Ends its threads."""
        self._maker.sim.close()


_own: CandidateMaker  # a worker process's


def _start_worker() -> None:
    global _own
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent is told, and lets its workers finish their blocks
    _own = CandidateMaker()
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """A parent that is killed cannot tell its workers to end."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)


def _work(suite: Suite, indices: np.ndarray) -> np.ndarray:
    return _own.outcomes(suite, indices)


def in_this_process(suite: Suite, blocks: Iterator[np.ndarray]) -> Generator[np.ndarray, None, None]:
    """The outcomes of each block of indices, one block after the other."""
    maker = CandidateMaker()
    try:
        for indices in blocks:
            yield maker.outcomes(suite, indices)
    finally:
        maker.close()


def in_processes(workers: int, suite: Suite, blocks: Iterator[np.ndarray]) -> Generator[np.ndarray, None, None]:
    """The same, in the blocks' order, with `workers` processes; a few blocks ahead of what is taken."""
    context = multiprocessing.get_context("spawn")  # compiled code has threads, which a fork would lose
    pool = ProcessPoolExecutor(workers, context, _start_worker)
    try:
        yield from _in_order(lambda indices: pool.submit(_work, suite, indices), blocks, workers * BLOCKS_AHEAD)
    finally:
        pool.shutdown(cancel_futures=True)


def _in_order(
    submit: Callable[[np.ndarray], Future[np.ndarray]], blocks: Iterator[np.ndarray], ahead: int
) -> Iterator[np.ndarray]:
    waiting: deque[Future[np.ndarray]] = deque()
    for indices in blocks:
        waiting.append(submit(indices))
        if len(waiting) > ahead:
            yield waiting.popleft().result()
    while waiting:
        yield waiting.popleft().result()


def outcomes(workers: int, suite: Suite, blocks: Iterator[np.ndarray]) -> Generator[np.ndarray, None, None]:
    """OUTCOME (n,) of each block of indices, in order. Close it when enough is made."""
    return in_this_process(suite, blocks) if workers == 1 else in_processes(workers, suite, blocks)
