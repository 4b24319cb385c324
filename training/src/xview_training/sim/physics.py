"""Minecraft's player on foot and in water, one tick of 1/20 s at a time.

Figures are Minecraft Java Edition's (Minecraft Wiki, "Player", "Transportation", "Damage" and "Swimming"; mcpk.wiki,
movement formulas): box 0.6 x 1.8, walking 4.317 m/s, sprinting 5.612, sneaking 0.3 of walking, jump impulse 0.42 (1.25
blocks high), gravity 0.08 and drag 0.98 a tick, ground friction 0.6 * 0.91, air friction 0.91, air control 0.02; in
water drag 0.8, sinking 0.02 a tick (up to version 1.12), swimming up 0.04, push 0.02; a fall hurts by its height less
three blocks, rounded up; 20 points of health.

Deviations: sneaking has no edge guard, and neither box nor eye gets lower, since one robot has one eye height; nobody
steps up half a block without a jump; sprinting lasts as long as its keys are pressed, for there is no hunger, and what
is lost of health stays lost; nobody drowns, and a cactus hurts nobody; beds soften no fall; swimmers climb out of the
water while "jump" is pressed, not by themselves; a blow lifts also who is in the air; whoever was hurt is safe for half
a second from stronger blows too.
"""

import math

import numpy as np

from xview_training.sim import collision
from xview_training.sim.collision import ON_GROUND, PITCH, VX, VY, VZ, YAW, X, Y, Z, in_water, move, solid
from xview_training.sim.compiled import compiled
from xview_training.sim.exact import cos, hypot, sin

__all__ = ["ON_GROUND", "PITCH", "VX", "VY", "VZ", "YAW", "X", "Y", "Z", "move", "solid"]

# Columns of a living body after those of everything that moves, float64: blocks fallen, points of health, ticks until
# it can be hurt again.
FALLEN, HEALTH, HURT, BODY_SIZE = range(ON_GROUND + 1, ON_GROUND + 5)
# Columns of a row of pressed keys, float64.
FORWARD, BACK, LEFT, RIGHT, JUMP, SNEAK, SPRINT, ATTACK, USE, HOTBAR, KEYS = range(11)
KEY_NAMES = ("forward", "back", "left", "right", "jump", "sneak", "sprint", "attack", "use")
IDLE_KEYS = ("inventory", "drop")  # of Minecraft: this world has nothing to open or to let go
HOTBAR_SLOTS = 9

WIDTH = 0.6  # blocks
HEIGHT = 1.8
FULL_HEALTH = 20.0
HURT_TICKS = 10  # during which nothing hurts again
SAFE_FALL = 3.0  # blocks
WALK_PUSH, AIR_PUSH, WATER_PUSH = 0.1, 0.02, 0.02  # blocks a tick that keys add to the velocity
SPRINT_PUSH = 1.3  # times those of walking
INPUT = 0.98  # share of a pressed key that acts
SNEAK_INPUT = 0.3
JUMP_UP, SPRINT_JUMP = 0.42, 0.2  # blocks a tick upwards, and ahead when sprinting
GRAVITY, FALL_DRAG = 0.08, 0.98
SWIM_UP, SINK, CLIMB_OUT = 0.04, 0.02, 0.3  # blocks a tick
BLOW_PUSH = 0.4  # blocks a tick away from a blow, and at most as much upwards
GROUND_FRICTION = 0.6 * 0.91
AIR_FRICTION = 0.91
WATER_DRAG = 0.8


def key_rows(buttons: tuple[tuple[str, ...], ...]) -> np.ndarray:
    """Pressed keys of each row of an action table: float64 (rows, KEYS).

    "hotbar.1" to "hotbar.9" stand in one column, as the slot's number; 0 presses none. Idle keys press nothing.
    """
    rows = np.zeros((len(buttons), KEYS))
    for row, names in enumerate(buttons):
        for name in names:
            if name.startswith("hotbar."):
                rows[row, HOTBAR] = int(name.removeprefix("hotbar."))
            elif name not in IDLE_KEYS:
                rows[row, KEY_NAMES.index(name)] = 1
    return rows


@compiled()
def hurt(body, damage):
    """Takes points of health, unless the body was hurt a moment ago; whether it did."""
    if damage <= 0 or body[HURT] > 0:
        return False
    body[HEALTH] = max(0.0, body[HEALTH] - damage)
    body[HURT] = HURT_TICKS
    return True


