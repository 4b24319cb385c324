"""A stand-in for the Java process that MineRL starts: the flat world behind MineRL's own socket protocol.

Run by a launchClient.sh of the test's making: `malmo_game.py REPORTS -port PORT ...`, REPORTS being "0.4" or "1.0".
Each message is its length and its bytes; steps are answered by a picture, reward with flags, and JSON.
"""

import json
import socket
import struct
import sys

from flat_world import FlatWorld, announce

OLD_CUSTOM = {
    "open_chest": "chest_opened",
    "interact_with_furnace": "furnace_interaction",
    "interact_with_crafting_table": "crafting_table_interaction",
    "tune_noteblock": "noteblock_tuned",
}


def receive(connection):
    """The next message, None at the end."""
    header = connection.recv(4, socket.MSG_WAITALL)
    if len(header) < 4:
        return None
    return connection.recv(struct.unpack("!I", header)[0], socket.MSG_WAITALL).decode()


def send(connection, data):
    """One message."""
    connection.sendall(struct.pack("!I", len(data)) + data)


def number_in(mission, tag):
    """The whole number in an element of the mission's XML."""
    return int(mission.split("<" + tag + ">")[1].split("<")[0])


def report(world, reports):
    """What ObservationFromFullStats gives."""
    x, y, z = world.feet
    info = {
        "xpos": x,
        "ypos": y,
        "zpos": z,
        "yaw": world.yaw,
        "pitch": world.pitch,
        "life": 0.0 if world.dead else 20.0,
    }
    for (kind, name), count in world.statistics.items():
        if reports == "1.0":
            info.setdefault(kind, {})[name] = count
        elif kind == "mined":
            info.setdefault("stat", {}).setdefault("mine_block", {}).setdefault("minecraft", {})[name] = count
        elif kind == "killed":
            info.setdefault("stat", {}).setdefault("kill_entity", {})[name] = count
        else:
            info.setdefault("stat", {})[OLD_CUSTOM.get(name, name)] = count
    return json.dumps(info).encode()


def step(world, message):
    """Plays a <StepClient> message: a line a key, the camera's, and chat."""
    keys, camera = [], (0.0, 0.0)
    for line in message.split(">", 1)[1].rsplit("</", 1)[0].split("\n"):
        verb, _, rest = line.strip().partition(" ")
        if verb == "camera":
            camera = tuple(float(word) for word in rest.split())
        elif verb == "chat":
            world.command(rest.lstrip("/"))
        elif rest == "1":
            keys.append(verb)
    world.tick(keys, *camera)


def talk(connection, reports):
    """Plays one connection."""
    world = None
    while True:
        message = receive(connection)
        if message is None or message.startswith("<Disconnect"):
            return
        if message.startswith("<MissionInit"):
            assert "ChatCommands" in message
            assert "ObservationFromFullStats" in message
            receive(connection)  # the token
            world = FlatWorld(number_in(message, "Width"), number_in(message, "Height"))
            send(connection, struct.pack("!I", 1))
        elif message.startswith("<Quit"):
            send(connection, struct.pack("!I", 1))
        elif message.startswith("<Peek"):
            picture = world.draw()[0][::-1].tobytes()
            for answer in (picture, report(world, reports), struct.pack("!b", 0)):
                send(connection, answer)
        elif message.startswith("<StepClient"):
            step(world, message)
            picture = world.draw()[0][::-1].tobytes()
            for answer in (picture, struct.pack("!dbb", 0.0, int(world.dead), 1), report(world, reports)):
                send(connection, answer)


def main():
    """Listens on the port it is given and says so as Minecraft's launcher does."""
    reports, port = sys.argv[1], int(sys.argv[sys.argv.index("-port") + 1])
    announce()
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("localhost", port))
    listener.listen(1)
    print("***** Start MalmoEnvServer on port", port, flush=True)
    print("CLIENT enter state: DORMANT", flush=True)
    while True:
        talk(listener.accept()[0], reports)


if __name__ == "__main__":
    main()
