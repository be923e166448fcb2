"""The sample's tables that look back over days, and its prefix reuse; every number is invented."""

from datetime import date
from typing import Any

import polars as pl

from warehouse.contracts import (
    SURFACES,
    AbandonmentThresholds,
    ContextTrend,
    DemandForecast,
    EmergingWorkloads,
    PrefixReuse,
    WorkloadDrift,
)

LAST = date(2026, 11, 3)


def thresholds() -> pl.DataFrame:
    """Two rises in long-context chat, one at the answers of the assistant."""
    rows: list[dict[str, Any]] = [
        _threshold(SURFACES[1], 1, "waiting", 7.9, (0.004, 0.061)),
        _threshold(SURFACES[1], 2, "waiting", 2.1, (0.001, 0.004)),
        _threshold(SURFACES[4], 1, "answered", 1.3, (0.0, 0.013)),
    ]
    return AbandonmentThresholds.cast(pl.DataFrame(rows))


def context_trend() -> pl.DataFrame:
    """Coding loops grow, the others do not."""
    rows = [
        {
            "surface": surface,
            "quantile": quantile,
            "day": LAST,
            "days_count": 21,
            "horizon_days": 7,
            "growth_per_day_ratio": growth,
            "growth_low_per_day_ratio": growth - 0.005,
            "growth_high_per_day_ratio": growth + 0.006,
            "now_tokens": now,
            "forecast_tokens": now * (1 + growth) ** 7,
            "forecast_low_tokens": now * 0.9,
            "forecast_high_tokens": now * 1.3,
        }
        for surface, growth, now in ((SURFACES[0], 0.013, 41e3), (SURFACES[1], -0.002, 58e3), (SURFACES[4], 0.0, 900.0))
        for quantile in ("p50", "p90")
    ]
    return ContextTrend.cast(pl.DataFrame(rows))


def drift() -> pl.DataFrame:
    """One feature drifted, one did not."""
    rows = [
        {
            "surface": SURFACES[0],
            "feature": feature,
            "day": LAST,
            "reference_count": 12_000,
            "session_count": 610,
            "ks_ratio": 0.14,
            "psi_ratio": psi,
            "median_over_reference_ratio": 1.31,
            "design_effect_ratio": 1.4,
            "p_value_ratio": q / 10,
            "q_value_ratio": q,
            "is_drifted": q < 0.05,
        }
        for feature, psi, q in (("tool_s", 0.31, 0.0004), ("turn_count", 0.02, 0.4))
    ]
    words = pl.Series("words", ["seconds of tools", "turns"])
    return WorkloadDrift.cast(pl.DataFrame(rows)).with_columns(words)


def emerging() -> pl.DataFrame:
    """A surface that grows, one that does not, a kind of session that was rare and one that rose by chance."""
    surface_growth = ((SURFACES[5], 0.034, 0.00001, True), (SURFACES[2], 0.001, 0.4, False))
    rows: list[dict[str, Any]] = [
        {
            **_emerging("surface", surface, 0, p_value),
            "growth_per_day_ratio": growth,
            "growth_low_per_day_ratio": growth - 0.01,
            "growth_high_per_day_ratio": growth + 0.01,
            "share_growth_per_day_ratio": growth,
            "is_emerging": flagged,
            "profile": f"sessions {growth:+.1%} a day over 28 days",
        }
        for surface, growth, p_value, flagged in surface_growth
    ]
    rows += [
        {
            **_emerging("cluster", SURFACES[0], number, p_value),
            "q_value_ratio": p_value * 12,
            "is_emerging": flagged,
            "profile": "212 calls (all: 38); 1,840 seconds of tools (all: 95)",
        }
        for number, p_value, flagged in ((1, 0.0002, True), (2, 0.2, False))
    ]
    schema = EmergingWorkloads.create_empty().schema
    return EmergingWorkloads.cast(pl.DataFrame(rows, schema=schema))


def forecast() -> pl.DataFrame:
    """Two surfaces with numbers, one whose history is too short."""
    rows: list[dict[str, Any]] = [
        {
            **_forecast(surface, quantile),
            "session_weight_ratio": mid + side * 0.08,
            "input_scale_ratio": 1.02 + side * 0.03,
            "output_scale_ratio": 0.99 + side * 0.02,
            "kept_trend_ratio": 0.5,
            "backtest_count": 19,
            "backtest_inside_ratio": 0.84,
        }
        for surface, mid in ((SURFACES[0], 1.04), (SURFACES[5], 1.27))
        for quantile, side in (("p10", -1), ("p50", 0), ("p90", 1))
    ]
    reason = "9 days of history; a forecast 7 days ahead is tried on at least 23"
    rows += [{**_forecast(SURFACES[3], quantile), "reason": reason} for quantile in ("p10", "p50", "p90")]
    return DemandForecast.cast(pl.DataFrame(rows, schema=DemandForecast.create_empty().schema))


