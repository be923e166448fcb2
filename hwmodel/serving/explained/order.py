"""Whether two services put surfaces in the same order, and days into the same hours: agreement of ranks alone."""

from collections.abc import Sequence
from itertools import permutations

import numpy as np
import polars as pl
from jaxtyping import Bool, Float

HOURS = 24
LEAST_CALLS_OF_HOUR = 20
"""An hour with fewer calls on either side has no rank."""


def typical_s(calls: pl.DataFrame, column: str, surfaces: Sequence[str]) -> Float[np.ndarray, "surfaces"]:
    """Median of a time by surface; not a number where a surface has none."""
    medians = calls.group_by(pl.col("surface").cast(pl.String)).agg(pl.col(column).median())
    found = dict(medians.drop_nulls().iter_rows())
    return np.array([found.get(surface, np.nan) for surface in surfaces], dtype=np.float64)


def order_agreement(
    observed: Float[np.ndarray, "surfaces"],
    replayed: Float[np.ndarray, "surfaces"],
    is_apart: Bool[np.ndarray, "surfaces surfaces"],
) -> tuple[float, float]:
    """Share of the pairs that the telemetry tells apart which the replay puts in the same order, and its chance.

    Args:
        observed: Typical times.
        replayed: The same in the replay.
        is_apart: Pairs whose observed difference is no accident.

    Returns:
        The share, and the probability of a share as high when the replay's surfaces are put in any order (exact:
        all orders are tried). Not a number and 1 where no pair is told apart.
    """
    low, high = np.nonzero(np.triu(is_apart, 1))
    if low.size == 0:
        return float("nan"), 1.0
    sign = np.sign(observed[low] - observed[high])
    orders = np.array(list(permutations(range(replayed.size))))
    shares = (np.sign(replayed[orders][:, low] - replayed[orders][:, high]) == sign).mean(axis=1)
    share = float(shares[0])
    return share, float((shares >= share - 1e-12).mean())


def slowness_by_hour(calls: pl.DataFrame) -> Float[np.ndarray, "hours"]:
    """How much slower than usual the first token comes, by UTC hour: mean rank within like calls, 0.5 on average.

    Like calls are those of a surface, tier and octave of uncached tokens, so that hours with longer prompts are not
    taken for slow ones. Surfaces count by their calls. Not a number for hours with hardly any call.
    """
    like = ("surface", "service_tier", pl.col("uncached_tokens").log(2.0).floor())
    rank = (pl.col("ttft_s").rank("average") - 0.5) / pl.len()
    by_hour = (
        calls.select(hour=pl.col("requested_at").dt.hour().cast(pl.Int64), rank=rank.over(like))
        .group_by("hour")
        .agg(pl.len(), pl.col("rank").mean())
        .filter(pl.col("len") >= LEAST_CALLS_OF_HOUR)
    )
    hours = np.full(HOURS, np.nan)
    hours[by_hour["hour"].to_numpy()] = by_hour["rank"].to_numpy()
    return hours


def rank_correlation(one: Float[np.ndarray, "places"], other: Float[np.ndarray, "places"]) -> float:
    """Spearman's coefficient over the places that both know; not a number below four places or without any spread."""
    known = np.isfinite(one) & np.isfinite(other)
    if known.sum() < 4:
        return float("nan")
    ranks = [pl.Series(values[known]).rank("average").to_numpy() for values in (one, other)]
    if min(rank.std() for rank in ranks) == 0.0:
        return float("nan")
    return float(np.corrcoef(ranks[0], ranks[1])[0, 1])
