"""What a player's hands do in a tick: select, break, strike, use, draw a bow; and how arrows fly.

Figures are Minecraft Java Edition's (Minecraft Wiki, "Breaking", "Attack cooldown", "Bow", "Arrow"): reach 4.5 blocks
for blocks and 3 for creatures; a bow is full after 20 ticks, its power is (t^2 + 2 t) / 3 of t = ticks / 20 and shoots
from a tenth on, an arrow leaves a tenth of a block below the eye at 3 times that in blocks a tick, hurts by twice its
speed, rounded up, falls by 0.05 and slows by 0.01 a tick.

Deviations, most of them since decisions last several ticks: an attack key that is held strikes again when the cooldown
is over, and a blow before that is refused where the game's is weak; a broken block goes straight into the bag, and the
next one is begun without a pause; digging is as fast in water and in the air, where the game's is five times slower;
blows know neither criticals nor sweeps nor a sprint's push. Arrows fly where the eye looks, without spread, the
archer's own speed or a full draw's bonus; water does not slow them; they end where they hit, or after three seconds. A
furnace lights when it is used, a bed is slept in at any hour, and a door does not close on who stands in it.
"""

import math

import numpy as np

from xview_training.sim.blocks import AIR, BLOCKS, BREAK_TICKS, USED
from xview_training.sim.collision import ON_GROUND, PITCH, VX, VY, VZ, YAW, X, Y, Z, overlaps
from xview_training.sim.compiled import compiled
from xview_training.sim.creatures import HEIGHTS, SPECIES, WIDTHS, alarm
from xview_training.sim.exact import cos, sin
from xview_training.sim.flight import free_way
from xview_training.sim.items import ARROWS, BLOW_TICKS, BOW, DAMAGE_OF, FIRST_BLOCK_ITEM, TOOL_OF, give, held, take
from xview_training.sim.physics import ATTACK, HEALTH, HEIGHT, HOTBAR, USE, WIDTH, hurt, knock_back
from xview_training.sim.raycast import cast

BLOCK_REACH = 4.5
CREATURE_REACH = 3.0
MAX_ARROWS = 4  # in flight at once; ours: full draws, one a second, leave three in the air
ARROW_SIZE = ON_GROUND + 2  # columns of an arrow: as of everything that moves (ON_GROUND: it flies), and ticks
ARROW_TICKS = ON_GROUND + 1
ARROW_LIFE = 60  # ticks; ours: a full shot has flown farther than anyone sees by then
ARROW_SPEED, ARROW_DAMAGE = 3.0, 2.0  # blocks a tick at full power; points for each block a tick
ARROW_DRAG, ARROW_GRAVITY = 0.99, 0.05
BELOW_EYE = 0.1  # blocks
FULL_DRAW = 20  # ticks
LEAST_POWER = 0.1
NEVER = 1e30
DOOR = np.array(["door" in block.name for block in BLOCKS])

# Columns of what goes on between ticks, float64: turning rates, the block being broken and how far, the selected slot,
# ticks until a full blow, ticks that the bow is drawn, whether "use" was pressed; then this tick's events: the block
# that broke or was used (one plus its flat index), one plus the creature struck or shot dead, and one plus the flat
# index of the column whose blocks are others now (who draws merged quads meshes it anew).
(
    YAW_RATE, PITCH_RATE, AIMED, PROGRESS, SELECTED, COOLDOWN, DRAWN, USING,
    BROKEN, USED_BLOCK, STRUCK_DEAD, SHOT_DEAD, EDITED, HANDS_SIZE,
) = range(14)  # fmt: skip


@compiled()
def flat_id(grid, x, z, y):
    """One plus the flat index of a cell: a block's id in pictures."""
    return 1 + (x * grid.shape[1] + z) * grid.shape[2] + y


