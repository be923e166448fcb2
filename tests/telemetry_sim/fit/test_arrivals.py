"""The fit of arrivals finds planted truth, and meets the shared traces' dispersion."""

import numpy as np
import polars as pl
import pytest

from telemetry_sim.errors import SettingsError
from telemetry_sim.fidelity.dispersion import dispersion_index
from telemetry_sim.fit.arrivals import fit_arrivals, tick_of
from telemetry_sim.fitted.arrivals import (
    ArrivalFamily,
    ArrivalLaw,
    Course,
    GapLaw,
    LevelPart,
    SilencePhase,
    law_from_dict,
    law_to_dict,
)
from telemetry_sim.fitted.arrivals_draw import draw_arrivals
from telemetry_sim.fitted.arrivals_sizes import placed_by_size
from telemetry_sim.laws import Floats
from telemetry_sim.streams import child_keys, root_key
from tests.shared_data import shared_path

SEEDS = 20


def poisson(rate: float, span_s: float, seed: int) -> Floats:
    generator = np.random.default_rng(seed)
    return np.sort(generator.random(generator.poisson(rate * span_s))) * span_s


def median_dispersion(law: ArrivalLaw, span_s: float, window_s: float) -> float:
    draws = (draw_arrivals(law, np.uint64(child_keys(root_key(77), k)), span_s) for k in range(SEEDS))
    return float(np.median([dispersion_index(times, window_s) for times in draws]))


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_poisson_arrivals_are_called_poisson(seed: int) -> None:
    law = fit_arrivals(poisson(3.0, 1200.0, seed), 1200.0)
    assert (law.family, law.gap_law, law.course.parameter_count) == (ArrivalFamily.RENEWAL, GapLaw.EXPONENTIAL, 0)
    assert law.rate_per_s == pytest.approx(3.0, rel=0.05)


@pytest.mark.parametrize("shape", [0.5, 3.0])
def test_gamma_gaps_give_back_their_shape(shape: float) -> None:
    gaps = np.random.default_rng(4).gamma(shape, 1.0 / (2.0 * shape), size=2400)
    times = np.cumsum(gaps)
    law = fit_arrivals(times, float(times[-1]))
    assert (law.family, law.gap_law) == (ArrivalFamily.RENEWAL, GapLaw.GAMMA)
    assert law.gap_shape_ratio == pytest.approx(shape, rel=0.15)


def test_planted_bursts_give_back_their_dispersion_and_silences() -> None:
    planted = ArrivalLaw(
        family=ArrivalFamily.ON_OFF,
        rate_per_s=3.0,
        levels=(LevelPart(sigma_ratio=0.5, memory_s=4.0),),
        burst_mean_s=10.0,
        silences=(SilencePhase(share_ratio=1.0, mean_s=30.0),),
    )
    times = draw_arrivals(planted, root_key(21), 3000.0)
    law = fit_arrivals(times, 3000.0)
    assert law.family is ArrivalFamily.ON_OFF
    silence = sum(phase.share_ratio * phase.mean_s for phase in law.silences)
    assert silence == pytest.approx(30.0, rel=0.5)
    for window_s, tolerance in ((1.0, 0.2), (10.0, 0.25), (60.0, 0.4)):
        assert median_dispersion(law, 3000.0, window_s) == pytest.approx(
            dispersion_index(times, window_s), rel=tolerance
        )


def test_a_planted_wandering_rate_gives_back_its_deviation_and_memory() -> None:
    part = LevelPart(sigma_ratio=0.5, memory_s=20.0)
    planted = ArrivalLaw(family=ArrivalFamily.MODULATED, rate_per_s=8.0, levels=(part,))
    law = fit_arrivals(draw_arrivals(planted, root_key(8), 1200.0), 1200.0)
    assert law.family is ArrivalFamily.MODULATED
    assert law.levels[0].sigma_ratio == pytest.approx(0.5, rel=0.3)
    assert law.levels[0].memory_s == pytest.approx(20.0, rel=0.6)


