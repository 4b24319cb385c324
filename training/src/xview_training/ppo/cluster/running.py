"""A run over a Ray cluster, or on this machine alone: who runs where, who watches whom, and how it goes.

The driver makes the index and the weights' actor beside itself, the rollouts in their places, and the learners under
Ray Train, which restarts them; all of them end with the driver. What must survive lies in the run's folder: the same
command goes on where a stopped run was.
"""

from __future__ import annotations

import dataclasses
import logging
import math
import os
import threading
import time
import uuid
from collections.abc import Callable
from typing import Any

import ray
import ray.train
import ray.train.torch
from ray.exceptions import ActorDiedError
from ray.train import FailureConfig, RunConfig, ScalingConfig
from ray.train.torch import TorchConfig, TorchTrainer
from ray.util.placement_group import remove_placement_group

from xview_training import checkpoints
from xview_training.policy.cross_view import CrossViewPolicy
from xview_training.ppo.cluster.actors import Hosts, IndexHost, WeightsHost, ask, ask_first, hosted
from xview_training.ppo.cluster.learning import ClusterLearner
from xview_training.ppo.cluster.places import LEARNERS, bundle, reserve
from xview_training.ppo.cluster.plan import ClusterRun
from xview_training.ppo.cluster.rollouts import Rollouts
from xview_training.ppo.cluster.settings import ClusterSettings
from xview_training.ppo.store import StoreStatus
from xview_training.runs.budget import share_done

LOG = logging.getLogger(__name__)
LOOK_EVERY_S = 0.25
STOPPED_WITHIN_S = 60.0
LOCAL_OBJECT_STORE_BYTES = 512 * 2**20  # holds two versions of the weights, and little else
# Ray's own habits that do not suit: telemetry, changing the working directory, hiding GPUs from processes without.
# And OpenMP's: see `let_waiting_threads_sleep`.
ENVIRONMENT = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_CHDIR_TO_TRIAL_DIR": "0",
    "RAY_TRAIN_METRICS_ENABLED": "0",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
    "OMP_WAIT_POLICY": "PASSIVE",
}


@dataclasses.dataclass(frozen=True)
class Progress:
    """A look at a run."""

    trained: int  # decisions
    version: int
    figures: dict[str, float]  # the learner's latest
    store: StoreStatus
    decisions_per_second: float  # played, since the driver began
    restarts: dict[str, int]  # since the driver began, by who was restarted
    pids: dict[str, int]
    troubles: tuple[str, ...]  # what died or hung, and why

    def line(self, run: ClusterRun) -> str:
        """For the terminal."""
        elapsed_s = self.figures.get("elapsed_s", 0.0)
        share = share_done(run.experiment, self.trained, elapsed_s)
        left = f"{elapsed_s * (1 - share) / share / 60:.0f} min" if share else "?"
        counts = self.store.counts
        restarts = " ".join(f"{name} {count}" for name, count in self.restarts.items() if count) or "none"
        success = self.figures.get("rollout_success")
        return (
            f"{100 * share:5.1f} %  {self.trained:,} decisions  {self.decisions_per_second:,.0f}/s played  "
            f"ETA {left}  version {self.version}  waiting {self.store.waiting} staleness {self.store.staleness:.1f}"
            f"{'' if success is None else f'  success {success:.3f}'}  stale {counts.stale:,} lost {counts.lost:,} "
            f"damaged {counts.damaged_files}  restarts: {restarts}"
        )


def start_ray(address: str | None, settings: ClusterSettings) -> bool:
    """Joins the cluster at `address`, or starts one on this machine; whether one was started or joined just now.

    ValueError where it has too little for the run.
    """
    for name, value in ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    began = not ray.is_initialized()
    if began and address is None:
        ray.init(
            address="local",
            num_cpus=math.ceil(settings.cpus),
            object_store_memory=LOCAL_OBJECT_STORE_BYTES,
            include_dashboard=False,
            log_to_driver=False,
            logging_level=logging.WARNING,
            _node_ip_address="127.0.0.1",
        )
    elif began:
        try:
            # Processes of a cluster that runs already have the environment of its nodes, not this one's.
            ray.init(
                address=address,
                log_to_driver=False,
                logging_level=logging.WARNING,
                runtime_env={"env_vars": ENVIRONMENT},
            )
        except ConnectionError as error:
            raise ValueError(
                f"--cluster {address}: expected a Ray cluster there, and RAY_AUTH_MODE=token where it wants a token: "
                f"{error}"
            ) from error
    _check_resources(settings)
    return began


def _check_resources(settings: ClusterSettings) -> None:
    held = ray.cluster_resources()
    for name, needed in (("CPU", settings.cpus), ("GPU", settings.gpus)):
        if held.get(name, 0.0) < needed:
            raise ValueError(f"the run reserves {needed:g} {name}, the cluster has {held.get(name, 0.0):g}")


