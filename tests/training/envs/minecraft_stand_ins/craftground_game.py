"""A stand-in for the Java process that CraftGround starts: the flat world behind CraftGround's own socket and messages.

Run by a gradlew of the test's making, with the Python that has craftground. The messages are the package's own.
"""

import os
import socket
import struct

import numpy as np
from craftground.proto.action_space_pb2 import ActionSpaceMessageV2
from craftground.proto.initial_environment_pb2 import InitialEnvironmentMessage
from craftground.proto.observation_space_pb2 import ObservationSpaceMessage
from flat_world import FlatWorld, announce

NEAR = 0.05
KEYS = ("attack", "back", "forward", "jump", "left", "right", "sneak", "sprint", "use", "drop")


def read(connection, message):
    """The next message of the other side."""
    length = struct.unpack("<I", connection.recv(4, socket.MSG_WAITALL))[0]
    message.ParseFromString(connection.recv(length, socket.MSG_WAITALL))
    return message


def degrees(asked):
    """What the game makes of an angle: whole mouse steps of 0.15 degrees, the rest dropped."""
    return int(np.float32(asked) * 20.0 / 3) * 0.15


def observation(world, settings):
    """The message of a tick."""
    seen = ObservationSpaceMessage()
    picture, depth = world.draw()
    seen.image = picture[::-1].tobytes()
    far = settings.render_distance * 64.0
    raw = np.where(np.isfinite(depth), (far - NEAR * far / np.maximum(depth, NEAR)) / (far - NEAR), 1.0)
    seen.depth.extend(raw[::-1].ravel().tolist())
    seen.x, seen.y, seen.z = world.feet
    seen.yaw, seen.pitch, seen.is_dead = world.yaw, world.pitch, world.dead
    aim = world.aim()
    if settings.request_raycast and aim is not None:
        seen.raycast_result.type = 1
        block = seen.raycast_result.target_block
        block.x, block.y, block.z = aim
    counted = world.statistics
    for table, kind, keys in (
        (seen.mined_statistics, "mined", settings.minedStatKeys),
        (seen.killed_statistics, "killed", settings.killedStatKeys),
        (seen.misc_statistics, "custom", settings.miscStatKeys),
    ):
        for key in keys:
            table[key] = counted.get((kind, key), 0)
    for distance in settings.surroundingEntityDistances:
        for name, x, y, z, health in world.creatures:
            found = seen.surrounding_entities[distance].entities.add()
            found.translation_key, found.x, found.y, found.z, found.health = "entity.minecraft." + name, x, y, z, health
    return seen


def main():
    """Plays one connection."""
    announce()
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(f"/tmp/minecraftrl_{os.environ['PORT']}.sock")
    listener.listen(1)
    connection, _ = listener.accept()
    settings = read(connection, InitialEnvironmentMessage())
    world = FlatWorld(settings.imageSizeX, settings.imageSizeY)
    while True:
        data = observation(world, settings).SerializeToString()
        connection.sendall(struct.pack("<I", len(data)) + data)
        action = read(connection, ActionSpaceMessageV2())
        for command in action.commands:
            if command == "exit":
                return
            world.dead = world.dead and command != "respawn"
            world.command(command)
        world.tick(
            [key for key in KEYS if getattr(action, key)], degrees(action.camera_pitch), degrees(action.camera_yaw)
        )


if __name__ == "__main__":
    main()