@compiled()
def knock_back(body, dx, dz):
    """Pushes a body away along (dx, dz) and up, as a blow does."""
    length = max(hypot(dx, dz), 1e-6)
    body[VX] = body[VX] / 2 + BLOW_PUSH * dx / length
    body[VZ] = body[VZ] / 2 + BLOW_PUSH * dz / length
    body[VY] = min(BLOW_PUSH, body[VY] / 2 + BLOW_PUSH)


@compiled()
def fall(grid, body, before_y, wet):
    """Books a fall, and hurts at its end; water breaks it, also water that a tick's move ends in."""
    if wet or in_water(grid, body):
        body[FALLEN] = 0.0
        return
    body[FALLEN] += max(0.0, before_y - body[Y])
    if body[ON_GROUND] > 0:
        hurt(body, math.ceil(body[FALLEN] - SAFE_FALL - 1e-6))  # sums of drops are not exact
        body[FALLEN] = 0.0


@compiled()
def _push(body, keys, push):
    """Accelerates along the pressed directions."""
    ahead = INPUT * (keys[FORWARD] - keys[BACK])
    aside = INPUT * (keys[RIGHT] - keys[LEFT])
    if keys[SNEAK] > 0:
        ahead, aside = SNEAK_INPUT * ahead, SNEAK_INPUT * aside
    push = push / max(1.0, hypot(ahead, aside))
    sin_yaw, cos_yaw = sin(body[YAW]), cos(body[YAW])
    body[VX] += push * (-sin_yaw * ahead - cos_yaw * aside)
    body[VZ] += push * (cos_yaw * ahead - sin_yaw * aside)


@compiled()
def player_tick(grid, body, keys, speed_scale):
    """One tick of walking, jumping, swimming and falling.

    body float64, at least up to HURT; keys float64 (KEYS,); speed_scale multiplies the ground acceleration (1 is
    Minecraft).
    """
    body[HURT] = max(0.0, body[HURT] - 1)
    before_y = body[Y]
    wet = in_water(grid, body)
    if wet:
        _swim(grid, body, keys, speed_scale)
    else:
        _walk(grid, body, keys, speed_scale)
    fall(grid, body, before_y, wet)


@compiled()
def _walk(grid, body, keys, speed_scale):
    on_ground = body[ON_GROUND] > 0
    if on_ground and keys[JUMP] > 0:
        body[VY] = JUMP_UP
        if keys[SPRINT] > 0 and keys[FORWARD] > 0:
            body[VX] -= SPRINT_JUMP * sin(body[YAW])
            body[VZ] += SPRINT_JUMP * cos(body[YAW])
    sprint = SPRINT_PUSH if keys[SPRINT] > 0 and keys[FORWARD] > 0 and keys[SNEAK] == 0 else 1.0
    _push(body, keys, (WALK_PUSH if on_ground else AIR_PUSH) * sprint * speed_scale)
    move(grid, body, body[VX], body[VY], body[VZ], WIDTH, HEIGHT)
    friction = GROUND_FRICTION if on_ground else AIR_FRICTION
    body[VX] *= friction
    body[VZ] *= friction
    body[VY] = (body[VY] - GRAVITY) * FALL_DRAG


@compiled()
def _swim(grid, body, keys, speed_scale):
    if keys[JUMP] > 0:
        body[VY] += SWIM_UP
    _push(body, keys, WATER_PUSH * speed_scale)
    bumped = move(grid, body, body[VX], body[VY], body[VZ], WIDTH, HEIGHT)
    body[VX] *= WATER_DRAG
    body[VZ] *= WATER_DRAG
    body[VY] = body[VY] * WATER_DRAG - SINK
    if bumped and keys[JUMP] > 0:
        body[VY] = CLIMB_OUT


@compiled()
def stands_free(grid, body, width, height):
    """Whether no block cuts into the body's box by more than rounding."""
    half = width / 2 - 1e-6
    for x in range(int(math.floor(body[X] - half)), int(math.floor(body[X] + half)) + 1):
        for z in range(int(math.floor(body[Z] - half)), int(math.floor(body[Z] + half)) + 1):
            # One cell lower than the body: fences reach up into the cell above them.
            for y in range(int(math.floor(body[Y] + 1e-6)) - 1, int(math.floor(body[Y] + height - 1e-6)) + 1):
                if collision.solid(grid, x, y, z) and collision.overlaps(grid, body, width, height, x, y, z):
                    return False
    return True