def write_reference(run: ClusterRun, policy: CrossViewPolicy) -> None:
    """Puts the policy that a new run starts from where all nodes read it."""
    record = dataclasses.asdict(policy.config)  # type: ignore[call-overload]
    tensors = checkpoints.module_tensors(policy, "policy")
    checkpoints.save(run.reference, 0, tensors, {"experiment": {"policy": record}}, keep=1)


class Driver:
    """A run under way. Ray has been started before."""

    def __init__(self, run: ClusterRun):
        """ValueError where another run keeps the folder's journal, or the processes find no places in the cluster."""
        self.run = run
        driver = uuid.uuid4().hex[:12]
        self._hosts = Hosts(f"index-{driver}", f"weights-{driver}")
        self._index = hosted(self._hosts.index_name, IndexHost, run.fragments, run.store)
        self._learners = ask_first(self._index.status.remote)[1].learners  # that had begun before this driver
        self._places = reserve(run.settings)
        self._weights = hosted(self._hosts.weights_name, WeightsHost)
        self._rollouts = Rollouts(run, self._hosts, self._places)
        self._began_s = time.monotonic()
        self._scanned_s = time.monotonic()
        self._seen: dict[str, list[int]] = {"index": [], "weights": []}  # their processes, one after the other
        self._ended: list[BaseException | None] = []  # how the learners ended
        self._learners_thread = threading.Thread(target=self._learn, daemon=True)

    def train(self, look: Callable[[Progress], None]) -> Progress:
        """To the run's end; `look` is called several times a second. The learners' last error is raised."""
        learners = self._learners_thread
        learners.start()
        try:
            while learners.is_alive():
                _, status = ask(self._index.status.remote)
                self._rollouts.keep_playing(status, LOOK_EVERY_S)
                if not self._rollouts.playing:
                    learners.join(LOOK_EVERY_S)
                self._scan_now_and_then()
                look(self.progress())
            if self._ended[0] is not None:
                raise self._ended[0]
            return self.progress()
        finally:
            self.close()

    def progress(self) -> Progress:
        """How it goes."""
        index_pid, store = ask(self._index.status.remote)
        weights_pid, version, figures = ask(self._weights.figures.remote)
        for name, pid in (("index", index_pid), ("weights", weights_pid)):
            if pid not in self._seen[name]:
                self._seen[name].append(pid)
        rollouts = self._rollouts
        pids = {f"rollout{number}": played.pid for number, played in rollouts.latest.items()}
        pids |= {"index": index_pid, "weights": weights_pid, "learner": int(figures.get("pid", 0))}
        return Progress(
            trained=store.counts.trained,
            version=version,
            figures=figures,
            store=store,
            decisions_per_second=rollouts.decisions / (time.monotonic() - self._began_s),
            restarts={
                "rollouts": rollouts.restarts,
                "worlds": sum(len(played.hung) for played in rollouts.latest.values()),
                "index": len(self._seen["index"]) - 1,
                "weights": len(self._seen["weights"]) - 1,
                "learner": max(0, store.learners - self._learners - 1),
            },
            pids=pids,
            troubles=(*rollouts.reasons, *(why for played in rollouts.latest.values() for why in played.hung)),
        )

    def close(self) -> None:
        """Ends what the driver made. Learners that find the index ended write a checkpoint and end, too."""
        self._rollouts.close()
        ray.kill(self._index)
        self._learners_thread.join(STOPPED_WITHIN_S)
        ray.kill(self._weights)
        remove_placement_group(self._places)

    def _scan_now_and_then(self) -> None:
        if time.monotonic() - self._scanned_s > self.run.settings.scan_every_s:
            self._scanned_s = time.monotonic()
            self._index.scan.remote()

    def _learn(self) -> None:
        settings = self.run.settings
        trainer = TorchTrainer(
            learn,
            train_loop_config={"run": self.run, "hosts": self._hosts},
            torch_config=TorchConfig(backend="nccl" if settings.learner_gpus else "gloo"),
            scaling_config=ScalingConfig(
                num_workers=settings.learners,
                use_gpu=settings.learner_gpus > 0,
                resources_per_worker=bundle(settings.learner_cpus, settings.learner_gpus),
                placement_strategy=LEARNERS,
            ),
            run_config=RunConfig(
                name="learners",
                storage_path=str(self.run.folder / "ray"),
                failure_config=FailureConfig(  # type: ignore[call-arg]
                    max_failures=settings.learner_restarts,
                    controller_failure_limit=settings.learner_restarts,  # starts without places, a minute each
                ),
                logging_config=ray.train.LoggingConfig(log_level="ERROR"),  # type: ignore[call-arg]
            ),
        )
        try:
            trainer.fit()
        except BaseException as error:
            self._ended.append(error)
        else:
            self._ended.append(None)


def learn(config: dict[str, Any]) -> None:
    """What Ray Train runs in each learner's process, again after each restart."""
    context = ray.train.get_context()
    place = context.get_world_rank(), context.get_world_size(), ray.train.torch.get_device()
    try:
        ClusterLearner(config["run"], config["hosts"], *place).train()
    except ActorDiedError:
        LOG.warning("the driver has ended the run")
