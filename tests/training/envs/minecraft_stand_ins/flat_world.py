"""A stand-in for the game: a flat world with one player, that knows the commands and keys which tasks are played with.

It takes the game's place in the tests of Minecraft's back-ends, in a process of its own and with the game's package
around it. Only NumPy and the standard library: it runs in whatever Python the package needs.
"""

import json
import math
import os
import re
import signal
import subprocess
import sys
import time
import zlib

import numpy as np

GROUND = 64  # height of the ground; the player's feet stand there
EYE = 1.62
REACH = 4.5
WALK = 0.2158  # blocks a tick
BREAK_TICKS = 8
LAG_TICKS = 2  # until a statistic is reported
LEAST_DRAW, FULL_DRAW = 3, 20  # ticks that a bow is drawn
ARROW_SPEED, ARROW_DAMAGE, GRAVITY = 3.0, 9, 0.05  # fully drawn, blocks a tick and health; blocks a tick squared
SIZES = {"cow": (0.9, 1.4), "sheep": (0.9, 1.3), "pig": (0.9, 0.9), "chicken": (0.4, 0.7), "horse": (1.4, 1.6)}
CUSTOM = {
    "chest": "open_chest",
    "furnace": "interact_with_furnace",
    "crafting_table": "interact_with_crafting_table",
    "note_block": "tune_noteblock",
    "noteblock": "tune_noteblock",  # its name before 1.13
}
NUMBER = r"(-?[\d.]+)"


def misbehave():
    """Hangs, crashes or dawdles where the test asks for it; whether the player dies.

    STAND_IN_TRIGGER names a file that holds "hang", "crash", "die" or "slow SECONDS"; with "once" behind it is taken
    away.
    """
    trigger = os.environ.get("STAND_IN_TRIGGER", "")
    if not trigger or not os.path.exists(trigger):
        return False
    with open(trigger) as file:
        wanted = file.read()
    if wanted.endswith("once"):
        os.remove(trigger)
    if wanted.startswith("die"):
        return True
    if wanted.startswith("slow"):
        time.sleep(float(wanted.split()[1]))
        return False
    if wanted.startswith("hang"):
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        while True:
            time.sleep(3600)
    print("a fatal error has been detected by the stand-in", flush=True)
    os._exit(3)


def announce():
    """Writes to STAND_IN_PIDS this process and a grandchild in a session of its own, as launchers leave one."""
    path = os.environ.get("STAND_IN_PIDS")
    if path:
        child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(3600)"], start_new_session=True)
        with open(path, "a") as file:
            file.write(f"{os.getpid()} {child.pid} ")