def reuse() -> pl.DataFrame:
    """Four bands of idle time on three surfaces; the cache forgets after five minutes."""
    bands: tuple[tuple[float | None, float | None, float], ...] = (
        (0.0, 10.0, 0.99),
        (10.0, 300.0, 0.93),
        (300.0, 3600.0, 0.21),
        (3600.0, None, 0.02),
    )
    rows = []
    for surface, calls in ((SURFACES[0], 4000), (SURFACES[1], 900), (SURFACES[5], 700)):
        for number, (low, high, hit) in enumerate(bands, start=1):
            shared = int(calls / number**2 * 38_000)
            lost = int(shared * (1 - hit))
            rows.append(
                {
                    "surface": surface,
                    "idle_low_s": low,
                    "idle_high_s": high,
                    "is_model_switch": False,
                    "day": LAST,
                    "band": number,
                    "call_count": int(calls / number**2),
                    "input_tokens": int(shared / 0.92),
                    "shared_tokens": shared,
                    "told_count": int(calls / number**2),
                    "cached_tokens": shared - lost,
                    "lost_tokens": lost,
                    "reuse_ratio": 0.92,
                    "hit_ratio": 1 - lost / shared,
                    "lost_s": lost * 6e-5,
                    "lost_low_s": lost * 5e-5,
                    "lost_high_s": lost * 7e-5,
                    "uncached_s_per_tokens": 6e-5,
                }
            )
    return PrefixReuse.cast(pl.DataFrame(rows, infer_schema_length=None))


def _threshold(surface: str, rank: int, moment: str, threshold_s: float, ratios: tuple[float, float]) -> dict[str, Any]:
    return {
        "surface": surface,
        "rank": rank,
        "day": LAST,
        "moment": moment,
        "threshold_s": threshold_s,
        "threshold_low_s": threshold_s * 0.94,
        "threshold_high_s": threshold_s * 1.07,
        "before_ratio": ratios[0],
        "after_ratio": ratios[1],
        "left_count": 214 // rank,
        "p_value_ratio": 0.001 * rank,
    }


def _emerging(kind: str, surface: str, number: int, p_value: float) -> dict[str, Any]:
    return {
        "kind": kind,
        "surface": surface,
        "number": number,
        "day": LAST,
        "session_count": 320,
        "share_before_ratio": 0.021,
        "share_now_ratio": 0.054,
        "p_value_ratio": p_value,
    }


def _forecast(surface: str, quantile: str) -> dict[str, Any]:
    return {"surface": surface, "quantile": quantile, "day": LAST, "horizon_days": 7}


def generations() -> pl.DataFrame:
    """Two generations of chips."""
    return pl.DataFrame(
        {
            "generation": [1, 2],
            "run_id": ["20261101-020000-synthetic", "20261101-030000-synthetic_generation_2"],
            "chip": ["h100-sxm", "h100-sxm with 6 HBM3E stacks"],
            "call_count": [225_000, 251_000],
            "session_count": [21_000, 23_300],
            "chips_count": [158.0, 141.0],
            "binding_resource": ["hbm", "matrix"],
            "binding_ratio": [0.58, 0.37],
            "value_per_usd_ratio": [2.1, 2.6],
            "value_usd_per_j": [1.1e-6, 1.3e-6],
            "value_usd_per_rack_h": [310.0, 352.0],
            "value_usd_per_latency_s": [0.011, 0.012],
            "next_change": ["6 HBM3E stacks", "none"],
        }
    )


def generation_surfaces() -> pl.DataFrame:
    """What moved demand between them."""
    shared = {"ttft_p50_s": 0.7, "ttft_p95_s": 3.1, "cut_ratio": 0.02}
    rows: list[dict[str, object]] = []
    for number, surface in enumerate(SURFACES):
        first = {"generation": 1, "surface": surface, "call_count": 30_000 + number} | shared
        moved = {"price_ratio": 0.8, "latency_ratio": 0.95, "volume_ratio": 1.04 + 0.05 * number}
        rows += [first, first | {"generation": 2, "call_count": 34_000 + number} | moved]
    return pl.DataFrame(rows, infer_schema_length=None)
