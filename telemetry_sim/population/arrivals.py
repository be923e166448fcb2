"""When sessions start: hours of the day, weekends, time zones and crowds, and independent clients drawn over them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np

from telemetry_sim.laws import Floats, Ints
from telemetry_sim.parameters import Arrivals, Volume, Windows
from telemetry_sim.population.clients import STARTS, Clients
from telemetry_sim.population.crowds import FlashCrowd, crowd_load
from telemetry_sim.population.gaps import EXPONENTIAL, GAMMA, WEIBULL
from telemetry_sim.population.mmpp import mmpp_arrivals
from telemetry_sim.population.renewals import arrivals_at_rates
from telemetry_sim.population.windows import window_factors
from telemetry_sim.streams import Keys, child_keys, normals, uniforms

DAY_S = 86_400.0
HOURS = 24
CROWD_PARTS = 1440
"""Flash crowds are followed by the minute."""
LAW_DRAW, WINDOW_STREAM, SHAPE_DRAW = 0, 1, 2
"""Under a client's stream of starts, beside its days, whose numbers are far higher."""
MMPP = 3
"""Code of the process beside the gap laws of `gaps`."""
LEAST_SHAPE_RATIO, MOST_SHAPE_RATIO = 0.05, 20.0
SATURDAY = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Region:
    """A serving region; the offset is standard time, daylight saving is left out."""

    name: str
    utc_offset_h: int


