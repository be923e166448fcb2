from typing import Any

import numpy as np
import polars as pl
import pytest

from featurize import cache_life_curve, prefix_reuse
from tests.featurize.call_frames import calls_frame
from tests.featurize.planted import whole_frame
from warehouse.contracts import ModelCalls, PrefixReuse

SHARED = {"input_tokens": 1000, "shared_prefix_tokens": 800, "cache_read_tokens": 800, "parent_call_id": "c0"}


def reuse_of(*rows: dict[str, Any]) -> pl.DataFrame:
    return PrefixReuse.validate(prefix_reuse(calls_frame(*rows)).collect()).sort("band")


def test_tokens_of_a_band_are_those_counted_by_hand() -> None:
    rows = reuse_of(
        {"input_tokens": 500},
        {**SHARED, "step_index": 1, "gap_s": 7.0},
        {**SHARED, "step_index": 2, "gap_s": 9.0, "cache_read_tokens": 200},
        {**SHARED, "step_index": 3, "gap_s": 400.0, "cache_read_tokens": 0},
        {**SHARED, "step_index": 4, "gap_s": 400.0, "cache_read_tokens": None},
    )
    told = rows.select("idle_low_s", "idle_high_s", "call_count", "shared_tokens", "cached_tokens", "lost_tokens")
    assert told.rows() == [(5.0, 10.0, 2, 1600, 1000, 600), (300.0, 600.0, 2, 1600, 0, 800)]
    assert rows["hit_ratio"].to_list() == [1000 / 1600, 0.0]
    assert rows["reuse_ratio"].to_list() == [0.8, 0.8]
    assert rows["lost_s"].to_list() == [None, None]  # no times were told


def test_a_switch_of_the_model_has_a_row_of_its_own() -> None:
    rows = reuse_of(
        {"input_tokens": 500, "model": "small"},
        {**SHARED, "step_index": 1, "gap_s": 7.0, "model": "small"},
        {**SHARED, "step_index": 2, "gap_s": 7.0, "model": "large", "cache_read_tokens": 0},
        {**SHARED, "session_id": "other", "gap_s": 7.0, "model": "small"},
    )
    assert rows.select("is_model_switch", "call_count", "hit_ratio").rows() == [(False, 2, 1.0), (True, 1, 0.0)]


def test_a_parent_in_another_session_may_have_had_another_model() -> None:
    rows = reuse_of(
        {"input_tokens": 500, "model": "small"},
        {**SHARED, "session_id": "other", "gap_s": 7.0, "model": "large"},
    )
    assert rows.select("is_model_switch", "call_count").rows() == [(True, 1)]


def test_an_idle_time_that_is_not_told_has_a_band_of_its_own() -> None:
    rows = reuse_of({"input_tokens": 500}, {**SHARED, "step_index": 1})
    assert rows.select("idle_low_s", "idle_high_s", "call_count").rows() == [(None, None, 1)]


def planted_calls(count: int, *, seed: int, s_per_token: float, life_s: float) -> pl.LazyFrame:
    """Calls whose cache forgets after a life and whose prefill takes so long per uncached token and per context."""
    rng = np.random.default_rng(seed)
    input_tokens = rng.lognormal(9.5, 0.9, count).astype(np.int64) + 10
    shared = (input_tokens * rng.uniform(0.6, 0.99, count)).astype(np.int64)
    gap_s = rng.lognormal(4.0, 1.7, count)
    cached = np.where((gap_s < life_s) & (rng.random(count) < 0.98), shared, 0)
    noise = np.exp(0.5 * rng.standard_normal(count) - 0.125)
    ttft_s = (0.4 + s_per_token * (input_tokens - cached) + 1e-6 * input_tokens) * noise
    names = pl.select(pl.format("c{}", pl.int_range(count))).to_series()
    columns = {
        "call_id": names,
        "parent_call_id": pl.select(pl.format("p{}", pl.int_range(count))).to_series(),
        "input_tokens": input_tokens,
        "shared_prefix_tokens": shared,
        "cache_read_tokens": cached,
        "gap_s": gap_s,
        "ttft_s": ttft_s,
        "duration_s": ttft_s + 2.0,
    }
    return whole_frame(ModelCalls, columns, calls_frame({}).collect())


def test_the_planted_cost_of_a_lost_token_is_found_and_inside_its_interval() -> None:
    inside = []
    for seed in range(60, 100):
        calls = planted_calls(6000, seed=seed, s_per_token=5e-5, life_s=300.0)
        rows = PrefixReuse.validate(prefix_reuse(calls).collect())
        lost_s, lost_tokens = (float(rows[name].to_numpy().sum()) for name in ("lost_s", "lost_tokens"))
        assert lost_s / lost_tokens == pytest.approx(5e-5, rel=0.12)
        inside.append(rows["lost_low_s"].to_numpy().sum() <= 5e-5 * lost_tokens <= rows["lost_high_s"].to_numpy().sum())
    assert np.mean(inside) >= 0.85


def test_a_cache_that_forgets_after_five_minutes_shows_at_five_minutes() -> None:
    rows = prefix_reuse(planted_calls(20_000, seed=1, s_per_token=5e-5, life_s=300.0)).sort("band").collect()
    short, long = rows.filter(pl.col("idle_high_s") <= 300.0), rows.filter(pl.col("idle_low_s") >= 300.0)
    assert short["hit_ratio"].to_numpy().min() > 0.95
    assert long["hit_ratio"].to_numpy().max() == 0.0


def test_the_law_of_idle_time_says_what_a_longer_life_would_keep() -> None:
    calls = planted_calls(20_000, seed=2, s_per_token=5e-5, life_s=300.0)
    law = cache_life_curve(prefix_reuse(calls)).collect()
    rows = calls.collect()
    for life_s, kept in law.filter(pl.col("life_s").is_finite()).select("life_s", "kept_ratio").rows():
        within = rows.filter(pl.col("gap_s") < life_s)["shared_prefix_tokens"].to_numpy().sum()
        assert kept == pytest.approx(within / rows["shared_prefix_tokens"].to_numpy().sum())
    assert law["kept_ratio"].to_list()[-1] == 1.0
