"""Creatures: how they walk about, flee, chase and strike, one tick of 1/20 s at a time.

Figures are Minecraft Java Edition's (Minecraft Wiki, pages of the like animals and monsters) where a comment names no
other source: sizes, points of health, damage of a blow at normal difficulty, a second between two blows. Paces are its
movement attribute times 10 blocks a second, ours, a little less than its own on flat ground. Names are generic ones.

Deviations: archers strike and never shoot, for an arrow out of the dark would end tasks that no policy could see
coming; ghouls see 16 blocks far, not 35; spiders are hostile by day too and climb nothing; nobody burns in the sun;
hens fall as hard as others; all that flee do so at one pace, straight away from the player; nothing grows, breeds,
despawns or leaves anything behind.
"""

import dataclasses
import math

import numpy as np

from xview_training.sim import physics
from xview_training.sim.boxes import (
    KIND,
    POSE_COS,
    POSE_FLASH,
    POSE_SIN,
    POSE_SWING,
    POSE_X,
    POSE_Y,
    POSE_Z,
)
from xview_training.sim.collision import ON_GROUND, VX, VY, VZ, YAW, X, Y, Z, in_water, move
from xview_training.sim.compiled import compiled
from xview_training.sim.exact import atan2, cos, hypot, sin
from xview_training.sim.figures import ARROW, KINDS
from xview_training.sim.physics import HEALTH, HURT, hurt, knock_back
from xview_training.sim.random import uniform

# Columns of a creature's state after those of a living body, float64: its kind (below zero: none), what it is doing,
# for how many more ticks, where to, ticks until it can strike again, how far it has walked (for its legs).
SPECIES, MODE, TIMER, WISH_YAW, COOLDOWN, STRIDE, CREATURE_SIZE = range(physics.BODY_SIZE, physics.BODY_SIZE + 7)
IDLE, WANDER, FLEE, CHASE = range(4)
MAX_CREATURES = 12  # of one world; ours, for its memory and time are paid in every environment
SIGHT = 16.0  # blocks: the attribute "follow range" of most kinds
SIGHT_UP = 6.0  # blocks higher or lower; ours, so that nobody chases along the foot of a cliff
FLEE_TICKS, FLEE_PACE = 100.0, 1.6  # ours: long enough to be lost from sight, and within the game's range of paces
REST_TICKS = (40.0, 120.0)  # until it thinks of something else; ours
REST_SHARE = 0.5  # of those thoughts; ours
TURN_RAD = 0.35  # a tick at most; ours, so that a turn can be followed in pictures
TURN_AWAY_RAD = 1.1  # from what a jump did not help over; ours
BLOW_TICKS = 20.0
BLOW_REACH = 1.2  # blocks from its side to the player's middle; ours, about the game's for the upright kinds
BLOW_REACH_UP = 1.5  # blocks higher or lower; ours
AFLOAT, AFLOAT_MOST = 0.03, 0.15  # blocks a tick upwards in water; ours, so that heads stay above it


@dataclasses.dataclass(frozen=True)
class Species:
    """Width and height in blocks, points of health, pace in blocks a second, damage of a blow (0: peaceful)."""

    name: str
    width: float
    height: float
    health: float
    pace: float
    damage: float = 0.0


SPECIES_TABLE = (
    Species("cow", 0.9, 1.4, 10, 2.0),
    Species("sheep", 0.9, 1.3, 8, 2.3),
    Species("pig", 0.9, 0.9, 10, 2.5),
    Species("hen", 0.4, 0.7, 4, 2.5),
    Species("horse", 1.4, 1.6, 22, 2.25),  # the middles of its ranges of health and pace
    Species("ghoul", 0.6, 1.95, 20, 2.3, damage=3.0),
    Species("archer", 0.6, 1.99, 20, 2.5, damage=2.0),  # of a blow without a bow
    Species("spider", 1.4, 0.9, 16, 3.0, damage=2.0),
)
assert KINDS[: len(SPECIES_TABLE)] == tuple(s.name for s in SPECIES_TABLE)  # a species' number is its figure's
PEACEFUL = tuple(s.name for s in SPECIES_TABLE if s.damage == 0)
HOSTILE = tuple(s.name for s in SPECIES_TABLE if s.damage > 0)
WIDTHS = np.array([s.width for s in SPECIES_TABLE])
HEIGHTS = np.array([s.height for s in SPECIES_TABLE])
HEALTHS = np.array([s.health for s in SPECIES_TABLE])
PACES = np.array([s.pace / 20 for s in SPECIES_TABLE])  # blocks a tick
DAMAGES = np.array([s.damage for s in SPECIES_TABLE])


@compiled()
def _turn(creature, wish):
    """Turns towards an angle by at most TURN_RAD."""
    off = wish - creature[YAW]
    off -= 2 * math.pi * math.floor((off + math.pi) / (2 * math.pi))
    yaw = creature[YAW] + min(max(off, -TURN_RAD), TURN_RAD)
    creature[YAW] = yaw - 2 * math.pi * math.floor((yaw + math.pi) / (2 * math.pi))


