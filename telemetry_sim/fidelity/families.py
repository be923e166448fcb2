"""Session families: sessions that were forked from or resumed each other, told by identical calls."""

import numpy as np
import polars as pl
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from telemetry_sim.laws import Ints

SHARED_CALLS = 3
"""Sessions with this many identical (input, output, duration) calls are of one family (README of the shared traces)."""


def family_codes(calls: pl.DataFrame) -> pl.DataFrame:
    """The family of each session.

    Sessions of fewer calls than `SHARED_CALLS` are families of their own. A call without duration counts as identical
    to none.

    Args:
        calls: A ModelCalls frame.

    Returns:
        Columns session_id and family (from 0), one row per session, in order of first appearance.
    """
    sessions = calls.select(pl.col("session_id").unique(maintain_order=True)).with_row_index("session")
    marks = (
        calls.drop_nulls(["input_tokens", "output_tokens", "duration_s"])
        .filter(pl.len().over("session_id") >= SHARED_CALLS)
        .join(sessions, on="session_id")
        .select("session", "input_tokens", "output_tokens", "duration_s")
        .unique()
        .with_columns(mark=pl.struct("input_tokens", "output_tokens", "duration_s").rank("dense"))
        .filter(pl.len().over("mark") > 1)
    )
    labels = np.arange(sessions.height)
    if marks.height:
        labels = _components(marks["session"].to_numpy(), marks["mark"].to_numpy(), sessions.height)
    return sessions.select("session_id", family=pl.Series(labels, dtype=pl.Int64))


def one_session_per_family(calls: pl.DataFrame) -> pl.DataFrame:
    """The calls of each family's longest session (of equals the first by name)."""
    kept = (
        calls.group_by("session_id")
        .agg(calls_count=pl.len())
        .join(family_codes(calls), on="session_id")
        .sort(["calls_count", "session_id"], descending=[True, False])
        .unique("family", keep="first", maintain_order=True)
    )
    return calls.join(kept.select("session_id"), on="session_id", how="semi", maintain_order="left")


def _components(session: Ints, mark: Ints, count: int) -> Ints:
    """Connected components of sessions under `SHARED_CALLS` or more common marks."""
    held = coo_matrix((np.ones(len(session)), (session, mark)), shape=(count, int(mark.max()) + 1)).tocsr()
    common = (held @ held.T) >= SHARED_CALLS
    _, labels = connected_components(common, directed=False)
    return np.asarray(labels, dtype=np.int64)
