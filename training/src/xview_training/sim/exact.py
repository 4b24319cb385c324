"""Sine, cosine, arctangent and hypotenuse that come out the same, to the last bit, on every processor.

Mathematical libraries differ in their last bits, and a GPU's from all of them; worlds that are played with the same
seed and actions would part sooner or later. These use only operations that IEEE 754 rounds in one way (+ - * / and the
square root), so the rules of the world do as well. They are right to about a unit in the last place.
"""

import math

from xview_training.sim.compiled import compiled

# Half of pi in three parts; the first two have 33 bits, so that few quarter turns times them are exact.
HALF_PI_1, HALF_PI_2, HALF_PI_3 = 1.5707963267341256, 6.077100506303966e-11, 2.0222662487959506e-21
QUARTERS_A_RADIAN = 2 / math.pi
# Taylor series from their highest power down: enough up to pi / 4, and for arctangents of angles up to pi / 16.
S17, S15, S13, S11, S9, S7, S5, S3 = ((-1) ** (n // 2) / math.factorial(n) for n in range(17, 2, -2))
C16, C14, C12, C10, C8, C6, C4, C2 = ((-1) ** (n // 2) / math.factorial(n) for n in range(16, 1, -2))
A21, A19, A17, A15, A13, A11, A9, A7, A5, A3 = ((-1) ** (n // 2) / n for n in range(21, 2, -2))


@compiled()
def _sine(r):
    z = r * r
    p = S5 + z * (S7 + z * (S9 + z * (S11 + z * (S13 + z * (S15 + z * S17)))))
    return r + r * z * (S3 + z * p)


@compiled()
def _cosine(r):
    z = r * r
    p = C4 + z * (C6 + z * (C8 + z * (C10 + z * (C12 + z * (C14 + z * C16)))))
    return 1.0 + z * (C2 + z * p)


@compiled()
def _of_quarter(r, quarter):
    """The sine of an angle r past a number of quarter turns."""
    value = _cosine(r) if quarter & 1 else _sine(r)
    return -value if quarter & 2 else value


@compiled()
def _quarters(x):
    """(whole quarter turns nearest to an angle, what is left of it)."""
    n = int(math.floor(x * QUARTERS_A_RADIAN + 0.5))
    return n, ((x - n * HALF_PI_1) - n * HALF_PI_2) - n * HALF_PI_3


@compiled()
def sin(x):
    """Of an angle in radians, up to a million of them."""
    n, r = _quarters(x)
    return _of_quarter(r, n)


@compiled()
def cos(x):
    """Of an angle in radians, up to a million of them."""
    n, r = _quarters(x)
    return _of_quarter(r, n + 1)


@compiled()
def _arctangent(a):
    """Of 0 <= a <= 1: its angle is halved twice, so that the series is short."""
    a = a / (1.0 + math.sqrt(1.0 + a * a))
    a = a / (1.0 + math.sqrt(1.0 + a * a))
    z = a * a
    p = A9 + z * (A11 + z * (A13 + z * (A15 + z * (A17 + z * (A19 + z * A21)))))
    return 4.0 * (a + a * z * (A3 + z * (A5 + z * (A7 + z * p))))


@compiled()
def atan2(y, x):
    """Angle in radians, -pi to pi, of the point (x, y); 0 at the origin."""
    low, high = min(abs(x), abs(y)), max(abs(x), abs(y))
    if high == 0.0:
        return 0.0
    angle = _arctangent(low / high)
    if abs(y) > abs(x):
        angle = math.pi / 2 - angle
    if x < 0.0:
        angle = math.pi - angle
    return -angle if y < 0.0 else angle


@compiled()
def hypot(x, y):
    """Length of the vector (x, y)."""
    return math.sqrt(x * x + y * y)
