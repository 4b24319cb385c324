"""A stand-in for the package minerl: as much of its documented interface as a back-end uses, the game in a process.

MineRL 0.4.4 does not install with today's pip. Here are its specification class, handlers and Gym 0.x environment by
their documented names: reset() gives an observation, step(action) gives (observation, reward, done, info), an action is
a dict with a key a button, `camera` and `chat`. STAND_IN_MINERL chooses what the game reports: "0.4" or "1.0", or "1.0
without chat".
"""

import json
import os
import subprocess
import sys
import types

import numpy as np

VERSION = os.environ.get("STAND_IN_MINERL", "1.0")
GAME = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "flat_world.py")
OLD_CUSTOM = {
    "open_chest": "chest_opened",
    "interact_with_furnace": "furnace_interaction",
    "interact_with_crafting_table": "crafting_table_interaction",
    "tune_noteblock": "noteblock_tuned",
}


class Space:
    """A space that is only there to be named."""

    def __init__(self, *shape):
        self.shape = shape


class TranslationHandler:
    """A part of an observation."""

    def __init__(self, space):
        self.space = space


class Action:
    """A part of an action: to_hero gives its line of the message to the game."""

    def __init__(self, command, space):
        self.command, self.space = command, space

    def to_string(self):
        return self.command

    def to_hero(self, value):
        words = value.flatten().tolist() if isinstance(value, np.ndarray) else [value]
        return " ".join([self.command, *map(str, words)])


class KeybasedCommandAction(Action):
    """One key."""

    def __init__(self, command, *keys):
        super().__init__(command, Space())


class CameraAction(Action):
    """Pitch and yaw in degrees."""

    def __init__(self):
        super().__init__("camera", Space(2))


class POVObservation(TranslationHandler):
    """The picture."""

    def __init__(self, video_resolution):
        super().__init__(Space(*video_resolution))
        self.size = video_resolution

    def to_string(self):
        return "pov"

    def from_hero(self, info):
        return info["pov"]


class Condition:
    """A handler that only sets the game up."""

    def __init__(self, *args, **settings):
        self.settings = args, settings


class EnvSpec:
    """What an environment is made of."""

    def __init__(self, name, max_episode_steps=None):
        self.name = name
        self.observables, self.actionables = self.create_observables(), self.create_actionables()
        for create in ("agent_start", "agent_handlers", "monitors", "rewardables", "server_initial_conditions",
                       "server_decorators", "server_world_generators", "server_quit_producers"):  # fmt: skip
            getattr(self, "create_" + create)()

    def make(self):
        return Env(self)


class Env:
    """The Gym environment. Its game is a process of its own session, as MineRL starts it."""

    def __init__(self, spec):
        self._spec, self._size = spec, spec.observables[0].size
        self._game = subprocess.Popen(
            [sys.executable, GAME], stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True
        )

    def seed(self, seed):
        assert isinstance(seed, int)

    def reset(self):
        return self._ask({"reset": True})

    def step(self, action):
        lines = [
            h.to_hero(action[h.to_string()]).split(" ", 1) for h in self._spec.actionables if h.to_string() in action
        ]
        values = dict(lines)
        pressed = [key for key, value in values.items() if key not in ("camera", "chat") and int(value) == 1]
        camera = [float(word) for word in values["camera"].split()]
        return self._ask({"keys": pressed, "camera": camera, "chat": values.get("chat", "")}), 0.0, False, {}

    def _ask(self, request):
        width, height = self._size
        self._game.stdin.write(json.dumps(dict(request, size=[width, height])).encode() + b"\n")
        self._game.stdin.flush()
        answer = json.loads(self._game.stdout.readline().decode())
        picture = np.frombuffer(self._game.stdout.read(width * height * 3), np.uint8).reshape(height, width, 3)
        info = self._report(answer)
        info["pov"] = picture
        return {h.to_string(): h.from_hero(info) for h in self._spec.observables}

    def _report(self, answer):
        x, y, z = answer["feet"]
        info = {"xpos": x, "ypos": y, "zpos": z, "yaw": answer["yaw"], "pitch": answer["pitch"], "life": 20.0}
        for kind, name, count in answer["statistics"]:
            if VERSION != "0.4":
                info.setdefault(kind, {})[name] = count
            elif kind == "mined":
                info.setdefault("stat", {}).setdefault("mine_block", {}).setdefault("minecraft", {})[name] = count
            elif kind == "killed":
                info.setdefault("stat", {}).setdefault("kill_entity", {})[name] = count
            else:
                info.setdefault("stat", {})[OLD_CUSTOM.get(name, name)] = count
        return info


def _module(name, **content):
    module = types.ModuleType(name)
    module.__dict__.update(content)
    sys.modules[name] = module
    return module


_conditions = ["TimeInitialCondition", "SpawningInitialCondition", "DefaultWorldGenerator", "ServerQuitFromTimeUp",
               "ServerQuitWhenAnyAgentFinishes"]  # fmt: skip
_handlers = {
    "POVObservation": POVObservation,
    "KeybasedCommandAction": KeybasedCommandAction,
    "CameraAction": CameraAction,
}
if VERSION.startswith("1.0"):
    _conditions += ["LowLevelInputsAgentStart", "GuiScale", "GammaSetting", "FOVSetting", "FakeCursorSize"]
if VERSION == "1.0":
    _handlers["ChatAction"] = Action
_handlers.update((name, type(name, (Condition,), {})) for name in _conditions)
spaces = _module("minerl.herobraine.hero.spaces", Text=Space)
handlers = _module("minerl.herobraine.hero.handlers", **_handlers)
_module("minerl.herobraine")
_module("minerl.herobraine.env_spec", EnvSpec=EnvSpec)
_module("minerl.herobraine.hero", handlers=handlers, spaces=spaces)
_module("minerl.herobraine.hero.handlers.agent")
_module("minerl.herobraine.hero.handlers.agent.action", Action=Action)
_module("minerl.herobraine.hero.handlers.translation", TranslationHandler=TranslationHandler)
