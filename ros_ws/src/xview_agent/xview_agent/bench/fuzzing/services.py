"""Fuzzing of services that the nodes offer: their parameters, the rooms of the simulated robot."""

from __future__ import annotations

from typing import Any

from rcl_interfaces.msg import Parameter, ParameterType, ParameterValue
from rcl_interfaces.srv import GetParameters, ListParameters, SetParametersAtomically
from rclpy.client import Client
from xview_interfaces.srv import LoadTrial

from xview_agent import topics
from xview_agent.bench.fuzzing.ears import Ears, refusal
from xview_agent.bench.fuzzing.kinds import TAKEN
from xview_agent.bench.fuzzing.mutation import Mutator


class Parameters:
    """Of every node, by the service that sets several at once. What was taken is set back."""

    name, share = "parameters", 15
    NODES = ("gate", "policy", "twin", "camera", "console")

    def __init__(self, ears: Ears) -> None:
        self._ears = ears
        service, kind = ears.node.create_client, SetParametersAtomically
        self._set: dict[str, Client] = {n: service(kind, f"{n}/set_parameters_atomically") for n in self.NODES}
        self._values = {node: self._declared(node) for node in self.NODES}

    def _declared(self, node: str) -> list[Parameter]:
        lists: Client = self._ears.node.create_client(ListParameters, f"{node}/list_parameters")
        gets: Client = self._ears.node.create_client(GetParameters, f"{node}/get_parameters")
        names = list(self._ears.call(lists, ListParameters.Request()).result.names)
        values = self._ears.call(gets, GetParameters.Request(names=names)).values
        return [Parameter(name=name, value=value) for name, value in zip(names, values, strict=True)]

    def attempt(self, mutator: Mutator) -> str:
        """See `Kind.attempt`."""
        node = mutator.random.choice(self.NODES)
        before = mutator.random.choice(self._values[node])
        changed = Parameter(name=before.name, value=self._mutated(before.value, mutator))
        if mutator.random.random() < 0.1:
            changed.name = mutator.text(before.name)
        result = self._ask(node, changed)
        if not result.successful:
            return refusal(result.reason)
        self._ask(node, before)
        return TAKEN

    def _ask(self, node: str, parameter: Parameter) -> Any:
        request = SetParametersAtomically.Request(parameters=[parameter])
        return self._ears.call(self._set[node], request).result

    @staticmethod
    def _mutated(value: ParameterValue, mutator: Mutator) -> ParameterValue:
        chance = mutator.random
        changed = ParameterValue(
            type=value.type,
            bool_value=value.bool_value,
            integer_value=value.integer_value,
            double_value=value.double_value,
            string_value=value.string_value,
            double_array_value=list(value.double_array_value),
            string_array_value=list(value.string_array_value),
        )
        if chance.random() < 0.3:
            changed.type = chance.randrange(ParameterType.PARAMETER_STRING_ARRAY + 1)
        changed.bool_value = chance.random() < 0.5
        changed.integer_value = mutator.whole(value.integer_value)
        changed.double_value = mutator.number(value.double_value)
        changed.string_value = mutator.text(value.string_value)
        changed.double_array_value = [mutator.number(item) for item in value.double_array_value]
        return changed


class Trials:
    """To the simulated robot: rooms that are asked for."""

    name, share = "trials", 1

    def __init__(self, ears: Ears) -> None:
        self._ears = ears
        self._load: Client = ears.node.create_client(LoadTrial, topics.LOAD_TRIAL)

    def attempt(self, mutator: Mutator) -> str:
        """See `Kind.attempt`."""
        request = mutator.message(LoadTrial.Request(seed=0, difficulty="near"))
        response = self._ears.call(self._load, request)
        return TAKEN if response.ok else refusal(response.message)
