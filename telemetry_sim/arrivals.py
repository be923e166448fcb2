"""When sessions start: hours of the day, weekends and time zones, and independent clients drawn over them."""

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np

from telemetry_sim.clients import Clients
from telemetry_sim.laws import Floats, Ints
from telemetry_sim.parameters import Volume

HOUR_S = 3600.0
DAY_S = 86_400.0
HOURS = 24
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
    """Columns over sessions, in order of start."""

    client: Ints
    start_s: Floats
    """Seconds since the UTC midnight that begins the start day."""


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


def offered_load(volume: Volume, day: date) -> Floats:
    """Relative load of a surface by hour over the start day and the next one, shape (48,)."""
    share = np.asarray(volume.region_share_ratio)
    return np.concatenate([share @ hourly_load(volume, day), share @ hourly_load(volume, day + timedelta(days=1))])


def draw_starts(
    rng: np.random.Generator, clients: Clients, members: Ints, load: Floats, sessions_per_day: float
) -> Starts:
    """Sessions that a block of clients starts on a day: each client is a Poisson process with the hourly load.

    Args:
        rng: Random numbers of this block and day.
        clients: All clients of the surface.
        members: Client numbers of this block.
        load: Relative load, shape (regions, 24).
        sessions_per_day: Expected sessions of a working day over all clients.
    """
    region = clients.region[members]
    expected = sessions_per_day * clients.rate_ratio[members] * load.mean(axis=1)[region]
    owner = np.repeat(np.arange(len(members)), rng.poisson(expected))
    within = np.cumsum(load, axis=1) / load.sum(axis=1, keepdims=True)
    ladder = (within + np.arange(len(REGIONS))[:, None]).ravel()
    place = np.searchsorted(ladder, region[owner] + rng.random(len(owner)), side="right")
    hour = np.minimum(place - region[owner] * HOURS, HOURS - 1)
    start_s = (hour + rng.random(len(owner))) * HOUR_S
    order = np.argsort(start_s, kind="stable")
    return Starts(client=members[owner[order]], start_s=start_s[order])
