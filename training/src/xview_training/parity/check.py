"""Does a bundle do what the policy does? Both play the same rollouts, each with its own goals and its own memory.

The policy in torch acts; at each step both choose twice, the most likely action and one drawn with the same random
numbers, and the report says how many choices agreed and how far the numbers were apart at worst. How many must agree
depends on the precision; with fewer there is no bundle. On wish both also play a suite's tasks for their success.

    report = check_parity(policy, bundle, ParitySettings())
"""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Iterator
from typing import Any

import torch
from xview_deploy.bundle import Bundle
from xview_deploy.runtime.execution import Execution
from xview_deploy.runtime.network import Network
from xview_deploy.runtime.onnx_graphs import Graphs
from xview_deploy.trials.intervals import Rate, wilson

from xview_training.evaluation.episodes import Selection, play
from xview_training.evaluation.players import NetworkPlayer
from xview_training.parity.rollout import Rollout, RolloutParity
from xview_training.parity.scenes import RandomInputs, RandomScenes, Scenes, WorldScenes
from xview_training.policy.cross_view import CrossViewPolicy
from xview_training.tasks.suites import suite_named
from xview_training.torch_network import TorchNetwork

# Share of the choices that must agree in each rollout. Fewer bits move logits that lie close together past each
# other: such choices the policy itself would make either way. Trained policies agreed in 99.9 % (fp16) and in 97.3 to
# 99.2 % (int8), and reached as many targets.
AGREEMENT = {"fp32": 1.0, "fp16": 0.99, "int8": 0.95}


class ExportError(ValueError):
    """The bundle would not do what the policy does; none was written."""


@dataclasses.dataclass(frozen=True)
class ParitySettings:
    """The rollouts that compare both."""

    steps: int = 200  # of the random rollout
    batch: int = 3
    goal_every: int = 50  # steps until all rows get new goals, with their memories kept
    forget_every: int = 70  # steps until the first row starts with an empty memory
    world_steps: int = 200  # of the rollout in the voxel world; 0 leaves it out
    world_batch: int = 8  # tasks at a time
    suite: str = "robot"  # where the world's tasks come from
    episodes: int = 0  # tasks that both play for their success; 0 leaves it out
    seed: int = 0


@dataclasses.dataclass(frozen=True)
class ParityReport:
    """What the comparison found; nothing where a part was left out."""

    precision: str
    provider: str
    suite: str
    rollouts: dict[str, RolloutParity]  # random, world
    success: dict[str, Rate]  # torch, bundle: on the same tasks with the same random numbers

    def figures(self) -> dict[str, dict[str, float]]:
        """All numbers by part, as the bundle's metadata carries them."""
        rollouts = {name: dataclasses.asdict(rollout) for name, rollout in self.rollouts.items()}
        return rollouts | {f"{self.suite}, {name}": rate._asdict() for name, rate in self.success.items()}

    def as_json(self) -> dict[str, Any]:
        """The whole report."""
        return {"precision": self.precision, "provider": self.provider, "suite": self.suite} | self.figures()


def check_parity(policy: CrossViewPolicy, bundle: Bundle, settings: ParitySettings) -> ParityReport:
    """Plays and compares; ExportError with the first choice that differs where too few agree."""
    # The policy is on the CPU too: what differs is the export's doing.
    graphs = Graphs(bundle, Execution(provider="cpu"))
    networks: dict[str, Network] = {"torch": TorchNetwork(policy), "bundle": graphs}
    precision = bundle.metadata.precision
    with _one_thread():
        rollouts = {}
        for name, scenes, steps in _scenes(policy, settings):
            rollout = Rollout(networks["torch"], networks["bundle"], scenes, settings.seed)
            rollouts[name] = _checked(rollout, name, steps, precision)
        players = {name: NetworkPlayer(network, name, settings.seed) for name, network in networks.items()}
        success = {name: _success(p, policy, settings) for name, p in players.items() if settings.episodes}
    return ParityReport(precision, graphs.provider, settings.suite, rollouts, success)


def _scenes(policy: CrossViewPolicy, settings: ParitySettings) -> Iterator[tuple[str, Scenes, int]]:
    side, sizes = policy.config.image_size, policy.config.action_sizes
    inputs = RandomInputs(side, sizes, settings.batch, settings.seed)
    yield "random", RandomScenes(inputs, settings.goal_every, settings.forget_every), settings.steps
    if settings.world_steps:
        world = WorldScenes(suite_named(settings.suite), side, settings.world_batch, settings.seed)
        yield "world", world, settings.world_steps
        world.close()


def _success(player: NetworkPlayer, policy: CrossViewPolicy, settings: ParitySettings) -> Rate:
    selection = Selection(suite_named(settings.suite), settings.episodes, settings.seed)
    played = play(player, selection, policy.config.image_size)
    return wilson(sum(episode.success for episode in played), len(played))


@contextlib.contextmanager
def _one_thread() -> Iterator[None]:
    """Batches this small gain nothing from threads, and beside a busy process they wait for each other."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def _checked(rollout: Rollout, name: str, steps: int, precision: str) -> RolloutParity:
    result = rollout.play(steps)
    if result.agreement < AGREEMENT[precision]:
        raise ExportError(
            f"{name} rollout: expected {100 * AGREEMENT[precision]:g} % of the choices of {precision} to agree with "
            f"torch, got {100 * result.agreement:.2f} %; the first that differs: {rollout.first_difference}; no "
            "bundle was written. Does the policy keep anything between steps outside its state?"
        )
    return result