@compiled()
def creature_on_ray(creatures, ox, oy, oz, dx, dy, dz, reach):
    """(number, t) of the first living creature whose body the ray meets within t < reach; number -1: none."""
    best, who = reach, -1
    for m in range(creatures.shape[0]):
        creature = creatures[m]
        if creature[SPECIES] < 0 or creature[HEALTH] <= 0:
            continue
        half, top = WIDTHS[int(creature[SPECIES])] / 2, HEIGHTS[int(creature[SPECIES])]
        enter, leave = 0.0, best
        for axis in range(3):
            o, d = (ox, dx) if axis == 0 else ((oy, dy) if axis == 1 else (oz, dz))
            low = creature[axis] - (0.0 if axis == 1 else half)
            high = creature[axis] + (top if axis == 1 else half)
            if abs(d) < 1e-12:
                if o < low or o > high:
                    leave = -1.0
            else:
                near, far = (low - o) / d, (high - o) / d
                enter, leave = max(enter, min(near, far)), min(leave, max(near, far))
        if enter < leave:
            best, who = enter, m
    return who, best


@compiled()
def view_of(body):
    """Unit vector (x, y, z) of a body's view."""
    cp = cos(body[PITCH])
    return -sin(body[YAW]) * cp, -sin(body[PITCH]), cos(body[YAW]) * cp


@compiled()
def held_item(hands, slots):
    """The item in the hand."""
    return held(slots, int(hands[SELECTED]))


@compiled()
def act(grid, floor, body, hands, slots, creatures, arrows, keys, eye_height):
    """One tick of the hands; books BROKEN, USED_BLOCK, STRUCK_DEAD and EDITED. slots int16 (SLOTS, 2)."""
    hands[BROKEN] = hands[USED_BLOCK] = hands[STRUCK_DEAD] = hands[SHOT_DEAD] = hands[EDITED] = 0
    hands[COOLDOWN] = max(0.0, hands[COOLDOWN] - 1)
    if keys[HOTBAR] > 0 and keys[HOTBAR] - 1 != hands[SELECTED]:
        hands[SELECTED] = keys[HOTBAR] - 1
        hands[DRAWN] = hands[AIMED] = 0
    item = held_item(hands, slots)
    eye = body[Y] + eye_height
    dx, dy, dz = view_of(body)
    x, y, z, axis, _, t = cast(grid, body[X], eye, body[Z], dx, dy, dz, BLOCK_REACH)
    if axis < 0:
        t = NEVER
    who, _ = creature_on_ray(creatures, body[X], eye, body[Z], dx, dy, dz, min(CREATURE_REACH, t))
    if keys[ATTACK] > 0 and who >= 0:
        _strike(body, hands, creatures[who], who, item)
        hands[AIMED] = 0
    elif keys[ATTACK] > 0 and axis >= 0:
        _dig(grid, floor, hands, slots, item, x, y, z)
    else:
        hands[AIMED] = 0
    pressed = keys[USE] > 0 and hands[USING] == 0
    hands[USING] = keys[USE]
    if item == BOW:
        _draw(body, hands, slots, arrows, keys, eye)
    elif pressed and axis >= 0 and who < 0 and USED[grid[x, z, y]] > 0:
        before = grid[x, z, y]
        if _turned(grid, body, creatures, x, z, y):
            hands[USED_BLOCK] = flat_id(grid, x, z, y)
            if grid[x, z, y] != before:
                hands[EDITED] = 1 + x * grid.shape[1] + z


@compiled()
def _halves(grid, x, z, y):
    """(lowest, highest) cell of the door that this one belongs to; of any other block the cell itself, twice."""
    kind = grid[x, z, y]
    if not DOOR[kind]:
        return y, y
    low = y - 1 if y > 0 and grid[x, z, y - 1] == kind else y
    return low, (low + 1 if low + 1 < grid.shape[2] and grid[x, z, low + 1] == kind else low)


@compiled()
def _turned(grid, body, creatures, x, z, y):
    """Turns a block into what a use makes of it, both halves of a door; False where someone stands in the way."""
    before = grid[x, z, y]
    low, high = _halves(grid, x, z, y)
    grid[x, z, low : high + 1] = USED[before]
    for cell in range(low, high + 1):
        free = not overlaps(grid, body, WIDTH, HEIGHT, x, cell, z)
        for m in range(creatures.shape[0]):
            if creatures[m, SPECIES] >= 0 and creatures[m, HEALTH] > 0:
                kind = int(creatures[m, SPECIES])
                free = free and not overlaps(grid, creatures[m], WIDTHS[kind], HEIGHTS[kind], x, cell, z)
        if not free:
            grid[x, z, low : high + 1] = before
            return False
    return True


