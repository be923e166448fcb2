import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from telemetry_sim.laws import Floats, Ints
from telemetry_sim.population.gaps import EXPONENTIAL, GAMMA, WEIBULL
from telemetry_sim.population.renewals import DAY_S, arrivals_at_rates
from telemetry_sim.streams import child_keys, root_key

CLIENTS = 400
EXPECTED = 100.0


def arrivals(law: int, shape: float, rate_ratio: Floats) -> tuple[Ints, Floats, Ints]:
    return arrivals_at_rates(
        child_keys(root_key(3), np.arange(CLIENTS)),
        np.full(CLIENTS, law),
        np.full(CLIENTS, shape),
        np.full(CLIENTS, EXPECTED),
        rate_ratio[None, :],
        np.zeros(CLIENTS, np.int64),
    )


@pytest.mark.parametrize(("law", "shape"), [(EXPONENTIAL, 1.0), (GAMMA, 0.3), (GAMMA, 4.0), (WEIBULL, 0.42)])
def test_counts_have_the_expected_mean_and_the_dispersion_of_a_renewal_process(law: int, shape: float) -> None:
    place, _, _ = arrivals(law, shape, np.ones(24))
    counts = np.bincount(place, minlength=CLIENTS)
    gaps = {EXPONENTIAL: 1.0, GAMMA: 1.0 / shape, WEIBULL: 6.32}
    error = np.sqrt(gaps[law] * EXPECTED / CLIENTS)
    assert counts.mean() == pytest.approx(EXPECTED, abs=4 * error)
    assert counts.var() / counts.mean() == pytest.approx(gaps[law], rel=0.35)


def test_hours_get_arrivals_in_proportion_to_their_rate_and_silent_hours_none() -> None:
    rate = np.array([0.0, 1.0, 3.0, 0.0] * 6)
    _, start_s, _ = arrivals(EXPONENTIAL, 1.0, rate)
    hours = np.bincount((start_s // 3600).astype(int), minlength=24)
    assert hours[rate == 0.0].sum() == 0
    assert hours / hours.sum() == pytest.approx(rate / rate.sum(), abs=0.004)


@given(seed=st.integers(0, 1000), law=st.sampled_from([EXPONENTIAL, GAMMA, WEIBULL]), expected=st.floats(0.0, 300.0))
def test_arrivals_lie_in_the_day_in_order_and_are_numbered(seed: int, law: int, expected: float) -> None:
    keys = child_keys(root_key(seed), np.arange(3))
    place, start_s, ordinal = arrivals_at_rates(
        keys,
        np.full(3, law),
        np.full(3, 0.5),
        np.array([expected, 0.0, expected / 2]),
        np.array([[1.0, 0.0, 2.0]]),
        np.zeros(3, np.int64),
    )
    assert np.all(np.diff(place) >= 0)
    assert 1 not in place
    for client in (0, 2):
        mine = place == client
        assert np.all(np.diff(start_s[mine]) >= 0.0)
        assert np.array_equal(ordinal[mine], np.arange(mine.sum()))
    assert np.all((start_s >= 0.0) & (start_s < DAY_S))
