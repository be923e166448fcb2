"""Demand forecast: how many sessions and how long prompts and answers will be, as scales on today's demand."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal

import dataframely as dy
import numpy as np
import numpy.typing as npt
import polars as pl
from scipy.special import stdtrit

from featurize.errors import NoCallsError
from warehouse.contracts import DemandCalls, DemandForecast

Quantile = Literal["p10", "p50", "p90"]
QUANTILES: tuple[Quantile, ...] = ("p10", "p50", "p90")

LEVEL_DAYS = 7
"""A level is the mean over a week: each weekday once, so that weekdays cancel in every change of it."""

LONGEST_LOOK_BACK_DAYS = 21
"""A slope is a change of the level over at most this: older growth says little about next week's. Assumed."""

MIN_ORIGINS_COUNT = 3
"""Past days that a forecast must have been tried from. Assumed: fewer errors tell no spread."""

KEPT_TRENDS = (0.0, 0.5, 1.0)
"""Shares of the past slope that a forecast may go on with; backtests choose."""

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Backtest:
    """What a series' past says of forecasting it.

    Attributes:
        change: expected change of the log of the level over the horizon.
        reach: half width of its 80 % interval.
        kept_trend: share of the past slope that is gone on with.
        origins_count: past days that it was tried from.
        inside_ratio: share of those trials whose truth lay inside an interval of this width.
    """

    change: float
    reach: float
    kept_trend: float
    origins_count: int
    inside_ratio: float


def demand_forecast(mix: pl.LazyFrame, *, horizon_days: int) -> dy.DataFrame[DemandForecast]:
    """Forecast each surface's level of the week that ends `horizon_days` after the last day, over that of the last one.

    For sessions, median prompts and median answers alike: the level goes on at a share of its past slope; the share is
    chosen, and the interval made, by rolling-origin backtests over all past days that leave two weeks before them
    (Tashman, Int. J. Forecast. 16 (2000) 437). Trials whose spans overlap are not independent: the quantiles are
    Student's at one degree of freedom per whole horizon tried, so a short history gives a wide interval, and too
    short a one a row without numbers that says why. The scenario p90 takes all three series at their p90.

    Args:
        mix: frame valid under `WorkloadMix`.
        horizon_days: how far ahead, at least 1.

    Raises:
        NoCallsError: the frame has no rows.
    """
    daily = mix.select(
        pl.col("surface").cast(pl.String), "day", "session_count", "input_p50_tokens", "output_p50_tokens"
    ).collect()
    last = daily["day"].max()
    if not isinstance(last, date):
        raise NoCallsError("a forecast needs days of telemetry, got 0: choose days or surfaces that have calls")
    rows = [
        row for (_,), own in daily.sort("day").group_by("surface") for row in _surface_rows(own, last, horizon_days)
    ]
    schema = DemandForecast.create_empty().schema
    return DemandForecast.validate(pl.DataFrame(rows, schema=schema).sort("surface", "quantile"), cast=True)


def scaled_demand(demand: pl.LazyFrame, forecast: pl.LazyFrame, *, quantile: Quantile) -> dy.LazyFrame[DemandCalls]:
    """Today's demand as it may be at the horizon: session weights and lengths scaled.

    Args:
        demand: frame valid under `DemandCalls`.
        forecast: frame valid under `DemandForecast`, of one day; surfaces without numbers stay as they are.
        quantile: which scenario.
    """
    scales = forecast.filter(pl.col("quantile").cast(pl.String) == quantile).select(
        "surface", "session_weight_ratio", "input_scale_ratio", "output_scale_ratio"
    )
    longer, larger = pl.col("input_scale_ratio").fill_null(1.0), pl.col("output_scale_ratio").fill_null(1.0)
    return DemandCalls.cast(
        demand.join(scales, on="surface", how="left", maintain_order="left")
        .with_columns(
            weight_ratio=pl.col("weight_ratio") * pl.col("session_weight_ratio").fill_null(1.0),
            input_tokens=whole_tokens(pl.col("input_tokens") * longer, least=1),
            output_tokens=whole_tokens(pl.col("output_tokens") * larger, least=1),
            image_tokens=whole_tokens(pl.col("image_tokens") * longer, least=0),
            shared_prefix_tokens=whole_tokens(pl.col("shared_prefix_tokens") * longer, least=0),
        )
        .with_columns(shared_prefix_tokens=pl.min_horizontal("shared_prefix_tokens", "input_tokens"))
    )


