"""Flash crowds: bursts of new sessions over all clients of a surface, by chance or planted."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
from scipy.special import pdtr

from telemetry_sim.errors import SettingsError
from telemetry_sim.laws import Floats
from telemetry_sim.parameters import Crowds
from telemetry_sim.streams import child_keys, normals, root_key, uniforms
from warehouse.contracts import Surface

DAY_S = 86_400.0
CROWD_STREAM = 2
"""What hangs under (seed, surface) beside the clients."""
COUNT_DRAW, ONSET_DRAW, HEIGHT_DRAW = 0, 1, 2
MOST_PER_DAY = 100
LONGEST_S = DAY_S
"""A crowd is over a day after its onset, so that one day of look-back is enough."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FlashCrowd:
    """One crowd; give some to `SimulationSettings.crowds` to plant them.

    Attributes:
        surface: Whose sessions.
        day: UTC day of the onset.
        onset_s: Seconds since that day's midnight.
        height_ratio: Extra rate at the peak over the surface's mean rate of a working day.
        rise_s: From onset to peak, in a straight line.
        decay_s: Time after the peak in which the extra rate falls to 1/e.
    """

    surface: Surface
    day: date
    onset_s: float
    height_ratio: float
    rise_s: float = 60.0
    decay_s: float = 900.0

    def __post_init__(self) -> None:
        if not 0.0 <= self.onset_s < DAY_S:
            raise SettingsError(f"flash crowd: onset_s {self.onset_s} is outside [0, {DAY_S:.0f})")
        if not (self.height_ratio >= 0.0 and self.rise_s > 0.0 and self.decay_s > 0.0):
            raise SettingsError(
                f"flash crowd: height {self.height_ratio}, rise {self.rise_s} s and decay {self.decay_s} s; "
                "the height must not be negative, the times must be above 0"
            )

    def extra_sessions_ratio(self, elapsed_s: Floats) -> Floats:
        """Extra sessions from the onset until `elapsed_s` after it, over the mean of a working day.

        The integral of height x (t / rise up to the peak, then exp(-(t - rise) / decay)), cut after `LONGEST_S`.
        """
        since = np.clip(elapsed_s, 0.0, LONGEST_S)
        rising = np.minimum(since, self.rise_s)
        falling = np.maximum(since - self.rise_s, 0.0)
        area_s = rising**2 / (2.0 * self.rise_s) - self.decay_s * np.expm1(-falling / self.decay_s)
        return np.asarray(self.height_ratio * area_s / DAY_S, dtype=np.float64)


def drawn_crowds(seed: int, surface: Surface, crowds: Crowds, day: date) -> list[FlashCrowd]:
    """The crowds that begin on a day by chance: a Poisson number, onsets anywhere, log-normal heights."""
    if crowds.per_day_count <= 0.0:
        return []
    root = root_key(seed, list(Surface).index(surface), CROWD_STREAM, day.toordinal())
    ladder = pdtr(np.arange(MOST_PER_DAY), crowds.per_day_count)
    count = int(np.searchsorted(ladder, uniforms(root, COUNT_DRAW)))
    keys = child_keys(root, np.arange(1, count + 1))
    heights = crowds.height_ratio * np.exp(crowds.height_sigma_ratio * normals(keys, HEIGHT_DRAW))
    return [
        FlashCrowd(
            surface=surface,
            day=day,
            onset_s=onset_s,
            height_ratio=height,
            rise_s=crowds.rise_s,
            decay_s=crowds.decay_s,
        )
        for onset_s, height in zip((uniforms(keys, ONSET_DRAW) * DAY_S).tolist(), heights.tolist(), strict=True)
    ]


def crowd_load(crowds: Iterable[FlashCrowd], day: date, parts: int) -> Floats:
    """Extra load by equal parts of a day, shape (parts,), 1 = the mean rate of a working day."""
    edges_s = np.linspace(0.0, DAY_S, parts + 1)
    load = np.zeros(parts)
    for crowd in crowds:
        elapsed_s = edges_s + (day - crowd.day) / timedelta(seconds=1) - crowd.onset_s
        load += np.diff(crowd.extra_sessions_ratio(elapsed_s)) * parts
    return load
