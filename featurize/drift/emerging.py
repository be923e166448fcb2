"""Emerging workloads: surfaces that grow, and kinds of session that were rare, in one table."""

from datetime import date, timedelta
from typing import Any

import dataframely as dy
import polars as pl

from featurize.drift.clusters import SessionCluster, emerging_clusters
from featurize.drift.trends import RECENT_DAYS, SurfaceTrend, surface_trends
from warehouse.contracts import EmergingWorkloads


def emerging_workloads(
    sessions: pl.LazyFrame, mix: pl.LazyFrame, *, day: date, seed: int = 0
) -> dy.DataFrame[EmergingWorkloads]:
    """What grows as of a day: a row per surface (trend) and per cluster of sessions that rose or is emerging. Collects.

    Args:
        sessions: frame valid under `SessionFeatures`; rows after `day` are ignored.
        mix: frame valid under `WorkloadMix`; rows after `day` are ignored.
        day: the day as of which is looked.
        seed: of the clusters.

    Raises:
        HistoryTooShortError: fewer days than a trend needs.
    """
    trends = surface_trends(mix.filter(pl.col("day") <= day))
    recent_from = day - timedelta(days=RECENT_DAYS - 1)
    clusters = emerging_clusters(sessions.filter(pl.col("day") <= day), recent_from=recent_from, seed=seed)
    rows = [*map(_surface_row, trends), *map(_cluster_row, (c for c in clusters if _rose(c)))]
    schema = EmergingWorkloads.create_empty().schema
    frame = pl.DataFrame([{"day": day, **row} for row in rows], schema=schema)
    return EmergingWorkloads.validate(
        frame.sort("is_emerging", "kind", "surface", "number", descending=[True, *[False] * 3])
    )


def _rose(cluster: SessionCluster) -> bool:
    return cluster.is_emerging or cluster.share_now_ratio > cluster.share_before_ratio


def _surface_row(trend: SurfaceTrend) -> dict[str, Any]:
    grows = f"{trend.growth_per_day_ratio:+.1%} a day over {trend.days_count} days"
    return {
        "kind": "surface",
        "surface": trend.surface,
        "number": 0,
        "session_count": trend.session_count,
        "share_before_ratio": trend.share_before_ratio,
        "share_now_ratio": trend.share_now_ratio,
        "growth_per_day_ratio": trend.growth_per_day_ratio,
        "growth_low_per_day_ratio": trend.low_ratio,
        "growth_high_per_day_ratio": trend.high_ratio,
        "share_growth_per_day_ratio": trend.share_growth_per_day_ratio,
        "p_value_ratio": trend.p_value,
        "q_value_ratio": None,
        "is_emerging": trend.is_growing,
        "profile": f"sessions {grows} ({trend.low_ratio:+.1%} to {trend.high_ratio:+.1%})",
    }


def _cluster_row(cluster: SessionCluster) -> dict[str, Any]:
    return {
        "kind": "cluster",
        "surface": cluster.surface,
        "number": cluster.number,
        "session_count": cluster.session_count,
        "share_before_ratio": cluster.share_before_ratio,
        "share_now_ratio": cluster.share_now_ratio,
        "p_value_ratio": cluster.p_value,
        "q_value_ratio": cluster.q_value,
        "is_emerging": cluster.is_emerging,
        "profile": cluster.profile,
    }
