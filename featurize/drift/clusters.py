"""Kinds of session that were rare before: clusters of standardised sessions whose share rose, with a test."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import numpy.typing as npt
import polars as pl
from scipy.special import stdtr
from threadpoolctl import threadpool_limits

from featurize.drift.false_discovery import adjusted_p_values
from featurize.drift.features import SESSION_FEATURES
from featurize.drift.two_sample import FALSE_DISCOVERY_RATIO

CLUSTERS_COUNT = 12
"""Clusters per surface. Assumed: enough that a kind of session of a few per cent gets one of its own."""

FIT_SESSIONS_COUNT = 10_000
"""Sessions before, and as many recent ones, that clusters are fitted on; the rest is what they are tested on."""

MIN_RISE_RATIO = 1.5
"""A cluster is emerging if its share has grown by at least this, beyond chance. Assumed."""

RARE_BEFORE_RATIO = 0.10
"""A kind of session that had more than this share before is not new, however it grows. Assumed."""

_TOLD_FEATURES_COUNT = 3

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionCluster:
    """Sessions of a surface that are alike, and how their share changed.

    Attributes:
        surface: whose sessions.
        number: of the cluster inside the surface, the largest rise first, from 1.
        session_count: recent sessions in it.
        share_before_ratio: its share of the surface's sessions before.
        share_now_ratio: its share recently.
        p_value: chance of so large a rise if the share had not changed.
        q_value: false discovery rate at which it would be called a rise.
        profile: what sets it apart, in words and numbers.
        is_emerging: whether it was rare, and its share rose beyond chance.
    """

    surface: str
    number: int
    session_count: int
    share_before_ratio: float
    share_now_ratio: float
    p_value: float
    q_value: float
    profile: str
    is_emerging: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class _Tested:
    surface: str
    session_count: int
    before: float
    now: float
    p_value: float
    profile: str


def emerging_clusters(sessions: pl.LazyFrame, *, recent_from: date, seed: int = 0) -> tuple[SessionCluster, ...]:
    """Cluster each surface's sessions and test which clusters' shares rose. Collects.

    Logs of the session features are standardised by the reference days; k-means is fitted on as many recent as earlier
    sessions, so that a new kind of session can have a centre of its own. Shares are counted on the sessions that the
    clusters were not fitted on, so the test does not look at what it was aimed by. Its variance is that of shares times
    the design effect of the reference days (days differ more than independent sessions), at least 1.

    Args:
        sessions: frame valid under `SessionFeatures`, of earlier and recent days.
        recent_from: the first recent day.
        seed: of the clusters' starting points and of who is fitted on.

    Returns:
        All clusters of the surfaces that have earlier and recent sessions, the emerging ones first.
    """
    columns = ("session_id", "surface", "day", *SESSION_FEATURES)
    wanted = sessions.select(pl.col("surface").cast(pl.String), *(name for name in columns if name != "surface"))
    rows = wanted.with_columns(
        draw=pl.col("session_id").hash(seed), is_recent=pl.col("day") >= recent_from, session_id=None
    ).collect(engine="streaming")
    tested = [found for (_,), own in rows.group_by("surface") for found in _of_surface(own, seed)]
    tested.sort(key=lambda cluster: (cluster.surface, cluster.p_value, -cluster.now))
    q_values = adjusted_p_values(np.array([cluster.p_value for cluster in tested]))
    numbers: dict[str, int] = {}
    told = []
    for cluster, q_value in zip(tested, q_values, strict=True):
        numbers[cluster.surface] = numbers.get(cluster.surface, 0) + 1
        told.append(_told(cluster, float(q_value), numbers[cluster.surface]))
    return tuple(sorted(told, key=lambda cluster: not cluster.is_emerging))


def _told(cluster: _Tested, q_value: float, number: int) -> SessionCluster:
    rose = cluster.now >= MIN_RISE_RATIO * cluster.before and q_value <= FALSE_DISCOVERY_RATIO
    return SessionCluster(
        surface=cluster.surface,
        number=number,
        session_count=cluster.session_count,
        share_before_ratio=cluster.before,
        share_now_ratio=cluster.now,
        p_value=cluster.p_value,
        q_value=q_value,
        profile=cluster.profile,
        is_emerging=rose and cluster.before <= RARE_BEFORE_RATIO,
    )


def _of_surface(own: pl.DataFrame, seed: int) -> Iterator[_Tested]:
    """The clusters of one surface with their tests."""
    own = own.sort("draw", "day")
    names = [name for name in SESSION_FEATURES if own[name].null_count() < own.height]
    parts = {recent: own.filter(pl.col("is_recent") == recent) for recent in (False, True)}
    if min(part.height for part in parts.values()) < 2 * CLUSTERS_COUNT:
        return
    fit_count = {recent: min(part.height // 2, FIT_SESSIONS_COUNT) for recent, part in parts.items()}
    values = {recent: _standard(part, names, parts[False]) for recent, part in parts.items()}
    from sklearn.cluster import KMeans  # noqa: PLC0415 - seconds that every other feature would wait

    model = KMeans(n_clusters=CLUSTERS_COUNT, n_init=3, random_state=seed)
    with threadpool_limits(limits=1):  # small fits: threads that wait for each other cost more than they do
        model.fit(np.vstack([values[recent][: fit_count[recent]] for recent in parts]))
    held = {recent: part.slice(fit_count[recent]) for recent, part in parts.items()}
    label = {recent: model.predict(values[recent][fit_count[recent] :]).astype(np.int64) for recent in parts}
    before, now = (_by_day(held[recent]["day"], label[recent]) for recent in (False, True))
    whole = pl.concat([held[False], held[True]])
    labels = np.concatenate([label[False], label[True]])
    for cluster in range(CLUSTERS_COUNT):
        shares = before[:, cluster].sum() / before.sum(), now[:, cluster].sum() / now.sum()
        yield _Tested(
            surface=own["surface"].item(0),
            session_count=int((model.predict(values[True]) == cluster).sum()),
            before=float(shares[0]),
            now=float(shares[1]),
            p_value=_p_value_of_rise(before[:, cluster], before.sum(axis=1), now[:, cluster].sum(), now.sum()),
            profile=profile_words(whole.filter(pl.Series(labels == cluster)), whole, names),
        )


def _standard(rows: pl.DataFrame, names: Sequence[str], reference: pl.DataFrame) -> Floats:
    """Logs of the features in standard deviations of the reference; unknown ones at its median."""
    columns = []
    for name in names:
        logs = [_logs(part, name) for part in (rows, reference)]
        middle, width = np.nanmedian(logs[1]), max(float(np.nanstd(logs[1])), 1e-9)
        columns.append(np.nan_to_num((logs[0] - middle) / width, nan=0.0))
    return np.column_stack(columns)


def _logs(rows: pl.DataFrame, name: str) -> Floats:
    values = rows[name].cast(pl.Float64).to_numpy()
    return np.asarray(values if SESSION_FEATURES[name].is_share else np.log1p(values), dtype=np.float64)


def _by_day(days: pl.Series, label: Ints) -> Floats:
    """Sessions by day and cluster."""
    known = days.unique().sort()
    table = np.zeros((len(known), CLUSTERS_COUNT))
    np.add.at(table, (known.search_sorted(days).to_numpy(), label), 1.0)
    return table


def _p_value_of_rise(before: Floats, sizes: Floats, now: float, now_size: float) -> float:
    """Chance of a rise of the share as large if there were none, by days of the reference and the recent total."""
    share = float((before.sum() + now + 0.5) / (sizes.sum() + now_size + 1.0))
    unrest = (before - sizes * before.sum() / sizes.sum()) ** 2 / (sizes * share * (1.0 - share))
    freedom = max(len(sizes) - 1, 1)
    effect = max(1.0, float(unrest.sum()) / freedom)
    error = np.sqrt(effect * share * (1.0 - share) * (1.0 / sizes.sum() + 1.0 / now_size))
    return float(stdtr(freedom, (before.sum() / sizes.sum() - now / now_size) / error))


def profile_words(mine: pl.DataFrame, whole: pl.DataFrame, names: Sequence[str]) -> str:
    """What sets a cluster's sessions apart: the features furthest from the surface's median, with both numbers."""
    if mine.is_empty():
        return "no session of its own"
    told = []
    for name in names:
        logs, own = _logs(whole, name), _logs(mine, name)
        if np.isnan(own).all():
            continue
        distance = (np.nanmedian(own) - np.nanmedian(logs)) / max(float(np.nanstd(logs)), 1e-9)
        medians = [float(np.nanmedian(part[name].cast(pl.Float64).to_numpy())) for part in (mine, whole)]
        told.append(
            (abs(distance), f"{_number(medians[0])} {SESSION_FEATURES[name].words} (all: {_number(medians[1])})")
        )
    told.sort(reverse=True)
    return "; ".join(words for _, words in told[:_TOLD_FEATURES_COUNT])


def _number(value: float) -> str:
    """A number in three digits."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
