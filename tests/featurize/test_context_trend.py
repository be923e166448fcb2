from datetime import timedelta

import numpy as np
import polars as pl
import pytest

from featurize import HistoryTooShortError, context_trend
from tests.featurize.planted_sessions import START, mix_over_days, with_lengths
from warehouse.contracts import ContextTrend


def mix(days: int, seed: int, growth: float) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    return with_lengths(mix_over_days(rng, days=days, sizes={"codex_loop": 300.0}), rng, growth_per_day_ratio=growth)


def test_a_planted_growth_is_inside_its_interval_and_so_is_the_length_it_leads_to() -> None:
    inside, ahead = [], []
    for seed in range(60):
        row = context_trend(mix(21, seed, 0.008).lazy(), horizon_days=14).row(0, named=True)
        inside.append(row["growth_low_per_day_ratio"] <= 0.008 <= row["growth_high_per_day_ratio"])
        ahead.append(row["forecast_low_tokens"] <= 5000 * 1.008**34 <= row["forecast_high_tokens"])
    assert np.mean(inside) >= 0.88
    assert np.mean(ahead) >= 0.88


def test_prompts_that_do_not_grow_have_an_interval_around_nothing() -> None:
    around = []
    for seed in range(40):
        found = ContextTrend.validate(context_trend(mix(28, 100 + seed, 0.0).lazy()))
        assert found["quantile"].to_list() == ["p50", "p90"]
        low, high = found["growth_low_per_day_ratio"].to_numpy(), found["growth_high_per_day_ratio"].to_numpy()
        around.append((low < 0) & (high > 0))
    assert np.mean(around) >= 0.88


def test_one_odd_day_moves_the_trend_little() -> None:
    rows = mix(21, 4, 0.01)
    odd = rows.with_columns(
        pl.when(pl.col("day") == START + timedelta(days=18))
        .then(pl.col("input_p50_tokens") * 50)
        .otherwise("input_p50_tokens")
        .alias("input_p50_tokens")
    )
    before, after = (context_trend(frame.lazy()).row(0, named=True)["growth_per_day_ratio"] for frame in (rows, odd))
    assert after == pytest.approx(before, abs=0.002)


def test_a_history_of_days_is_refused() -> None:
    with pytest.raises(HistoryTooShortError, match="needs 7 days with prompt lengths, found 5"):
        context_trend(mix(5, 5, 0.0).lazy())
