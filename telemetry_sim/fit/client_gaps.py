"""Fit of how uneven gaps are inside clients' windows."""

import numpy as np
import polars as pl

from telemetry_sim.fitted.client_rates import GapUnevenness

LEAST_WINDOWS = 30


def gaps_of(windows: pl.DataFrame) -> GapUnevenness | None:
    """The law of gap shapes over active windows; None where too few windows tell a shape.

    Args:
        windows: A ClientWindows frame.
    """
    told = windows.filter(
        pl.col("rate_per_s") > 0, pl.col("gap_shape_ratio") > 0, pl.col("gap_law").is_not_null()
    ).select("client_id", log_rate=pl.col("rate_per_s").log(), log_shape=pl.col("gap_shape_ratio").log(), law="gap_law")
    if told.height < LEAST_WINDOWS:
        return None
    log_rate, log_shape = told["log_rate"].to_numpy(), told["log_shape"].to_numpy()
    centre = float(np.median(log_rate))
    spread = float(log_rate.var())
    slope = float(((log_rate - centre) * (log_shape - log_shape.mean())).mean()) / spread if spread > 0 else 0.0
    left = log_shape - slope * (log_rate - centre)
    own = told.with_columns(left=pl.Series(left)).group_by("client_id").agg(pl.col("left").mean(), n=pl.len())
    overall = float(left.mean())
    between = float(((own["left"] - overall) ** 2 * own["n"]).sum() / told.height)
    return GapUnevenness(
        gamma_ratio=float((told["law"].cast(pl.String) == "gamma").mean()),  # type: ignore[arg-type]
        shape_median_ratio=float(np.exp(np.median(left))),
        shape_sigma_ratio=float(left.std()),
        shape_by_rate=slope,
        rate_median_per_s=float(np.exp(centre)),
        client_share_ratio=min(between / max(float(left.var()), 1e-12), 1.0),
    )
