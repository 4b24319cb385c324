"""Keys that trigger something once: a beeper for "attack", a gripper for "use".

A policy holds a key for as long as it likes, and may let go of it for a moment; what it triggers on a robot happens
once a press. Knows neither ROS nor a clock.
"""

from __future__ import annotations

import dataclasses
import math
import re
from collections.abc import Iterable, Mapping

from xview_deploy.bases.robot_file import check_names, load_section
from xview_deploy.spec import ContractError

TRIGGER_KEYS = ("attack", "use", "jump", "sneak", "sprint")  # those of the training world that are no directions
SERVICE_NAME = re.compile(r"(~?/)?[A-Za-z_][A-Za-z0-9_]*(/[A-Za-z_][A-Za-z0-9_]*)*")


@dataclasses.dataclass(frozen=True)
class TriggerService:
    """What a key calls."""

    service: str  # name of a std_srvs/Trigger service; a relative one lies in the robot's namespace
    debounce_s: float = 0.3  # a key that is up for less was not let go of

    def __post_init__(self) -> None:
        if not SERVICE_NAME.fullmatch(self.service):
            raise ContractError(f"service: expected the name of a ROS service, got {self.service!r}")
        if not 0.0 <= self.debounce_s <= 60.0:
            raise ContractError(f"debounce_s: expected 0 to 60 seconds, got {self.debounce_s:g}")


def load_triggers(section: object) -> dict[str, TriggerService]:
    """The services by key, of a robot file's section `triggers`."""
    if not isinstance(section, dict):
        raise ContractError(f"triggers: expected keys and their services, got {section!r}")
    check_names(section, TRIGGER_KEYS, "triggers")
    return {key: load_section(TriggerService, fields, f"triggers.{key}") for key, fields in section.items()}


class Presses:
    """Tells new presses from held keys."""

    def __init__(self, triggers: Mapping[str, TriggerService]) -> None:
        self._triggers = triggers
        self._up_since_s: dict[str, float | None] = {}  # of keys that were pressed; None: still down

    def new(self, keys: Iterable[str], now_s: float) -> list[str]:
        """Services to call, where these keys are down now."""
        down = set(keys)
        called = []
        for key, trigger in self._triggers.items():
            if key not in down:
                if key in self._up_since_s and self._up_since_s[key] is None:
                    self._up_since_s[key] = now_s
                continue
            up_since_s = self._up_since_s.get(key, -math.inf)
            if up_since_s is not None and now_s - up_since_s >= trigger.debounce_s:
                called.append(trigger.service)
            self._up_since_s[key] = None
        return called

    def release(self) -> None:
        """All keys are up, for long: the next press is a new one."""
        self._up_since_s.clear()