@compiled()
def _decide(creature, player, state):
    """What to do next."""
    dx, dz = player[X] - creature[X], player[Z] - creature[Z]
    hostile = DAMAGES[int(creature[SPECIES])] > 0
    if hostile and hypot(dx, dz) < SIGHT and abs(player[Y] - creature[Y]) < SIGHT_UP and player[HEALTH] > 0:
        creature[MODE], creature[WISH_YAW] = CHASE, atan2(-dx, dz)
        return
    if creature[MODE] == FLEE and creature[TIMER] > 0:
        creature[WISH_YAW] = atan2(dx, -dz)
        return
    if creature[MODE] == CHASE or creature[TIMER] <= 0:
        rests = uniform(state, 0.0, 1.0) < REST_SHARE
        creature[MODE] = IDLE if rests else WANDER
        creature[TIMER] = uniform(state, REST_TICKS[0], REST_TICKS[1])
        creature[WISH_YAW] = uniform(state, -math.pi, math.pi)


@compiled()
def _walk(grid, creature):
    """Moves a creature as it has decided; it jumps over what it bumps into, and turns where a jump does not help."""
    kind = int(creature[SPECIES])
    pace = 0.0
    if creature[MODE] != IDLE and creature[HURT] <= 0:
        pace = PACES[kind] * (FLEE_PACE if creature[MODE] == FLEE else 1.0)
        _turn(creature, creature[WISH_YAW])
    wet = in_water(grid, creature)
    before_y = creature[Y]
    if creature[HURT] <= 0 and (creature[ON_GROUND] > 0 or wet):
        creature[VX], creature[VZ] = -sin(creature[YAW]) * pace, cos(creature[YAW]) * pace
    x, z = creature[X], creature[Z]
    bumped = move(grid, creature, creature[VX], creature[VY], creature[VZ], WIDTHS[kind], HEIGHTS[kind])
    creature[STRIDE] += hypot(creature[X] - x, creature[Z] - z)
    if wet:
        creature[VY] = min(creature[VY] * physics.WATER_DRAG + AFLOAT, AFLOAT_MOST)
    else:
        creature[VY] = (creature[VY] - physics.GRAVITY) * physics.FALL_DRAG
    if bumped and creature[ON_GROUND] > 0:
        creature[VY] = physics.JUMP_UP
        if creature[MODE] == WANDER:
            creature[WISH_YAW] += TURN_AWAY_RAD
    physics.fall(grid, creature, before_y, wet)
    if creature[ON_GROUND] > 0 and creature[HURT] > 0:
        creature[VX] *= physics.GROUND_FRICTION
        creature[VZ] *= physics.GROUND_FRICTION


@compiled()
def _strike(creature, player):
    """A blow, where the player stands within its reach."""
    kind = int(creature[SPECIES])
    creature[COOLDOWN] = max(0.0, creature[COOLDOWN] - 1)
    dx, dz = player[X] - creature[X], player[Z] - creature[Z]
    reach = WIDTHS[kind] / 2 + BLOW_REACH
    if creature[MODE] != CHASE or creature[COOLDOWN] > 0 or hypot(dx, dz) > reach:
        return
    if abs(player[Y] - creature[Y]) < BLOW_REACH_UP:
        creature[COOLDOWN] = BLOW_TICKS
        if hurt(player, DAMAGES[kind]):
            knock_back(player, dx, dz)


@compiled()
def tick(grid, creatures, player, state):
    """One tick of every creature. creatures float64 (M, CREATURE_SIZE); state: the world's random stream (1,)."""
    for m in range(creatures.shape[0]):
        creature = creatures[m]
        if creature[SPECIES] < 0 or creature[HEALTH] <= 0:
            continue
        creature[HURT] = max(0.0, creature[HURT] - 1)
        creature[TIMER] -= 1
        _decide(creature, player, state)
        _walk(grid, creature)
        _strike(creature, player)


@compiled()
def alarm(creature):
    """What a creature does about a blow: peaceful ones flee, the others come anyway."""
    if DAMAGES[int(creature[SPECIES])] == 0:
        creature[MODE], creature[TIMER] = FLEE, FLEE_TICKS


@compiled()
def pose(creatures, arrows, poses):
    """Fills poses float32 (creatures + arrows, POSE_SIZE) with what there is to draw."""
    n = creatures.shape[0]
    for m in range(n):
        creature, row = creatures[m], poses[m]
        alive = creature[SPECIES] >= 0 and creature[HEALTH] > 0
        row[KIND] = creature[SPECIES] if alive else -1
        row[POSE_X], row[POSE_Y], row[POSE_Z] = creature[X], creature[Y], creature[Z]
        row[POSE_COS], row[POSE_SIN] = cos(creature[YAW]), sin(creature[YAW])
        row[POSE_SWING] = sin(creature[STRIDE] * 4.0)
        row[POSE_FLASH] = 1.0 if creature[HURT] > 0 else 0.0
    for a in range(arrows.shape[0]):
        arrow, row = arrows[a], poses[n + a]
        row[KIND] = ARROW if arrow[ON_GROUND] > 0 else -1
        row[POSE_X], row[POSE_Y], row[POSE_Z] = arrow[X], arrow[Y], arrow[Z]
        row[POSE_COS], row[POSE_SIN] = cos(arrow[YAW]), sin(arrow[YAW])
        row[POSE_SWING], row[POSE_FLASH] = 0.0, 0.0
