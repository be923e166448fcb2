import numpy as np
import pytest

from telemetry_sim import ParameterError
from telemetry_sim.laws import Floats, Ints
from telemetry_sim.parameters import Mmpp
from telemetry_sim.population.mmpp import mmpp_arrivals
from telemetry_sim.streams import child_keys, root_key

TWO = Mmpp(share_ratio=1.0, state_rate_ratio=(0.2, 6.0), state_dwell_s=(5400.0, 900.0))
THREE = Mmpp(share_ratio=1.0, state_rate_ratio=(0.0, 1.0, 9.0), state_dwell_s=(600.0, 300.0, 100.0))
CLIENTS, EXPECTED, BIN_S = 300, 200.0, 600.0


def arrivals(law: Mmpp, rate_ratio: Floats) -> tuple[Ints, Floats, Ints]:
    keys = child_keys(root_key(8), np.arange(CLIENTS))
    return mmpp_arrivals(law, keys, np.full(CLIENTS, EXPECTED), rate_ratio[None, :], np.zeros(CLIENTS, np.int64))


def dispersion_by_theory(law: Mmpp) -> float:
    """Variance over mean of counts in a bin: 1 + 2 / (r T) x integral of (T - s) C(s), C the rate's autocovariance.

    C(s) = pi R exp(Q s) R 1 - r^2 by the eigenvalues of the generator Q (Fischer and Meier-Hellstern, 1993,
    doi:10.1016/0166-5316(93)90035-S).
    """
    dwell = np.array(law.state_dwell_s)
    states = len(dwell)
    jumps = (np.ones((states, states)) - np.eye(states)) / (states - 1)
    generator = (jumps - np.eye(states)) / dwell[:, None]
    present = dwell / dwell.sum()
    rate = np.array(law.state_rate_ratio) / (present @ np.array(law.state_rate_ratio)) * EXPECTED / 86_400.0
    values, right = np.linalg.eig(generator)
    left = np.linalg.inv(right)
    mean = present @ rate
    decaying = np.abs(values) > 1e-12
    weights = ((present * rate) @ right * (left @ rate))[decaying]
    k = values[decaying]
    integral = (weights * (-BIN_S / k + (np.exp(k * BIN_S) - 1.0) / k**2)).sum()
    return float(1.0 + 2.0 * np.real(integral) / (mean * BIN_S))


@pytest.mark.parametrize("law", [TWO, THREE])
def test_counts_have_the_mean_and_the_dispersion_of_theory(law: Mmpp) -> None:
    place, start_s, _ = arrivals(law, np.ones(24))
    bins = place * 144 + (start_s // BIN_S).astype(np.int64)
    counts = np.bincount(bins, minlength=CLIENTS * 144)
    assert counts.sum() == pytest.approx(CLIENTS * EXPECTED, rel=0.06)
    assert counts.var() / counts.mean() == pytest.approx(dispersion_by_theory(law), rel=0.1)
    assert dispersion_by_theory(law) > 2.0


def test_arrivals_follow_the_load_are_ordered_and_numbered() -> None:
    place, start_s, ordinal = arrivals(TWO, np.repeat([0.0, 2.0, 1.0], 8))
    thirds = np.bincount((start_s // 28_800).astype(np.int64), minlength=3)
    assert thirds[0] == 0
    assert thirds[1] / thirds[2] == pytest.approx(2.0, rel=0.1)
    same = np.diff(place) == 0
    assert np.all(np.diff(start_s)[same] > 0.0)
    assert np.all(np.diff(ordinal)[same] == 1)
    assert start_s.max() < 86_400.0


@pytest.mark.parametrize(
    ("rates", "stays", "message"),
    [
        ((1.0,), (10.0,), "2\\+ states"),
        ((1.0, 2.0), (10.0,), "2\\+ states"),
        ((0.0, 0.0), (1.0, 1.0), "all rates are 0"),
    ],
)
def test_states_that_make_no_process_are_refused(
    rates: tuple[float, ...], stays: tuple[float, ...], message: str
) -> None:
    with pytest.raises(ParameterError, match=message):
        Mmpp(share_ratio=1.0, state_rate_ratio=rates, state_dwell_s=stays)
