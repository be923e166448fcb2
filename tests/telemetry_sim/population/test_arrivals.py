from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pytest

from telemetry_sim import ParameterError, surface_parameters
from telemetry_sim.laws import Ints
from telemetry_sim.parameters import Arrivals
from telemetry_sim.population.arrivals import REGIONS, DayLoad, Starts, draw_starts, hourly_load
from telemetry_sim.population.clients import Clients, make_clients
from warehouse.contracts import Surface

WEDNESDAY, SATURDAY = date(2026, 6, 3), date(2026, 6, 6)
VOLUME = surface_parameters(Surface.CODEX_LOOP).volume


def test_a_working_day_has_mean_load_one_in_every_region() -> None:
    assert hourly_load(VOLUME, WEDNESDAY).mean(axis=1) == pytest.approx(np.ones(len(REGIONS)))


def test_a_weekend_day_has_the_declared_share_of_load_by_local_calendar() -> None:
    load = hourly_load(VOLUME, SATURDAY)
    europe = [region.name for region in REGIONS].index("europe")
    weekend_hours = load[europe, :23]
    working_hours = hourly_load(VOLUME, WEDNESDAY)[europe, :23]
    assert weekend_hours == pytest.approx(VOLUME.weekend_ratio * working_hours)
    americas = [region.name for region in REGIONS].index("americas")
    assert load[americas, 3] == pytest.approx(hourly_load(VOLUME, WEDNESDAY)[americas, 3])


def test_the_load_of_a_working_day_averages_one_over_regions_and_hours() -> None:
    load = DayLoad.of(VOLUME, WEDNESDAY).by_hour(np.asarray(VOLUME.region_share_ratio))
    assert load.shape == (24,)
    assert load.mean() == pytest.approx(1.0)


def test_a_working_day_of_coding_has_four_to_five_times_the_sessions_of_a_weekend_day() -> None:
    clients = make_clients(3, Surface.CODEX_LOOP, VOLUME, 20_000.0)
    week = [date(2026, 6, 1) + timedelta(days=number) for number in range(7)]
    counts = np.array([len(drawn(clients, day, 20_000.0).client) for day in week])
    assert 4.0 < counts[:5].mean() / counts[5:].mean() < 5.0


def drawn(clients: Clients, day: date, sessions_per_day: float, members: Ints | None = None) -> Starts:
    everyone = np.arange(len(clients.region)) if members is None else members
    return draw_starts(clients, everyone, day, DayLoad.of(VOLUME, day), sessions_per_day, VOLUME.arrivals)


def test_sessions_follow_the_hours_and_the_expected_number() -> None:
    clients = make_clients(3, Surface.CODEX_LOOP, VOLUME, 50_000.0)
    load = hourly_load(VOLUME, WEDNESDAY)
    starts = drawn(clients, WEDNESDAY, 50_000.0)
    assert len(starts.client) == pytest.approx(50_000, rel=0.03)
    assert starts.start_s.min() >= 0.0
    assert starts.start_s.max() < 86_400.0
    hours = np.bincount((starts.start_s // 3600).astype(np.int64), minlength=24) / len(starts.client)
    expected = np.asarray(VOLUME.region_share_ratio) @ load / 24
    assert np.abs(hours - expected).max() < 0.006


def test_clients_have_skewed_rates_unique_ids_and_the_declared_regions() -> None:
    clients = make_clients(3, Surface.CODEX_LOOP, VOLUME, 50_000.0)
    assert clients.rate_ratio.sum() == pytest.approx(1.0)
    assert np.bincount(clients.region, weights=clients.rate_ratio) == pytest.approx(VOLUME.region_share_ratio)
    top = np.sort(clients.rate_ratio)[::-1]
    assert top[: len(top) // 10].sum() > 0.3
    assert clients.client_ids.n_unique() == len(clients.client_ids)
    assert clients.client_ids.str.len_chars().unique().to_list() == [16]


def test_the_draws_of_a_client_depend_on_nobody_else() -> None:
    clients = make_clients(3, Surface.CODEX_LOOP, VOLUME, 50_000.0)
    everyone = drawn(clients, WEDNESDAY, 50_000.0)
    few = np.array([3, 5, 17, 900])
    alone = drawn(clients, WEDNESDAY, 50_000.0, few)
    assert len(alone.client) > 100
    for client in few:
        assert np.array_equal(alone.start_s[alone.client == client], everyone.start_s[everyone.client == client])


def test_ordinals_number_the_sessions_of_a_client_in_order_of_start() -> None:
    clients = make_clients(3, Surface.CODEX_LOOP, VOLUME, 50_000.0)
    starts = drawn(clients, WEDNESDAY, 50_000.0)
    same = np.diff(starts.client) == 0
    assert np.all(np.diff(starts.start_s)[same] >= 0.0)
    assert np.all(np.diff(starts.ordinal)[same] == 1)
    assert np.all(starts.ordinal[np.flatnonzero(~same) + 1] == 0)


def test_days_of_a_client_are_drawn_apart() -> None:
    clients = make_clients(3, Surface.CODEX_LOOP, VOLUME, 50_000.0)
    days = [drawn(clients, day, 50_000.0, np.arange(100)).start_s for day in (WEDNESDAY, date(2026, 6, 4))]
    assert not np.isin(days[0], days[1]).any()


def with_shares(gamma: float, weibull: float, mmpp: float) -> Arrivals:
    laws = VOLUME.arrivals
    return replace(
        laws,
        gamma=replace(laws.gamma, share_ratio=gamma, shape_ratio=0.2),
        weibull=replace(laws.weibull, share_ratio=weibull, shape_ratio=0.5),
        mmpp=replace(laws.mmpp, share_ratio=mmpp),
    )


def counts_by_client(arrivals: Arrivals) -> Ints:
    clients = make_clients(3, Surface.CODEX_LOOP, VOLUME, 3_000.0)
    everyone = np.arange(len(clients.region))
    load = DayLoad.of(VOLUME, WEDNESDAY)
    starts = draw_starts(clients, everyone, WEDNESDAY, load, 200_000.0, arrivals)
    assert np.all(np.diff(starts.client) >= 0)
    return np.bincount(starts.client, minlength=len(everyone)).astype(np.int64)


@pytest.mark.parametrize(
    "shares", [(0.0, 0.0, 0.0), (1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0), (0.3, 0.3, 0.3)]
)
def test_every_law_of_arrivals_brings_the_expected_number_of_sessions(shares: tuple[float, float, float]) -> None:
    assert counts_by_client(with_shares(*shares)).sum() == pytest.approx(200_000, rel=0.04)


def test_clients_that_keep_their_law_keep_their_sessions_when_others_change_theirs() -> None:
    poisson, mixed = counts_by_client(with_shares(0.0, 0.0, 0.0)), counts_by_client(with_shares(0.2, 0.2, 0.2))
    large = poisson > 50
    assert large.sum() > 500
    assert np.mean(poisson[large] == mixed[large]) == pytest.approx(0.4, abs=0.06)


def test_shares_of_laws_beyond_one_are_refused() -> None:
    with pytest.raises(ParameterError, match=r"sum to 1\.2"):
        with_shares(0.6, 0.6, 0.0)
