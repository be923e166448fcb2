"""Drift per feature: does a day's law of a session feature differ from the reference days', beyond their own unrest."""

from collections.abc import Iterator
from datetime import date
from typing import Any

import dataframely as dy
import numpy as np
import numpy.typing as npt
import polars as pl
from scipy.special import kolmogorov

from featurize.drift.false_discovery import adjusted_p_values
from featurize.drift.features import SESSION_FEATURES, SessionFeature
from featurize.errors import HistoryTooShortError
from warehouse.contracts import WorkloadDrift

FALSE_DISCOVERY_RATIO = 0.05
"""Share of the drifts reported that are false, over surfaces, features and days of one call. Assumed: usual."""

MIN_REFERENCE_DAYS = 4
"""Reference days of a kind (working day or weekend) that a day of that kind is compared with. Assumed: with fewer, the
unrest from day to day is a guess."""

MIN_SESSIONS_COUNT = 50
"""Sessions that a day must hold to be compared. Assumed: below, only a change of kind could be seen."""

PSI_GROUPS_COUNT = 10
"""Groups of equal reference share that the population stability index is summed over; ten is the convention."""

_SATURDAY = 6

Floats = npt.NDArray[np.float64]


def workload_drift(sessions: pl.LazyFrame, *, recent_from: date) -> dy.DataFrame[WorkloadDrift]:
    """Test each recent day's law of each session feature against the days before `recent_from`. Collects.

    A day is compared with reference days of its kind (working days or weekends) by Kolmogorov and Smirnov's distance on
    a grid. Sessions of a day are alike, so days differ more than independent draws: the sample sizes of the test are
    divided by the design effect, the ratio of the day-to-day variance of the reference's law to that of independent
    sessions (Kish, 1965), at least 1. The false discovery rate is controlled over all rows. The population stability
    index tells the size: below 0.1 small, above 0.25 large, by convention.

    Args:
        sessions: frame valid under `SessionFeatures`, of reference and recent days.
        recent_from: the first recent day.

    Returns:
        One row per surface, feature and recent day with enough sessions.

    Raises:
        HistoryTooShortError: fewer than `MIN_REFERENCE_DAYS` days lie before `recent_from`.
    """
    cells = _cell_counts(sessions)
    days_before = cells.filter(pl.col("day") < recent_from)["day"].n_unique()
    if days_before < MIN_REFERENCE_DAYS:
        raise HistoryTooShortError(
            f"drift from {recent_from} needs {MIN_REFERENCE_DAYS} days of sessions before it, found {days_before}: "
            "name a later day or keep more history"
        )
    rows = [row for _, group in cells.group_by("surface", "feature") for row in _group_rows(group, recent_from)]
    schema = WorkloadDrift.create_empty().schema
    frame = pl.DataFrame(
        rows, schema={name: schema[name] for name in schema if name not in {"q_value_ratio", "is_drifted"}}
    )
    adjusted = pl.Series("q_value_ratio", adjusted_p_values(frame["p_value_ratio"].to_numpy()))
    told = frame.with_columns(adjusted).with_columns(is_drifted=pl.col("q_value_ratio") <= FALSE_DISCOVERY_RATIO)
    return WorkloadDrift.validate(told.select(schema.names()).sort("surface", "feature", "day"), cast=True)


def _cell_counts(sessions: pl.LazyFrame) -> pl.DataFrame:
    """Sessions by surface, day, feature and cell of the feature's grid."""
    return (
        sessions.select(
            pl.col("surface").cast(pl.String), "day", *(f.cell().alias(name) for name, f in SESSION_FEATURES.items())
        )
        .unpivot(index=["surface", "day"], variable_name="feature", value_name="cell")
        .filter(pl.col("cell").is_not_null())
        .group_by("surface", "feature", "day", "cell")
        .agg(count=pl.len())
        .sort("surface", "feature", "day", "cell")
        .collect(engine="streaming")
    )