def whole_tokens(value: pl.Expr, *, least: int) -> pl.Expr:
    """A scaled count, rounded."""
    return value.round().clip(lower_bound=least).cast(pl.Int64)


def backtest(levels: Floats, horizon_days: int) -> Backtest:
    """Try forecasts of a series from every past day, choose how much trend to keep, and forecast from the last day.

    Args:
        levels: logs of weekly levels by day.
        horizon_days: how far ahead.
    """
    origins = np.arange(LEVEL_DAYS, len(levels) - horizon_days)
    actual = levels[origins + horizon_days] - levels[origins]
    slopes = np.array([_slope(levels[: origin + 1]) for origin in origins])
    errors = {kept: actual - kept * horizon_days * slopes for kept in KEPT_TRENDS}
    kept = min(KEPT_TRENDS, key=lambda share: float((errors[share] ** 2).mean()))
    spread = float(np.sqrt((errors[kept] ** 2).mean()))
    freedom = max(1.0, len(origins) / horizon_days)
    reach = float(stdtrit(freedom, 0.9)) * spread * float(np.sqrt(1.0 + 1.0 / freedom))
    return Backtest(
        change=kept * horizon_days * _slope(levels),
        reach=reach,
        kept_trend=kept,
        origins_count=len(origins),
        inside_ratio=float((np.abs(errors[kept]) <= reach).mean()),
    )


def _slope(levels: Floats) -> float:
    """Change of the level per day over the look-back."""
    span = min(LONGEST_LOOK_BACK_DAYS, len(levels) - 1)
    return float(levels[-1] - levels[-1 - span]) / span


def _surface_rows(own: pl.DataFrame, last: date, horizon_days: int) -> Iterator[dict[str, Any]]:
    """The three scenarios of one surface, or the reason why there are none."""
    labels = {"surface": own["surface"].item(0), "day": last, "horizon_days": horizon_days}
    days = pl.date_range(own["day"].min(), last, eager=True).alias("day")  # type: ignore[arg-type]
    filled = (
        pl.DataFrame({"day": days}).join(own, on="day", how="left").with_columns(pl.col("session_count").fill_null(0))
    )
    needed = 2 * LEVEL_DAYS + horizon_days + MIN_ORIGINS_COUNT - 1
    if filled.height < needed or horizon_days < 1:
        reason = f"{filled.height} days of history; a forecast {horizon_days} days ahead is tried on at least {needed}"
        yield from ({**labels, "quantile": name, "reason": reason} for name in QUANTILES)
        return
    sessions = _weekly(filled["session_count"].to_numpy().astype(np.float64), logs_first=False)
    tests = {"session_weight_ratio": backtest(sessions, horizon_days)}
    for column, scale in (("input_p50_tokens", "input_scale_ratio"), ("output_p50_tokens", "output_scale_ratio")):
        known = filled[column].cast(pl.Float64).forward_fill().backward_fill()
        if known.null_count() == 0:
            tests[scale] = backtest(_weekly(known.to_numpy(), logs_first=True), horizon_days)
    volume = tests["session_weight_ratio"]
    for name, side in zip(QUANTILES, (-1.0, 0.0, 1.0), strict=True):
        yield {
            **labels,
            "quantile": name,
            **{scale: float(np.exp(test.change + side * test.reach)) for scale, test in tests.items()},
            "kept_trend_ratio": volume.kept_trend,
            "backtest_count": volume.origins_count,
            "backtest_inside_ratio": volume.inside_ratio,
        }


def _weekly(values: Floats, *, logs_first: bool) -> Floats:
    """Log of the level of the week that ends on each day; of lengths the mean of logs."""
    kernel = np.full(LEVEL_DAYS, 1.0 / LEVEL_DAYS)
    if logs_first:
        return np.convolve(np.log(np.maximum(values, 1.0)), kernel, mode="valid")
    return np.log(np.convolve(values, kernel, mode="valid") + 0.5 / LEVEL_DAYS)
