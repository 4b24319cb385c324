"""The air of a world: daylight, sky and fog by the time of day and the weather, as the numbers that drawing needs.

Times and light follow Minecraft's clock (Minecraft Wiki, "Daylight cycle"): a day has 24,000 ticks, 0 is sunrise,
6,000 noon, 12,000 sunset, 18,000 midnight. Night is kept lighter than Minecraft's, for cameras see more than players.
"""

import dataclasses
import math

import numpy as np

# Columns of a world's air, float32.
LIGHT, HORIZON_R, HORIZON_G, HORIZON_B, ZENITH_R, ZENITH_G, ZENITH_B, FOG_START, FOG_END, AIR_SIZE = range(10)

VIEW_DISTANCE = np.float32(72.0)  # blocks; beyond it is sky
DAY_TICKS = 24_000
NOON = 6_000
NIGHT_LIGHT = 0.3
CLEAR, RAIN, SNOWFALL, MIST, INDOORS, DARK = range(6)
WEATHERS = ("clear", "rain", "snowfall", "mist", "indoors", "dark")  # the last two know no time of day

DAY_HORIZON, DAY_ZENITH = (200.0, 220.0, 250.0), (120.0, 165.0, 250.0)
DUSK_HORIZON = (236.0, 150.0, 92.0)
GREY = {
    RAIN: (150.0, 156.0, 164.0),
    SNOWFALL: (214.0, 218.0, 224.0),
    MIST: (198.0, 202.0, 206.0),
    INDOORS: (120.0, 120.0, 124.0),
    DARK: (18.0, 18.0, 22.0),
}
DIMMING = {CLEAR: 1.0, RAIN: 0.72, SNOWFALL: 0.86, MIST: 0.9, INDOORS: 0.92, DARK: 0.62}
FOG = {  # where it begins and where it hides all, shares of VIEW_DISTANCE
    CLEAR: (0.6, 1.0),
    RAIN: (0.35, 0.9),
    SNOWFALL: (0.25, 0.75),
    MIST: (0.08, 0.5),
    INDOORS: (0.9, 1.5),
    DARK: (0.1, 0.55),
}


@dataclasses.dataclass(frozen=True)
class Air:
    """Time of day in ticks, one of WEATHERS, and how bright a camera draws it all."""

    time_of_day: int = NOON
    weather: str = "clear"
    exposure: float = 1.0

    def __post_init__(self) -> None:
        if self.weather not in WEATHERS:
            raise ValueError(f"weather: expected one of {', '.join(WEATHERS)}, got {self.weather!r}")
        if not 0 <= self.time_of_day < DAY_TICKS:
            raise ValueError(f"time_of_day: expected 0 to {DAY_TICKS - 1} ticks, got {self.time_of_day}")

    def row(self) -> np.ndarray:
        """Packed as float32 (AIR_SIZE,)."""
        weather = WEATHERS.index(self.weather)
        daylight = 1.0 if weather in (INDOORS, DARK) else daylight_at(self.time_of_day)
        dusk = 0.0 if weather != CLEAR else dusk_at(self.time_of_day)
        horizon = np.array(DAY_HORIZON) * (1 - dusk) + np.array(DUSK_HORIZON) * dusk
        zenith = np.array(DAY_ZENITH)
        if weather != CLEAR:
            horizon, zenith = (0.2 * sky + 0.8 * np.array(GREY[weather]) for sky in (horizon, zenith))
        light = self.exposure * daylight * DIMMING[weather]
        start, end = (share * float(VIEW_DISTANCE) for share in FOG[weather])
        return np.array([light, *horizon, *zenith, start, end], np.float32)


def daylight_at(time_of_day: int) -> float:
    """NIGHT_LIGHT to 1: how high the sun stands, with twilights of about 1,500 ticks."""
    height = math.sin(2 * math.pi * time_of_day / DAY_TICKS)
    return NIGHT_LIGHT + (1 - NIGHT_LIGHT) * min(1.0, max(0.0, 0.5 + 2.5 * height))


def dusk_at(time_of_day: int) -> float:
    """0 to 1: how red the horizon is, most at sunrise and sunset."""
    height = math.sin(2 * math.pi * time_of_day / DAY_TICKS)
    return 0.7 * math.exp(-((height / 0.18) ** 2))
