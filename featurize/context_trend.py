"""The trend of context: how fast prompts grow from day to day, with an interval, and where that leads."""

from typing import Any

import dataframely as dy
import numpy as np
import polars as pl

from featurize.errors import HistoryTooShortError
from warehouse.contracts import ContextTrend

MIN_DAYS = 7
"""Days that a surface must have. Assumed: a week, so that one odd day cannot make a trend."""


def context_trend(mix: pl.LazyFrame, *, horizon_days: int = 28) -> dy.DataFrame[ContextTrend]:
    """Growth of median and 90th percentile prompts per day, and the lengths that it leads to. Collects.

    Robust regression: Theil and Sen's slope of the log over the day, the median of the slopes of all pairs, with its
    distribution-free 95 % interval (Sen, J. Am. Stat. Assoc. 63 (1968) 1379); a few odd days, or weekends with other
    prompts, move it little. The forecast goes on at that slope; its interval goes on at the interval's ends, widened by
    the 90 % range of the days about the line, and does not know of a change to come.

    Args:
        mix: frame valid under `WorkloadMix`.
        horizon_days: how far ahead.

    Raises:
        HistoryTooShortError: no surface has `MIN_DAYS` days that report prompts.
    """
    daily = mix.select(pl.col("surface").cast(pl.String), "day", "input_p50_tokens", "input_p90_tokens").collect()
    rows = []
    for (surface,), own in daily.sort("day").group_by("surface"):
        for quantile in ("p50", "p90"):
            known = own.select("day", tokens=f"input_{quantile}_tokens").filter(pl.col("tokens") > 0)
            if known.height >= MIN_DAYS:
                rows.append({"surface": surface, "quantile": quantile, **_trend(known, horizon_days)})
    if not rows:
        told = daily.filter(pl.col("input_p50_tokens") > 0)
        longest = told["day"].n_unique()
        raise HistoryTooShortError(
            f"a trend of context needs {MIN_DAYS} days with prompt lengths, found {longest}: keep more history or wait"
        )
    schema = ContextTrend.create_empty().schema
    return ContextTrend.validate(pl.DataFrame(rows, schema=schema).sort("surface", "quantile"), cast=True)


def _trend(known: pl.DataFrame, horizon_days: int) -> dict[str, Any]:
    days = known["day"].to_list()
    last = days[-1]
    place = np.array([(day - last).days for day in days], dtype=np.float64)
    logs = np.log(known["tokens"].to_numpy())
    from scipy.stats import theilslopes  # noqa: PLC0415 - seconds that every other feature would wait

    slope, _, low, high = theilslopes(logs, place, alpha=0.95)
    now = float(np.median(logs - slope * place))
    below, above = np.quantile(logs - now - slope * place, (0.05, 0.95))
    return {
        "day": last,
        "days_count": known.height,
        "horizon_days": horizon_days,
        "growth_per_day_ratio": float(np.expm1(slope)),
        "growth_low_per_day_ratio": float(np.expm1(low)),
        "growth_high_per_day_ratio": float(np.expm1(high)),
        "now_tokens": float(np.exp(now)),
        "forecast_tokens": float(np.exp(now + slope * horizon_days)),
        "forecast_low_tokens": float(np.exp(now + low * horizon_days + below)),
        "forecast_high_tokens": float(np.exp(now + high * horizon_days + above)),
    }
