from datetime import timedelta

import numpy as np
import polars as pl
import pytest

from featurize import NoCallsError, demand_calls, demand_forecast, scaled_demand
from tests.featurize.call_frames import many_calls, policy_frame
from tests.featurize.planted_sessions import START, mix_over_days, with_lengths
from warehouse.contracts import DemandCalls, DemandForecast

SIZES = {"codex_loop": 500.0, "long_context_chat": 1500.0}
HORIZON = 7


def history(days: int, seed: int, growth: float = 0.0, lengths: float = 0.0) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    mix = mix_over_days(rng, days=days, sizes=SIZES, growth={"codex_loop": (growth, 0)})
    return with_lengths(mix, rng, growth_per_day_ratio=lengths)


def forecast(mix: pl.DataFrame, horizon_days: int = HORIZON) -> pl.DataFrame:
    return DemandForecast.validate(demand_forecast(mix.lazy(), horizon_days=horizon_days))


@pytest.mark.parametrize("growth", [0.0, 0.02])
def test_four_of_five_intervals_hold_what_came(growth: float) -> None:
    inside = []
    for seed in range(60):
        mix = history(49, seed, growth)
        seen = mix.filter(pl.col("day") < START + timedelta(days=42))
        told = forecast(seen).filter(surface="codex_loop")["session_weight_ratio"].to_list()
        came, was = (
            mix.filter(
                pl.col("surface") == "codex_loop",
                pl.col("day").is_between(START + timedelta(days=first), START + timedelta(days=first + 6)),
            )["session_count"].mean()
            for first in (42, 35)
        )
        inside.append(told[0] <= came / was <= told[2])  # type: ignore[operator]
        assert told[0] <= told[1] <= told[2]
    assert np.mean(inside) >= 0.75


def test_growth_of_volume_and_of_prompts_is_gone_on_with_where_it_has_paid() -> None:
    row = forecast(history(42, 1, 0.03, 0.01)).filter(surface="codex_loop", quantile="p50").row(0, named=True)
    assert row["session_weight_ratio"] == pytest.approx(1.03**7, rel=0.07)
    assert row["input_scale_ratio"] == pytest.approx(1.01**7, rel=0.04)
    assert row["output_scale_ratio"] == pytest.approx(1.0, abs=0.03)
    assert row["kept_trend_ratio"] == 1.0
    assert row["backtest_inside_ratio"] >= 0.7


def test_a_short_history_gives_a_reason_and_no_number() -> None:
    told = forecast(history(20, 2))
    assert told["session_weight_ratio"].null_count() == told.height == 6
    assert told["reason"][0] == "20 days of history; a forecast 7 days ahead is tried on at least 23"


def test_a_longer_history_narrows_and_a_longer_horizon_widens() -> None:
    def width(days: int, horizon_days: int) -> float:
        spans = []
        for seed in range(12):
            told = forecast(history(days, seed), horizon_days).filter(surface="codex_loop")["session_weight_ratio"]
            spans.append(np.log(told[2] / told[0]))
        return float(np.median(spans))

    assert width(24, 7) > 1.3 * width(80, 7)
    assert width(60, 21) > width(60, 7)


def test_no_days_at_all_are_refused() -> None:
    with pytest.raises(NoCallsError, match="got 0"):
        demand_forecast(history(5, 3).clear().lazy(), horizon_days=7)


def test_a_scenario_scales_weights_and_lengths_of_the_demand() -> None:
    demand = demand_calls(many_calls(2000), policy_frame())
    told = forecast(history(42, 4, 0.03, 0.01))
    scaled = DemandCalls.validate(scaled_demand(demand, told.lazy(), quantile="p90").collect())
    before = demand.collect()
    scales = told.filter(quantile="p90", surface="codex_loop").row(0, named=True)
    loops, loops_before = (frame.filter(surface="codex_loop") for frame in (scaled, before))
    assert loops["weight_ratio"].unique().to_list() == pytest.approx([scales["session_weight_ratio"]])
    ratio = loops["input_tokens"].to_numpy().sum() / loops_before["input_tokens"].to_numpy().sum()
    assert ratio == pytest.approx(scales["input_scale_ratio"], rel=1e-3)
    untold = scaled.filter(surface="api_burst")
    assert untold.equals(before.filter(surface="api_burst"))