REGIONS = (
    Region(name="americas", utc_offset_h=-6),
    Region(name="europe", utc_offset_h=1),
    Region(name="asia-pacific", utc_offset_h=8),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Starts:
    """Columns over sessions, in order of the block's clients, then of start."""

    client: Ints
    start_s: Floats
    """Seconds since the UTC midnight that begins the start day."""
    ordinal: Ints
    """Place of the session among its client's sessions of the day, from 0."""


def hourly_load(volume: Volume, day: date) -> Floats:
    """Relative load by region and UTC hour of a day, shape (regions, 24); a working day averages 1."""
    diurnal = np.asarray(volume.diurnal_ratio)
    diurnal = diurnal / diurnal.mean()
    load = np.empty((len(REGIONS), HOURS))
    for place, region in enumerate(REGIONS):
        local = np.arange(HOURS) + region.utc_offset_h
        weekday = np.array([(day + timedelta(days=int(shift))).weekday() for shift in local // HOURS])
        load[place] = diurnal[local % HOURS] * np.where(weekday >= SATURDAY, volume.weekend_ratio, 1.0)
    return load


@dataclass(frozen=True, slots=True, kw_only=True)
class DayLoad:
    """What moves a surface's rate over a UTC day, 1 = the mean rate of a working day."""

    regular: Floats
    """By region and hour: hours of the day, weekends, time zones; shape (regions, 24)."""
    crowd: Floats
    """Of flash crowds, the same in all regions, by equal parts of the day; one part where there is none."""

    @classmethod
    def of(cls, volume: Volume, day: date, crowds: Sequence[FlashCrowd] = ()) -> "DayLoad":
        """Load of a surface on a day; `crowds` that began on the day before are followed past midnight."""
        parts = CROWD_PARTS if crowds else 1
        return cls(regular=hourly_load(volume, day), crowd=crowd_load(crowds, day, parts))

    @property
    def mean_ratio(self) -> Floats:
        """Mean over the day by region."""
        return np.asarray(self.regular.mean(axis=1) + self.crowd.mean(), dtype=np.float64)

    def by_hour(self, share_ratio: Floats) -> Floats:
        """Load over all regions by hour, shape (24,)."""
        hourly = self.crowd.reshape(HOURS, -1).mean(axis=1) if len(self.crowd) > 1 else self.crowd
        return np.asarray(share_ratio @ self.regular + hourly, dtype=np.float64)


def draw_starts(
    clients: Clients, members: Ints, day: date, load: DayLoad, sessions_per_day: float, arrivals: Arrivals
) -> Starts:
    """Sessions that some clients start on a day.

    A client's expected sessions follow its rate and its region's load. It is Poisson, or has Gamma or Weibull gaps in
    the time of its accumulated rate, or is an MMPP, as its own draw among the surface's shares says; windows move its
    rate up and down and silence it, its volume of the day kept; crowds come on top.

    Args:
        clients: All clients of the surface.
        members: Numbers of the clients to draw, increasing; the others change nothing.
        day: UTC day.
        load: What moves the rate over the day.
        sessions_per_day: Expected sessions of a working day over all clients.
        arrivals: Laws of the surface.
    """
    stream = child_keys(clients.key[members], STARTS)
    region = clients.region[members]
    expected = sessions_per_day * clients.rate_ratio[members] * load.mean_ratio[region]
    law, shape_ratio = _gap_laws(arrivals, stream)
    profiles, profile = _profiles(arrivals.windows, child_keys(stream, WINDOW_STREAM), day, load, region)
    keys = child_keys(stream, day.toordinal())
    is_mmpp = law == MMPP
    parts = []
    for chosen in (np.flatnonzero(~is_mmpp), np.flatnonzero(is_mmpp)):
        if len(chosen) and law[chosen[0]] == MMPP:
            columns = mmpp_arrivals(arrivals.mmpp, keys[chosen], expected[chosen], profiles, profile[chosen])
        else:
            columns = arrivals_at_rates(
                keys[chosen], law[chosen], shape_ratio[chosen], expected[chosen], profiles, profile[chosen]
            )
        parts.append((chosen[columns[0]], columns[1], columns[2]))
    place, start_s, ordinal = (np.concatenate(column) for column in zip(*parts, strict=True))
    order = np.argsort(place, kind="stable") if is_mmpp.any() else slice(None)
    return Starts(client=members[place[order]], start_s=start_s[order], ordinal=ordinal[order])


def _gap_laws(arrivals: Arrivals, stream: Keys) -> tuple[Ints, Floats]:
    """Law of each client and the shape of its gaps, the same on every day."""
    gamma, weibull, mmpp = arrivals.gamma, arrivals.weibull, arrivals.mmpp
    ladder = np.cumsum([gamma.share_ratio, weibull.share_ratio, mmpp.share_ratio])
    codes = np.array([GAMMA, WEIBULL, MMPP, EXPONENTIAL])
    law = codes[np.searchsorted(ladder, uniforms(stream, LAW_DRAW), side="right")]
    median = np.where(law == GAMMA, gamma.shape_ratio, np.where(law == WEIBULL, weibull.shape_ratio, 1.0))
    sigma = np.where(law == GAMMA, gamma.shape_sigma_ratio, np.where(law == WEIBULL, weibull.shape_sigma_ratio, 0.0))
    if not sigma.any():
        return law, median
    return law, np.clip(median * np.exp(sigma * normals(stream, SHAPE_DRAW)), LEAST_SHAPE_RATIO, MOST_SHAPE_RATIO)


def _profiles(windows: Windows, keys: Keys, day: date, load: DayLoad, region: Ints) -> tuple[Floats, Ints]:
    """Relative rates by equal parts of the day, and the row that each client follows: its region's or its own."""
    if windows.are_flat:
        parts = max(HOURS, len(load.crowd))
        return _by_parts(load.regular, parts) + _by_parts(load.crowd, parts), region
    factor = window_factors(windows, keys, day)
    parts = max(factor.shape[1], len(load.crowd))
    regular = _by_parts(load.regular, parts)[region]
    moved = regular * _by_parts(factor, parts)
    means = moved.mean(axis=1, keepdims=True)
    moved *= np.divide(regular.mean(axis=1, keepdims=True), means, out=np.zeros_like(means), where=means > 0.0)
    return moved + _by_parts(load.crowd, parts), np.arange(len(region))


def _by_parts(values: Floats, parts: int) -> Floats:
    """Values over equal parts of the day, given again over `parts` parts."""
    given = values.shape[-1]
    return np.asarray(values[..., np.arange(parts) * given // parts], dtype=np.float64)
