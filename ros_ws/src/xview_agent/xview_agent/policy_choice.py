"""Which policy the policy node runs: a bundle's, or one of the random ones that it is measured against."""

from __future__ import annotations

from rclpy.node import Node
from xview_deploy.runtime.execution import Execution
from xview_deploy.runtime.onnx_policy import OnnxPolicy
from xview_deploy.runtime.policy import Policy
from xview_deploy.runtime.random_policy import ForwardBiasedRandomPolicy, RandomPolicy
from xview_deploy.shipped import bundle_path
from xview_deploy.spec import ContractError

from xview_agent.parameters import Described, declared, declared_settings

BUNDLE = "bundle"
CHOICES = (BUNDLE, RandomPolicy.name, ForwardBiasedRandomPolicy.name)
EXECUTION = {
    "provider": Described("what runs the bundle: auto (CUDA if it loads, else the CPU), cpu, cuda or tensorrt"),
    "require_gpu": Described("refuse to run the bundle on the CPU"),
    "threads": Described("of the processor, for one decision; one is best beside busy processes", 1, 64),
    "cuda_graph": Described("replay each step as one recorded CUDA graph; with provider cuda"),
    "engine_cache": Described("folder of TensorRT's engines; empty: in the user's cache folder"),
}


class PolicyChoice:
    """Declares the parameters that a policy is made of; the kind may change while the node runs."""

    def __init__(self, node: Node) -> None:
        self._bundle = declared(node, "bundle", "", "path of the policy's bundle, or small or five; empty: small")
        self._execution = declared_settings(node, Execution(), EXECUTION)
        self.kind = declared(node, "policy", BUNDLE, f"one of {', '.join(CHOICES)}; may change", read_only=False)

    def make(self, kind: str) -> Policy:
        """The policy of that kind; ContractError where there is none or its bundle cannot run."""
        if kind == BUNDLE:
            return OnnxPolicy.load(bundle_path(self._bundle), self._execution)
        if kind == RandomPolicy.name:
            return RandomPolicy()
        if kind == ForwardBiasedRandomPolicy.name:
            return ForwardBiasedRandomPolicy()
        raise ContractError(f"parameter policy: expected {', '.join(CHOICES[:-1])} or {CHOICES[-1]}, got {kind!r}")
