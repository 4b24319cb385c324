"""ViZDoom as a contestant: a world that others wrote, with the same kind of pictures (colour, object labels, depth).

It draws 160 x 120 in a process of its own, whose time counts. Install the extra `bench` of xview-training.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import psutil
import vizdoom

from xview_training.bench.turns import Contestant

SCENARIO = "deathmatch"  # monsters in a yard with rooms around it
WIDTH_PX, HEIGHT_PX = 160, 120


@contextlib.contextmanager
def _inside(folder: str) -> Iterator[None]:
    before = os.getcwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)


class Doom:
    """One game without a window or sound, played with random buttons, a tic at a time."""

    def __init__(self, seed: int):
        self._folder = tempfile.TemporaryDirectory(prefix="xview-vizdoom-")
        self._rng = np.random.default_rng(seed)
        self._restarting_s = 0.0
        mine = psutil.Process()
        before = set(mine.children(recursive=True))
        self._game = self._start(seed)
        self._processes = [child for child in mine.children(recursive=True) if child not in before]

    def _start(self, seed: int) -> vizdoom.DoomGame:
        game = vizdoom.DoomGame()
        game.load_config(str(Path(vizdoom.scenarios_path) / f"{SCENARIO}.cfg"))
        game.set_screen_resolution(vizdoom.ScreenResolution.RES_160X120)
        game.set_screen_format(vizdoom.ScreenFormat.RGB24)
        game.set_labels_buffer_enabled(True)
        game.set_depth_buffer_enabled(True)
        game.set_window_visible(False)
        game.set_mode(vizdoom.Mode.PLAYER)
        game.set_sound_enabled(False)
        game.add_game_args("-nosound")
        game.set_seed(seed)
        with _inside(self._folder.name):  # where it starts it leaves its settings and a folder
            game.init()
        return game

    def contestant(self) -> Contestant:
        """Steps; restarts have their own clock."""
        return Contestant(self._step, lambda: self._core_s() - self._restarting_s)

    def _core_s(self) -> float:
        times = [process.cpu_times() for process in self._processes]
        return time.process_time() + sum(spent.user + spent.system for spent in times)

    def _step(self) -> int:
        game = self._game
        if game.is_episode_finished():
            start_s = self._core_s()
            game.new_episode()
            self._restarting_s += self._core_s() - start_s
        game.make_action(self._rng.integers(0, 2, game.get_available_buttons_size()).tolist())
        state = game.get_state()
        if state is not None:  # none in the tic that ends an episode
            assert state.screen_buffer.shape == (HEIGHT_PX, WIDTH_PX, 3)
            for buffer in (state.labels_buffer, state.depth_buffer):
                assert buffer is not None
                assert buffer.shape == (HEIGHT_PX, WIDTH_PX)
        return 1

    def close(self) -> None:
        """Ends the game."""
        self._game.close()
        self._folder.cleanup()
