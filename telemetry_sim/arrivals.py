"""When sessions start: hours of the day, weekends and time zones, and independent clients drawn over them."""

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np

from telemetry_sim.clients import STARTS, Clients
from telemetry_sim.gaps import EXPONENTIAL
from telemetry_sim.laws import Floats, Ints
from telemetry_sim.parameters import Volume
from telemetry_sim.renewals import arrivals_at_rates
from telemetry_sim.streams import child_keys

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


def offered_load(volume: Volume, day: date) -> Floats:
    """Relative load of a surface by hour over the start day and the next one, shape (48,)."""
    share = np.asarray(volume.region_share_ratio)
    return np.concatenate([share @ hourly_load(volume, day), share @ hourly_load(volume, day + timedelta(days=1))])


def draw_starts(clients: Clients, members: Ints, day: date, load: Floats, sessions_per_day: float) -> Starts:
    """Sessions that some clients start on a day: each client is a Poisson process with the load as its rate.

    Args:
        clients: All clients of the surface.
        members: Numbers of the clients to draw; the others change nothing.
        day: UTC day.
        load: Relative load by equal parts of the day, shape (regions, parts).
        sessions_per_day: Expected sessions of a working day over all clients.
    """
    region = clients.region[members]
    expected = sessions_per_day * clients.rate_ratio[members] * load.mean(axis=1)[region]
    keys = child_keys(child_keys(clients.key[members], STARTS), day.toordinal())
    law, shape = np.full(len(members), EXPONENTIAL), np.ones(len(members))
    place, start_s, ordinal = arrivals_at_rates(keys, law, shape, expected, load, region)
    return Starts(client=members[place], start_s=start_s, ordinal=ordinal)
