"""Real Minecraft by name: `make("craftground")` or `make("minerl")`. Setting each up: docs/minecraft.md.

envs = make("minerl", environments=2, python="minerl-env/bin/python")
envs.assign(np.arange(2), iter(tasks))
"""

from __future__ import annotations

import dataclasses
import sys
from pathlib import Path
from typing import Any

from xview_deploy.segmentation.grabcut import propose
from xview_deploy.spec import ActionTable

from xview_training.envs.minecraft.building import DEFAULT_BUILDING, BuildSettings
from xview_training.envs.minecraft.commands import LEGACY, MODERN, Dialect
from xview_training.envs.minecraft.masks import Segmenter
from xview_training.envs.minecraft.playing import MinecraftEnvs
from xview_training.envs.minecraft.scene import BLOCK_NAMES, CREATURE_NAMES, USE_STATISTICS
from xview_training.envs.minecraft.supervisor import DEFAULT_DEADLINES, Deadlines, GameProcess
from xview_training.naming import named

HOSTS = Path(__file__).parent / "hosts"


@dataclasses.dataclass(frozen=True)
class Backend:
    """How a back-end is started, what its Minecraft speaks, and how to get it."""

    host: Path
    dialect: Dialect
    install_hint: str


BACKENDS = {
    "craftground": Backend(
        HOSTS / "craftground_host.py",
        MODERN,
        "Install it with: pip install 'xview-training[craftground]' (Java 21 and a display too: docs/minecraft.md)",
    ),
    "minerl": Backend(
        HOSTS / "minerl_host.py",
        MODERN,
        "Install MineRL 1.0 into an environment of its own, with Java 8: pip install "
        "git+https://github.com/minerllabs/minerl@v1.0.0, and give make(..., python=) its Python (docs/minecraft.md)",
    ),
    "minerl-0.4": Backend(
        HOSTS / "minerl_host.py",
        LEGACY,
        "Install MineRL 0.4.4 into an environment of its own, with Python 3.9 and Java 8: pip install minerl==0.4.4, "
        "and give make(..., python=) its Python (docs/minecraft.md)",
    ),
}


@dataclasses.dataclass(frozen=True)
class GameSettings:
    """What a game is started with. The picture is squeezed afterwards; its aspect is the agent's."""

    width: int = 320  # pixels
    height: int = 240
    world_seed: int = 1
    render_distance: int = 8  # chunks of 16 blocks; CraftGround only
    game_path: str = ""  # CraftGround: another folder with its gradlew


def make(
    backend: str,
    environments: int = 1,
    image_size: int = 64,
    python: str = sys.executable,
    game: GameSettings = GameSettings(),
    deadlines: Deadlines = DEFAULT_DEADLINES,
    building: BuildSettings = DEFAULT_BUILDING,
    actions: ActionTable | None = None,
    segment: Segmenter = propose,
) -> MinecraftEnvs:
    """Environments in that back-end. Games start at the first `assign`, which raises MissingBackendError without it.

    python: the interpreter that has the back-end's package; it may be older and another than this one. segment: cuts
    the target out of goal pictures where the back-end gives no depth. Raises ValueError for an unknown back-end.
    """
    chosen = named(BACKENDS, backend, "Minecraft back-end")
    settings = host_settings(game, chosen.dialect)
    games = [
        GameProcess(chosen.host, settings, python, deadlines, f"{chosen.install_hint}.") for _ in range(environments)
    ]
    return MinecraftEnvs(games, chosen.dialect, image_size, actions, building, segment)


def host_settings(game: GameSettings, dialect: Dialect) -> dict[str, Any]:
    """What the host is told: the game's settings, and the statistics to report."""
    return {
        "width": game.width,
        "height": game.height,
        "seed": game.world_seed,
        "render_distance": game.render_distance,
        "game_path": game.game_path,
        "mined": sorted({dialect.mined(name) for name in BLOCK_NAMES.values()}),
        "killed": sorted(set(CREATURE_NAMES.values())),
        "used": sorted({dialect.used(name) for name in USE_STATISTICS.values()}),
    }
