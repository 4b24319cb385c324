"""CraftGround's side of the conversation: Minecraft 1.21 in a process that its package starts.

Run by minecraft/supervisor.py with the Python that has craftground: `python craftground_host.py SOCKET_FD`.
"""

import os

import numpy as np
from serve import serve

MOUSE_STEP_DEG = 0.15  # the game turns by whole mouse steps of this, and drops the rest
NEAR_PLANE = 0.05  # blocks
FAR_PLANE_PER_CHUNK = 64.0  # blocks of the far plane for each chunk of render distance
NEARBY_BLOCKS = 48  # within which creatures are reported
KEYS = ("forward", "back", "left", "right", "jump", "sneak", "sprint", "attack", "use", "drop", "inventory")


def action(keys, pitch_deg, yaw_deg):
    """The package's action (V2_MINERL_HUMAN) of those keys and camera degrees."""
    wanted = {key: key in keys for key in KEYS}
    wanted.update({f"hotbar.{slot}": f"hotbar.{slot}" in keys for slot in range(1, 10)})
    wanted.update(camera_pitch=pitch_deg, camera_yaw=yaw_deg)
    return wanted


class Mouse:
    """Turns degrees into whole mouse steps and keeps what is left over for the next tick."""

    def __init__(self):
        self._left = 0.0

    def turn(self, degrees):
        """Degrees that the game turns exactly, a quarter step beyond so that its rounding down cannot lose one."""
        self._left += degrees
        steps = round(self._left / MOUSE_STEP_DEG)
        self._left -= steps * MOUSE_STEP_DEG
        return 0.0 if steps == 0 else (steps + (0.25 if steps > 0 else -0.25)) * MOUSE_STEP_DEG


def linear_depth(raw, far):
    """Blocks along the optical axis from the depth buffer's 0..1."""
    raw = np.asarray(raw, np.float64)
    return (NEAR_PLANE * far / (far - raw * (far - NEAR_PLANE))).astype(np.float32)


class CraftGroundGame:
    """One game. Settings: width, height, seed, mined, killed, used, render_distance."""

    def __init__(self, settings):
        from craftground.environment.action_space import ActionSpaceVersion
        from craftground.environment.environment import CraftGroundEnvironment
        from craftground.environment.socket_ipc import SocketIPC
        from craftground.initial_environment_config import InitialEnvironmentConfig
        from craftground.screen_encoding_modes import ScreenEncodingMode

        # It signals every java process that holds one of its sockets, other environments' games too; ours are ended
        # by the supervisor.
        SocketIPC.remove_orphan_java_processes = lambda self: None
        self._size = settings["height"], settings["width"]
        self._far = settings["render_distance"] * FAR_PLANE_PER_CHUNK
        config = InitialEnvironmentConfig(
            image_width=settings["width"],
            image_height=settings["height"],
            seed=str(settings["seed"]),
            hud_hidden=True,
            render_distance=settings["render_distance"],
            no_fov_effect=True,
            request_raycast=True,
            requires_depth=True,
            requires_depth_conversion=False,  # its conversion takes the far plane for a sixteenth of what it is
            screen_encoding_mode=ScreenEncodingMode.RAW,
            mined_stat_keys=settings["mined"],
            killed_stat_keys=settings["killed"],
            misc_stat_keys=settings["used"],
            surrounding_entity_distances=[NEARBY_BLOCKS],
        )
        self._env = CraftGroundEnvironment(
            config,
            action_space_version=ActionSpaceVersion.V2_MINERL_HUMAN,
            env_path=settings["game_path"] or None,
            port=20000 + os.getpid() % 40000,  # names a socket file; two games that start at once must differ
        )
        self._pitch, self._yaw = Mouse(), Mouse()
        self._env.reset(options={"fast_reset": False})

    def tick(self, keys, pitch_deg, yaw_deg, commands):
        """One tick with these keys; commands are carried out in it."""
        self._env.add_commands(list(commands))
        wanted = action(keys, self._pitch.turn(pitch_deg), self._yaw.turn(yaw_deg))
        return self._sight(self._env.step(wanted)[0])

    def revive(self):
        """Back to life after a death."""
        self._env.add_command("respawn")
        return self._sight(self._env.step(action([], 0.0, 0.0))[0])

    def _sight(self, seen):
        full = seen["full"]
        tables = (("mined", full.mined_statistics), ("killed", full.killed_statistics), ("used", full.misc_statistics))
        counts = {f"{what}:{name}": table[name] for what, table in tables for name in table}
        arrays = {"picture": np.asarray(seen["rgb"])}
        if len(full.depth) == self._size[0] * self._size[1]:
            raw = np.array(full.depth, np.float32).reshape(self._size)[::-1]  # the lowest row comes first
            arrays["depth"] = linear_depth(raw, self._far)
        message = {
            "feet": [full.x, full.y, full.z],
            "yaw_deg": full.yaw,
            "pitch_deg": full.pitch,
            "dead": bool(full.is_dead),
            "counts": counts,
            "aim": self._aim(full.raycast_result),
            "creatures": [
                [_name(one.translation_key), one.x, one.y, one.z]
                for one in full.surrounding_entities[NEARBY_BLOCKS].entities
            ],
        }
        return message, arrays

    def _aim(self, hit):
        """The block under the crosshair, None where there is none."""
        if hit.type != hit.BLOCK:
            return None
        return [hit.target_block.x, hit.target_block.y, hit.target_block.z]


def _name(translation_key):
    return translation_key.rsplit(".", 1)[-1]


if __name__ == "__main__":
    serve(CraftGroundGame)
