"""MineRL's side of the conversation, for 0.4.x (Minecraft 1.11.2) and 1.0 (1.16.5).

Run by minecraft/supervisor.py with the Python that has minerl: `python minerl_host.py SOCKET_FD`. The environment is a
specification of its own: the picture, the player's statistics as they come, the keys, and chat for commands.
"""

from typing import Any

import numpy as np
from serve import serve

KEYS = ("forward", "back", "left", "right", "jump", "sneak", "sprint", "attack", "use", "drop", "inventory")
HOTBAR = tuple(f"hotbar.{slot}" for slot in range(1, 10))
EPISODE_MS = 24 * 60 * 60 * 1000  # the environment ends episodes, not the game
NO_CHAT = (
    "this MineRL's game takes no commands, which tasks are built with: of MineRL 1.0 only the branch v1.0.0 does "
    "(docs/minecraft.md)"
)


def action(keys, pitch_deg, yaw_deg):
    """The package's action of those keys and camera degrees; `chat` is absent where there is nothing to say."""
    pressed = {key: int(key in keys) for key in KEYS + HOTBAR}
    return dict(pressed, camera=np.array([pitch_deg, yaw_deg], np.float32))


def counts(info, names):
    """Statistics by "mined:NAME", "killed:NAME" and "used:NAME" out of what either version reports."""
    old = info.get("stat", {})
    mined = info.get("mined") or old.get("mine_block", {}).get("minecraft", {})
    killed = info.get("killed") or old.get("kill_entity", {})
    used = info.get("custom") or old
    found = {}
    for what, table in (("mined", mined), ("killed", killed), ("used", used)):
        for name in names[what]:
            value = table.get(name, 0)
            found[f"{what}:{name}"] = int(value) if isinstance(value, (int, float)) else 0
    return found


def own_handlers():
    """The handlers that the package lacks: (Report, Chat)."""
    from minerl.herobraine.hero import spaces
    from minerl.herobraine.hero.handlers.agent.action import Action
    from minerl.herobraine.hero.handlers.translation import TranslationHandler

    class Report(TranslationHandler):
        """The game's own report, as it comes."""

        def __init__(self):
            super().__init__(spaces.Text([1]))

        def to_string(self):
            return "report"

        def xml_template(self):
            return "<ObservationFromFullStats/>"

        def from_hero(self, info):
            return {name: value for name, value in info.items() if name != "pov"}

    class Chat(Action):
        """What the player says; a leading slash makes it a command."""

        def __init__(self):
            super().__init__("chat", spaces.Text([1]))

        def xml_template(self):
            return "<ChatCommands/>"

    return Report, Chat


def bare_spec():
    """The package's specification class, without goals, monitors or decorations."""
    from minerl.herobraine.env_spec import EnvSpec

    class BareSpec(EnvSpec):
        """A world that asks for nothing."""

        def create_rewardables(self):
            return []

        def create_agent_handlers(self):
            return []

        def create_monitors(self):
            return []

        def create_server_decorators(self):
            return []

        def is_from_folder(self, folder):
            return False

        def determine_success_from_rewards(self, rewards):
            return False

        def get_docstring(self):
            return ""

    return BareSpec


def make_spec(settings):
    """The environment's specification, made of the installed package's handlers."""
    from minerl.herobraine.hero import handlers

    modern = hasattr(handlers, "LowLevelInputsAgentStart")
    if modern and not hasattr(handlers, "ChatAction"):
        raise ImportError(NO_CHAT)
    Bare: Any = bare_spec()
    Report, Chat = own_handlers()

    class CrossViewSpec(Bare):
        """A survival world of any kind; who asks decides what counts."""

        def create_observables(self):
            return [handlers.POVObservation((settings["width"], settings["height"])), Report()]

        def create_actionables(self):
            pressed = [handlers.KeybasedCommandAction(key, key) for key in KEYS + HOTBAR]
            return pressed + [handlers.CameraAction(), Chat()]

        def create_agent_start(self):
            if not modern:
                return []
            return [
                handlers.LowLevelInputsAgentStart(),
                handlers.GuiScale(1.0),
                handlers.GammaSetting(0.0),
                handlers.FOVSetting(70.0),
                handlers.FakeCursorSize(16),
            ]

        def create_server_initial_conditions(self):
            return [
                handlers.TimeInitialCondition(allow_passage_of_time=False, start_time=6000),
                handlers.SpawningInitialCondition(allow_spawning=False),
            ]

        def create_server_world_generators(self):
            return [handlers.DefaultWorldGenerator(force_reset=True, generator_options="")]

        def create_server_quit_producers(self):
            return [handlers.ServerQuitFromTimeUp(EPISODE_MS), handlers.ServerQuitWhenAnyAgentFinishes()]

    return CrossViewSpec("XViewCrossView-v0")


class MineRLGame:
    """One game. Settings: width, height, seed, mined, killed, used."""

    def __init__(self, settings):
        import minerl  # noqa: F401  (registers what its own classes need)

        self._settings = settings
        self._env = make_spec(settings).make()
        self._seen = {}
        self._begin()

    def _begin(self):
        self._env.seed(self._settings["seed"])
        self._seen, self._over = self._env.reset(), False

    def tick(self, keys, pitch_deg, yaw_deg, commands):
        """One tick with these keys; each command takes a tick of its own before it."""
        for command in commands:
            said = action([], 0.0, 0.0)
            said["chat"] = "/" + command
            self._step(said)
        self._step(action(keys, pitch_deg, yaw_deg))
        return self._sight()

    def revive(self):
        """A new episode after a death."""
        self._begin()
        return self._sight()

    def _step(self, wanted):
        if self._over:
            return  # the player is dead: the game takes no more steps
        self._seen, _, self._over, info = self._env.step(wanted)
        if "error" in info:  # its socket timed out; the observation is a random sample
            raise RuntimeError(info["error"])

    def _sight(self):
        report = self._seen["report"]
        message = {
            "feet": [float(report[name]) for name in ("xpos", "ypos", "zpos")],
            "yaw_deg": (float(report["yaw"]) + 180.0) % 360.0 - 180.0,
            "pitch_deg": float(report["pitch"]),
            "dead": bool(self._over or float(report.get("life", 1.0)) <= 0.0),
            "counts": counts(report, self._settings),
            "aim": None,
            "creatures": [],
        }
        return message, {"picture": np.asarray(self._seen["pov"])}


if __name__ == "__main__":
    serve(MineRLGame)