class FlatWorld:
    """The world and its player. Columns with x of `water_from` and more are water."""

    def __init__(self, width, height):
        self.size = height, width
        self.feet, self.yaw, self.pitch = [0.5, float(GROUND), 0.5], 0.0, 0.0
        self.mode, self.dead = "survival", False
        self.blocks, self.creatures, self.items = {}, [], []
        self.statistics, self._pending, self._ticks = {}, [], 0
        self._held, self._progress = set(), 0
        self._drawn, self._arrows = 0, []
        self.commands = []
        self.water_from = float(os.environ.get("STAND_IN_WATER_FROM", "1e9"))

    def command(self, text):
        """Carries out one command without its slash; those it does not know are only kept."""
        self.commands.append(text)
        log = os.environ.get("STAND_IN_COMMANDS")
        if log:
            with open(log, "a") as file:
                file.write(text + "\n")
        verb, _, rest = text.partition(" ")
        action = getattr(self, "_do_" + verb, None)
        if action is not None:
            action(rest)

    def _do_gamemode(self, rest):
        self.mode = rest.split()[0]

    def _do_spreadplayers(self, rest):
        x, z = (float(value) for value in rest.split()[:2])
        if x < self.water_from:
            self.feet = [math.floor(x) + 0.5, float(GROUND), math.floor(z) + 0.5]

    def _do_tp(self, rest):
        values = [float(value) for value in rest.split()[1:]]
        self.feet, self.yaw, self.pitch = values[:3], values[3], values[4]

    def _do_fill(self, rest):
        low = [int(value) for value in rest.split()[:3]]
        high = [int(value) for value in rest.split()[3:6]]
        for cell in list(self.blocks):
            if all(low[axis] <= cell[axis] <= high[axis] for axis in range(3)):
                del self.blocks[cell]

    def _do_setblock(self, rest):
        words = rest.split()
        self.blocks[tuple(int(value) for value in words[:3])] = words[3]

    def _do_summon(self, rest):
        name, x, y, z = re.match(r"(\w+) " + " ".join([NUMBER] * 3), rest).groups()
        self.creatures.append([name, float(x), float(y), float(z), 10.0])

    def _do_kill(self, rest):
        self.creatures = []

    def _do_clear(self, rest):
        self.items = []

    def _do_give(self, rest):
        self.items.append(rest.split()[1])

    def tick(self, keys, pitch_deg, yaw_deg):
        """One tick with these keys held."""
        self.dead = misbehave() or self.dead
        keys, pressed, self._held = set(keys), set(keys) - self._held, set(keys)
        self._ticks += 1
        self.yaw = (self.yaw + yaw_deg + 180) % 360 - 180
        self.pitch = min(90.0, max(-90.0, self.pitch + pitch_deg))
        self._walk(keys)
        hit = self._crosshair()
        self._attack(hit, keys, pressed)
        if "use" in pressed and hit is not None and self.blocks.get(hit) in CUSTOM:
            self._count("custom", CUSTOM[self.blocks[hit]])
        self._shoot(keys)
        for due in [entry for entry in self._pending if entry[0] <= self._ticks]:
            self._pending.remove(due)
            self.statistics[due[1:]] = self.statistics.get(due[1:], 0) + 1

    def _walk(self, keys):
        ahead = ("forward" in keys) - ("back" in keys)
        right = ("right" in keys) - ("left" in keys)
        sin, cos = math.sin(math.radians(self.yaw)), math.cos(math.radians(self.yaw))
        x = self.feet[0] + WALK * (-sin * ahead - cos * right)
        z = self.feet[2] + WALK * (cos * ahead - sin * right)
        if (math.floor(x), GROUND, math.floor(z)) not in self.blocks:
            self.feet[0], self.feet[2] = x, z

    def _attack(self, hit, keys, pressed):
        self._progress = self._progress + 1 if "attack" in keys and hit in self.blocks else 0
        if self._progress >= BREAK_TICKS:
            self._count("mined", self.blocks.pop(hit))
            self._progress = 0
        if "attack" in pressed and isinstance(hit, int):
            self._hurt(hit, 6)

    def _hurt(self, number, damage):
        self.creatures[number][4] -= damage
        if self.creatures[number][4] <= 0:
            self._count("killed", self.creatures.pop(number)[0])

    def _shoot(self, keys):
        """Draws the bow, looses an arrow, and flies those that are under way."""
        drawn = self._drawn
        self._drawn = drawn + 1 if "use" in keys and self.items[:1] == ["bow"] and "arrow" in self.items else 0
        if drawn >= LEAST_DRAW and not self._drawn:
            ray = self._rays(1, 1)[0, 0]
            power = min(1.0, drawn / FULL_DRAW)
            self._arrows.append((self._eye(), ray * ARROW_SPEED * power, power * ARROW_DAMAGE))
        flying, self._arrows = self._arrows, []
        for place, speed, damage in flying:
            boxes = [(self._enter(speed, *box, place), what) for what, box in self._boxes()]
            struck = min([(float(part), str(what), what) for part, what in boxes if part <= 1], default=None)
            if struck is not None and isinstance(struck[2], int):
                self._hurt(struck[2], damage)
            elif struck is None and place[1] > GROUND:
                self._arrows.append((place + speed, speed - (0.0, GRAVITY, 0.0), damage))

    def _count(self, kind, name):
        self._pending.append((self._ticks + LAG_TICKS, kind, name))

    def _crosshair(self):
        """The cell of the block, or the number of the creature, under the crosshair and within reach."""
        ray = self._rays(1, 1)[0, 0]
        hits = [(self._enter(ray, *box), what) for what, box in self._boxes()]
        reached = [(distance, str(what), what) for distance, what in hits if distance <= REACH]
        return min(reached)[2] if reached else None

    def aim(self):
        """The block under the crosshair at any distance, None where it is none."""
        ray = self._rays(1, 1)[0, 0]
        hits = [(self._enter(ray, *box), what) for what, box in self._boxes() if isinstance(what, tuple)]
        reached = [hit for hit in hits if math.isfinite(hit[0])]
        return min(reached)[1] if reached else None

    def _boxes(self):
        for cell in self.blocks:
            yield cell, (cell, tuple(value + 1 for value in cell))
        for number, (name, x, y, z, _) in enumerate(self.creatures):
            width, height = SIZES.get(name, (0.6, 1.9))
            half = width / 2
            yield number, ((x - half, y, z - half), (x + half, y + height, z + half))

    def _rays(self, height, width):
        """Directions (height, width, 3) with one block along the optical axis, field of view 70 degrees."""
        tan_y = math.tan(math.radians(35))
        tan_x = tan_y * self.size[1] / self.size[0]
        sy, cy = math.sin(math.radians(self.yaw)), math.cos(math.radians(self.yaw))
        sp, cp = math.sin(math.radians(self.pitch)), math.cos(math.radians(self.pitch))
        right = ((2 * np.arange(width) + 1) / width - 1)[None, :, None] * tan_x
        up = (1 - (2 * np.arange(height) + 1) / height)[:, None, None] * tan_y
        ahead, side, above = (-sy * cp, -sp, cy * cp), (-cy, 0.0, -sy), (-sy * sp, cp, cy * sp)
        return np.array(ahead) + right * np.array(side) + up * np.array(above)

    def _eye(self):
        return np.array(self.feet) + (0.0, EYE, 0.0)

    def _enter(self, rays, low, high, origin=None):
        """How far along each ray (..., 3), from the eye or an origin, it enters a box, infinity where it misses."""
        start = self._eye() if origin is None else origin
        with np.errstate(divide="ignore", invalid="ignore"):
            first, second = (np.array(low) - start) / rays, (np.array(high) - start) / rays
        near, far = np.minimum(first, second).max(-1), np.maximum(first, second).min(-1)
        return np.where((near <= far) & (far > 0), np.maximum(near, 0.0), np.inf)

    def draw(self):
        """Picture uint8 (H, W, 3) and depth along the optical axis float32 (H, W), infinity for the sky."""
        rays = self._rays(*self.size)
        with np.errstate(divide="ignore"):
            depth = np.where(rays[..., 1] < 0, (GROUND - self._eye()[1]) / rays[..., 1], np.inf)
        picture = np.where(np.isfinite(depth)[..., None], (90, 150, 70), (140, 180, 240)).astype(np.uint8)
        for what, box in self._boxes():
            name = self.blocks[what] if isinstance(what, tuple) else self.creatures[what][0]
            entered = self._enter(rays, *box)
            nearer = entered < depth
            colour = zlib.crc32(name.encode())
            picture[nearer] = colour & 255, colour >> 8 & 255, colour >> 16 & 255
            depth = np.where(nearer, entered, depth)
        return picture, depth.astype(np.float32)


def serve_lines(stream_in, stream_out):
    """A game by lines of JSON: a request a line, an answer a line, then the picture's bytes."""
    announce()
    world = None
    for line in stream_in:
        request = json.loads(line.decode())
        if world is None or request.get("reset"):
            world = FlatWorld(*request["size"])
        if request.get("chat"):
            world.command(request["chat"].lstrip("/"))
        world.tick(request.get("keys", ()), *request.get("camera", (0.0, 0.0)))
        picture, _ = world.draw()
        statistics = [list(key) + [count] for key, count in world.statistics.items()]
        answer = {"feet": world.feet, "yaw": world.yaw, "pitch": world.pitch, "statistics": statistics}
        stream_out.write(json.dumps(answer).encode() + b"\n" + picture.tobytes())
        stream_out.flush()


if __name__ == "__main__":
    serve_lines(sys.stdin.buffer, sys.stdout.buffer)