@compiled()
def _strike(body, hands, creature, who, item):
    """A blow with what is held, when the last one is long enough ago."""
    if hands[COOLDOWN] > 0:
        return
    hands[COOLDOWN] = BLOW_TICKS[item]
    if hurt(creature, DAMAGE_OF[item]):
        knock_back(creature, creature[X] - body[X], creature[Z] - body[Z])
        alarm(creature)
        if creature[HEALTH] <= 0:
            hands[STRUCK_DEAD] = who + 1


@compiled()
def _dig(grid, floor, hands, slots, item, x, y, z):
    """One tick of breaking a block; what is looked at anew starts anew. A door breaks whole; its foot is booked."""
    low, high = _halves(grid, x, z, y)
    block = flat_id(grid, x, z, low)
    if block != hands[AIMED]:
        hands[AIMED] = block
        hands[PROGRESS] = 0
    kind = grid[x, z, y]
    hands[PROGRESS] += 1.0 / BREAK_TICKS[kind, TOOL_OF[item]]
    if hands[PROGRESS] >= 1.0 - 1e-9 and low > 0:
        grid[x, z, low : high + 1] = AIR
        if floor[x, z] == high + 1:
            floor[x, z] = low
        give(slots, FIRST_BLOCK_ITEM + kind, 1)
        hands[AIMED] = 0
        hands[BROKEN] = block
        hands[EDITED] = 1 + x * grid.shape[1] + z


@compiled()
def _draw(body, hands, slots, arrows, keys, eye):
    """Draws the bow while "use" is held, and lets go when it is not."""
    if keys[USE] > 0:
        hands[DRAWN] = min(hands[DRAWN] + 1, FULL_DRAW)
        return
    t = hands[DRAWN] / FULL_DRAW
    hands[DRAWN] = 0
    power = (t * t + 2 * t) / 3
    if power < LEAST_POWER:
        return
    for a in range(arrows.shape[0]):
        if arrows[a, ON_GROUND] == 0:
            if take(slots, ARROWS):
                dx, dy, dz = view_of(body)
                arrows[a, X], arrows[a, Y], arrows[a, Z] = body[X], eye - BELOW_EYE, body[Z]
                speed = ARROW_SPEED * power
                arrows[a, VX], arrows[a, VY], arrows[a, VZ] = speed * dx, speed * dy, speed * dz
                arrows[a, YAW], arrows[a, PITCH] = body[YAW], body[PITCH]
                arrows[a, ON_GROUND], arrows[a, ARROW_TICKS] = 1, 0
            return


@compiled()
def fly(grid, hands, creatures, arrows):
    """One tick of the arrows; books SHOT_DEAD."""
    for a in range(arrows.shape[0]):
        arrow = arrows[a]
        if arrow[ON_GROUND] == 0:
            continue
        speed = math.sqrt(arrow[VX] * arrow[VX] + arrow[VY] * arrow[VY] + arrow[VZ] * arrow[VZ])
        end = free_way(grid, arrow[X], arrow[Y], arrow[Z], arrow[VX], arrow[VY], arrow[VZ])
        who, _ = creature_on_ray(creatures, arrow[X], arrow[Y], arrow[Z], arrow[VX], arrow[VY], arrow[VZ], end)
        if who >= 0 and hurt(creatures[who], math.ceil(ARROW_DAMAGE * speed)):
            knock_back(creatures[who], arrow[VX], arrow[VZ])
            alarm(creatures[who])
            if creatures[who, HEALTH] <= 0:
                hands[SHOT_DEAD] = who + 1
        arrow[X] += arrow[VX] * end
        arrow[Y] += arrow[VY] * end
        arrow[Z] += arrow[VZ] * end
        arrow[VX], arrow[VY], arrow[VZ] = (
            arrow[VX] * ARROW_DRAG, arrow[VY] * ARROW_DRAG - ARROW_GRAVITY, arrow[VZ] * ARROW_DRAG,
        )  # fmt: skip
        arrow[ARROW_TICKS] += 1
        if who >= 0 or end < 1.0 or arrow[ARROW_TICKS] > ARROW_LIFE or arrow[Y] < -1:
            arrow[ON_GROUND] = 0


def empty_arrows(environments: int) -> np.ndarray:
    """No arrow in flight: float64 (N, MAX_ARROWS, ARROW_SIZE)."""
    return np.zeros((environments, MAX_ARROWS, ARROW_SIZE))
