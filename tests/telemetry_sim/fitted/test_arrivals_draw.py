"""Draws from arrival laws: the count, the rate, the gaps and the course are the law's."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from telemetry_sim.errors import ParameterError, SettingsError
from telemetry_sim.fidelity.dispersion import dispersion_index
from telemetry_sim.fitted.arrivals import (
    ArrivalFamily,
    ArrivalLaw,
    Course,
    DayHarmonic,
    GapLaw,
    LevelPart,
    SilencePhase,
    law_from_dict,
    law_to_dict,
)
from telemetry_sim.fitted.arrivals_course import DAY_S
from telemetry_sim.fitted.arrivals_draw import draw_arrivals
from telemetry_sim.streams import root_key

POISSON = ArrivalLaw(family=ArrivalFamily.RENEWAL, rate_per_s=4.0)
WANDERING = ArrivalLaw(
    family=ArrivalFamily.MODULATED,
    rate_per_s=5.0,
    gap_law=GapLaw.GAMMA,
    gap_shape_ratio=0.6,
    levels=(LevelPart(sigma_ratio=0.4, memory_s=8.0), LevelPart(sigma_ratio=0.3, memory_s=90.0)),
)
BURSTS = ArrivalLaw(
    family=ArrivalFamily.ON_OFF,
    rate_per_s=3.0,
    levels=(LevelPart(sigma_ratio=0.5, memory_s=3.0),),
    burst_mean_s=9.0,
    silences=(SilencePhase(share_ratio=0.5, mean_s=2.0), SilencePhase(share_ratio=0.5, mean_s=40.0)),
)
LAWS = (POISSON, WANDERING, BURSTS)


@pytest.mark.parametrize("law", LAWS, ids=lambda law: law.family)
def test_a_law_comes_back_from_its_file_form(law: ArrivalLaw) -> None:
    assert law_from_dict(law_to_dict(law)) == law


@pytest.mark.parametrize("law", LAWS, ids=lambda law: law.family)
@given(seed=st.integers(0, 2**32), span_s=st.floats(1.0, 4000.0), count=st.none() | st.integers(0, 500))
def test_times_are_sorted_within_the_span_and_as_many_as_asked(
    law: ArrivalLaw, seed: int, span_s: float, count: int | None
) -> None:
    times = draw_arrivals(law, root_key(seed), span_s, count=count)
    assert (np.diff(times) >= 0).all()
    assert ((times >= 0) & (times < span_s)).all()
    assert count is None or len(times) == count


@pytest.mark.parametrize("law", LAWS, ids=lambda law: law.family)
def test_the_mean_rate_over_many_draws_is_the_laws(law: ArrivalLaw) -> None:
    counts = [len(draw_arrivals(law, root_key(seed), 3000.0)) for seed in range(60)]
    error = np.std(counts) / np.sqrt(len(counts))
    assert abs(np.mean(counts) - 3000.0 * law.rate_per_s) < 4.0 * error


def test_the_same_key_gives_the_same_times_and_another_key_others() -> None:
    one, again, other = (draw_arrivals(BURSTS, root_key(seed), 500.0) for seed in (1, 1, 2))
    assert np.array_equal(one, again)
    assert not np.array_equal(one[: len(other)], other[: len(one)])


def test_bursts_are_more_dispersed_than_a_wandering_rate_and_that_more_than_poisson() -> None:
    index = [
        np.median([dispersion_index(draw_arrivals(law, root_key(s), 3600.0), 10.0) for s in range(9)]) for law in LAWS
    ]
    assert 0.8 < index[0] < 1.2 < index[1] < 0.3 * index[2]


def test_gamma_gaps_have_the_dispersion_of_their_shape() -> None:
    law = ArrivalLaw(family=ArrivalFamily.RENEWAL, rate_per_s=20.0, gap_law=GapLaw.GAMMA, gap_shape_ratio=0.5)
    times = draw_arrivals(law, root_key(3), 4000.0)
    assert dispersion_index(times, 10.0) == pytest.approx(2.0, rel=0.2)


def test_times_fall_on_the_grid_of_a_rounded_source() -> None:
    law = ArrivalLaw(family=ArrivalFamily.RENEWAL, rate_per_s=4.0, tick_s=3.0)
    assert (draw_arrivals(law, root_key(5), 600.0) % 3.0 == 0).all()


def test_a_daily_course_puts_calls_where_the_day_is_busy() -> None:
    course = Course(day_harmonics=(DayHarmonic(cosine_ratio=-1.0, sine_ratio=0.0),))
    law = ArrivalLaw(family=ArrivalFamily.RENEWAL, rate_per_s=0.05, course=course)
    hour = (draw_arrivals(law, root_key(9), 7 * DAY_S) % DAY_S) / 3600.0
    assert ((hour > 6) & (hour < 18)).mean() == pytest.approx(0.78, abs=0.03)


@pytest.mark.parametrize("span_s", [0.0, -1.0, float("inf")])
def test_a_span_that_cannot_be_filled_is_refused(span_s: float) -> None:
    with pytest.raises(SettingsError, match="span above 0"):
        draw_arrivals(POISSON, root_key(1), span_s)


@pytest.mark.parametrize(
    "plain",
    [{}, {"family": "renewal"}, {"family": "odd", "rate_per_s": 1.0}, {"family": "renewal", "rate_per_s": -1.0}],
)
def test_a_file_that_is_no_law_is_refused(plain: dict[str, object]) -> None:
    with pytest.raises(ParameterError):
        law_from_dict(plain)
