"""From a bundle back to a policy that can go on learning: who has nothing but the bundle can start from it.

The exporter keeps most parameters by their names. Matrices it writes transposed and nameless, in the order in which
they are used, and a memory's bias by offset spread over its window. So these are told apart by shape and order, and
before a policy is handed out it plays beside its bundle (parity/check.py): a wrong guess is an error, never a policy.

    policy = starting_policy(Path("small"))
"""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import numpy_helper
from torch import Tensor
from xview_deploy.bundle import Bundle, read_bundle

from xview_training.naming import bundle_or_run
from xview_training.parity.check import ExportError, ParitySettings, check_parity
from xview_training.policy.cross_view import CrossViewPolicy
from xview_training.policy.small import SmallPolicy, SmallPolicyConfig
from xview_training.trained import load_policy

SUFFIX = ".xview"
Constants = dict[str, np.ndarray]


def starting_policy(source: Path) -> CrossViewPolicy:
    """What training begins with: the averaged policy of a run or a checkpoint, or that of a bundle (*.xview, "five").

    ValueError where it is none of these.
    """
    found = bundle_or_run(source)
    return policy_from_bundle(found) if found.suffix == SUFFIX else load_policy(found)[0]


def policy_from_bundle(path: Path) -> CrossViewPolicy:
    """The policy of an fp32 bundle of `small`; ValueError where it is another one, or holds other sizes than ours."""
    bundle = read_bundle(path)
    metadata = bundle.metadata
    if (metadata.policy, metadata.precision) != ("small", "fp32"):
        raise ValueError(
            f"{path}: expected a bundle of policy small in fp32, got {metadata.policy} in {metadata.precision}; "
            "go on from its training run's checkpoint"
        )
    config = SmallPolicyConfig(image_size=metadata.image_size, action_sizes=metadata.actions.sizes)
    policy = SmallPolicy(config).eval()
    try:
        policy.load_state_dict(_parameters(policy, bundle))
        check_parity(policy, bundle, ParitySettings(steps=40, world_steps=0))
    except (RuntimeError, ExportError) as error:
        raise ValueError(f"{path}: expected a bundle of policy small in its own sizes: {error}") from error
    return policy


def _parameters(policy: SmallPolicy, bundle: Bundle) -> dict[str, Tensor]:
    """What could be told apart, by name."""
    step, goal = (_constants(graph) for graph in (bundle.step, bundle.goal))
    shapes = {name: tuple(tensor.shape) for name, tensor in policy.state_dict().items()}
    found: Constants = {}
    for graph in (goal, step):
        for name, shape in shapes.items():
            constant = graph.get(f"policy.{name}")
            if constant is not None and constant.shape == shape:
                found[name] = constant
    left = {name: shape for name, shape in shapes.items() if name not in found}
    window = policy.config.memory_window
    spread = [c for c in step.values() if c.ndim == 3 and c.shape[1:] == (1, window + 1)]
    offsets = [name for name in left if name.endswith("offset_bias")]
    found |= {name: bias[:, 0, window:0:-1] for name, bias in zip(offsets, spread, strict=False)}
    nameless = [constant for name, constant in step.items() if not name.startswith("policy.")]
    found |= _transposed({name: shape for name, shape in left.items() if name not in offsets}, nameless)
    return {name: torch.tensor(array.copy()) for name, array in found.items()}


def _transposed(wanted: dict[str, tuple[int, ...]], constants: list[np.ndarray]) -> Constants:
    """The constants whose transposes have the wanted shapes, the first of each shape for the first name."""
    by_shape: defaultdict[tuple[int, ...], list[np.ndarray]] = defaultdict(list)
    for constant in constants:
        by_shape[constant.shape].append(constant)
    found: Constants = {}
    for name, shape in wanted.items():
        candidates = by_shape[tuple(reversed(shape))]
        if candidates:
            found[name] = candidates.pop(0).T
    return found


def _constants(graph: bytes) -> Constants:
    """What a serialised ONNX model holds, in its order."""
    return {c.name: numpy_helper.to_array(c) for c in onnx.load_from_string(graph).graph.initializer}