def _group_rows(group: pl.DataFrame, recent_from: date) -> Iterator[dict[str, Any]]:
    """The rows of one surface and feature."""
    days = group["day"].unique().sort()
    cells = group["cell"].to_numpy()
    table = np.zeros((len(days), int(cells.max()) + 1))
    table[days.search_sorted(group["day"]).to_numpy(), cells] = group["count"].to_numpy()
    is_weekend = (days.dt.weekday() >= _SATURDAY).to_numpy()
    is_reference = (days < recent_from).to_numpy()
    kinds = [table[is_reference & (is_weekend == kind)] for kind in (False, True)]
    effect = design_effect(kinds)
    feature = SESSION_FEATURES[group["feature"].item(0)]
    labels = {"surface": group["surface"].item(0), "feature": feature.column}
    for number in np.flatnonzero(~is_reference):
        before, now = kinds[int(is_weekend[number])], table[number]
        if len(before) >= MIN_REFERENCE_DAYS and now.sum() >= MIN_SESSIONS_COUNT:
            yield labels | {"day": days[int(number)]} | _comparison(before.sum(axis=0), now, effect, feature)


def _comparison(before: Floats, now: Floats, effect: float, feature: SessionFeature) -> dict[str, Any]:
    law_before, law_now = np.cumsum(before) / before.sum(), np.cumsum(now) / now.sum()
    distance = float(np.abs(law_before - law_now).max())
    size = before.sum() * now.sum() / (before.sum() + now.sum()) / effect
    medians = [float(feature.value_at(np.array(_quantile_place(law, 0.5)))) for law in (law_before, law_now)]
    return {
        "reference_count": int(before.sum()),
        "session_count": int(now.sum()),
        "ks_ratio": distance,
        "psi_ratio": stability_index(before, now),
        "median_over_reference_ratio": medians[1] / medians[0] if medians[0] > 0 else None,
        "design_effect_ratio": effect,
        "p_value_ratio": float(kolmogorov(np.sqrt(size) * distance)),
    }


def design_effect(kinds: list[Floats]) -> float:
    """Variance of the law from day to day over that of independent sessions, at least 1.

    Args:
        kinds: for each kind of day, sessions by day and cell.
    """
    spread, freedom = 0.0, 0
    for table in kinds:
        sizes = table.sum(axis=1)
        if len(table) < MIN_REFERENCE_DAYS:
            continue
        law = np.cumsum(table.sum(axis=0)) / sizes.sum()
        inner = _telling_cells(law)
        if not inner.any():
            continue
        daily = np.cumsum(table, axis=1)[:, inner] / sizes[:, None]
        excess = (daily - law[inner]) ** 2 * sizes[:, None] / (law[inner] * (1.0 - law[inner]))
        spread, freedom = spread + float(excess.mean(axis=1).sum()), freedom + len(table) - 1
    return max(1.0, spread / freedom) if freedom else 1.0


def _telling_cells(law: Floats) -> npt.NDArray[np.bool_]:
    """Cells where a law is neither nearly 0 nor nearly 1; the most balanced one where there is no such cell."""
    inner = (law > 0.05) & (law < 0.95)
    balance = law * (1.0 - law)
    return inner if inner.any() else (balance > 1e-9) & (balance == balance.max())


def stability_index(before: Floats, now: Floats) -> float:
    """Population stability index, sum of (q - p) ln(q / p) over groups of about equal reference share."""
    law = np.cumsum(before) / before.sum()
    group = np.minimum((law - 1e-12) * PSI_GROUPS_COUNT, PSI_GROUPS_COUNT - 1).astype(np.int64)
    shares = []
    for counts in (before, now):
        summed = np.bincount(group, weights=counts, minlength=PSI_GROUPS_COUNT) + 0.5
        shares.append(summed / summed.sum())
    used = np.bincount(group, weights=before, minlength=PSI_GROUPS_COUNT) > 0
    return float(((shares[1] - shares[0]) * np.log(shares[1] / shares[0]))[used].sum())


def _quantile_place(law: Floats, share: float) -> float:
    """Place on the grid at which a law reaches a share, linear inside the cell."""
    cell = int(np.searchsorted(law, share))
    below = law[cell - 1] if cell else 0.0
    return float(cell + (share - below) / max(law[cell] - below, 1e-12))