def test_a_planted_trend_is_found_and_bursts_are_not_taken_for_one() -> None:
    flat = poisson(4.0, 2400.0, 5)
    ramp = flat[np.random.default_rng(6).random(len(flat)) < 0.3 + 0.7 * flat / 2400.0]
    course = fit_arrivals(ramp, 2400.0).course
    assert len(course.trend_log_ratios) >= 2
    assert course.trend_log_ratios[-1] - course.trend_log_ratios[0] == pytest.approx(np.log(1.0 / 0.3), rel=0.25)


def test_the_tick_of_rounded_times_is_found_and_kept() -> None:
    times = np.floor(poisson(3.0, 1800.0, 7) / 3.0) * 3.0
    assert tick_of(times) == pytest.approx(3.0)
    law = fit_arrivals(times, 1800.0)
    assert law.tick_s == pytest.approx(3.0)
    assert (draw_arrivals(law, root_key(1), 1800.0) % 3.0 == 0).all()


def test_few_arrivals_tell_their_rate_and_no_more() -> None:
    assert fit_arrivals(np.arange(5.0), 10.0) == ArrivalLaw(family=ArrivalFamily.RENEWAL, rate_per_s=0.5)


def test_the_law_of_a_trace_is_a_handful_of_numbers() -> None:
    law = fit_arrivals(poisson(2.0, 900.0, 1), 900.0)
    assert law.parameter_count < 20
    assert len(str(law_to_dict(law))) < 1000


@pytest.mark.parametrize("times", [[], [float("nan")], [5.0, 50.0]])
def test_times_that_cannot_be_fitted_are_refused(times: list[float]) -> None:
    with pytest.raises(SettingsError):
        fit_arrivals(np.asarray(times), 10.0)


def azure(name: str) -> Floats:
    stamps = pl.read_parquet(shared_path(f"data/traces/{name}.parquet"))["TIMESTAMP"].sort().dt.epoch("us").to_numpy()
    return np.asarray((stamps - stamps[0]) / 1e6, dtype=np.float64)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["azure_llm_2023_code", "azure_llm_2023_conv_first40min"])
def test_simulated_dispersion_meets_the_azure_traces(name: str) -> None:
    """Bars of the issue: 30 % at 1 and 10 s, 40 % at 60 s, median of 20 seeds."""
    times = azure(name)
    span_s = float(times[-1])
    law = fit_arrivals(times, span_s)
    for window_s, bar in ((1.0, 0.3), (10.0, 0.3), (60.0, 0.4)):
        assert median_dispersion(law, span_s, window_s) == pytest.approx(dispersion_index(times, window_s), rel=bar)


def test_a_planted_drift_of_sizes_is_found_and_played_and_none_is_invented() -> None:
    generator = np.random.default_rng(12)
    times = poisson(4.0, 2400.0, 3)
    sizes = np.exp(generator.normal(size=len(times)) + 1.5 * times / 2400.0)
    law = fit_arrivals(times, 2400.0, sizes=sizes)
    assert law.course.size_scores[-1] - law.course.size_scores[0] == pytest.approx(
        1.5 / np.std(np.log(sizes)), rel=0.15
    )
    assert law_from_dict(law_to_dict(law)) == law
    placed = placed_by_size(law, root_key(4), times, generator.permutation(sizes))
    assert np.array_equal(np.sort(placed), times)
    assert fit_arrivals(times, 2400.0, sizes=generator.permutation(sizes)).course.size_scores == ()


def test_played_sizes_follow_the_drift() -> None:
    law = ArrivalLaw(
        family=ArrivalFamily.RENEWAL, rate_per_s=4.0, course=Course(size_scores=(-1.0, 1.0), size_span_s=1000.0)
    )
    times, sizes = poisson(4.0, 1000.0, 3), np.random.default_rng(5).exponential(size=10_000)
    placed = placed_by_size(law, root_key(1), times, sizes[: len(times)])
    late = placed > 500.0
    assert np.median(sizes[: len(times)][late]) > 2.0 * np.median(sizes[: len(times)][~late])
