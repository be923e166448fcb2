"""Finds conversations in a trace that tells none: a call that goes on from an earlier call's prompt continues it."""

from dataclasses import dataclass

import numpy as np
import polars as pl

from telemetry_sim.laws import Floats, Ints

BASE_SHARE = 0.2
"""Assumed: a shared length that more calls than this have is a prefix of everybody, no sign of kinship."""
LEAST_CHAINED_SHARE = 0.05
"""Assumed: with fewer continuing calls than this a trace is taken as one of single calls."""
WARM_SHARE = 0.3
"""Assumed: opening calls in the first 30 % of the span may continue what began before it, and tell no first prompt."""
LEAST_OPENINGS = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversations:
    """A trace of single calls, strung into conversations."""

    calls: pl.DataFrame
    """With session_id, turn_id, step_index, gap_s and starts_after_call_id of the conversations."""
    end_ratio: pl.DataFrame
    """By call_id: chance that the conversation ended there rather than went on after the trace's end."""
    gaps_s: Floats
    """Gaps as they are before the trace's end cuts the long ones off."""
    first_tokens: Floats
    """First prompts of conversations that surely began inside the trace."""


def strung(calls: pl.DataFrame) -> Conversations | None:
    """The conversations of a trace; None where it tells its sessions or no lineage."""
    if calls.height < LEAST_OPENINGS or calls["session_id"].n_unique() < calls.height:
        return None
    ordered = calls.drop_nulls(["input_tokens", "output_tokens"]).sort("requested_at", maintain_order=True)
    parent = _parents(ordered)
    if (parent >= 0).mean() < LEAST_CHAINED_SHARE:
        return None
    root, place = _roots(parent)
    at_s = (ordered["requested_at"] - ordered["requested_at"][0]).dt.total_microseconds().to_numpy() / 1e6
    held = parent >= 0
    gap = np.where(held, at_s - at_s[np.maximum(parent, 0)], np.nan)
    goes_on = np.zeros(len(parent), dtype=np.bool_)
    goes_on[parent[held]] = True
    gaps, ended = _uncut(gap[held], at_s, goes_on)
    warm = (~held) & (at_s > WARM_SHARE * at_s[-1])
    opens = warm if warm.sum() >= LEAST_OPENINGS else ~held
    relabelled = ordered.with_columns(
        session_id=ordered["call_id"].gather(root),
        turn_id=pl.Series(place),
        step_index=pl.Series(place),
        gap_s=pl.when(pl.Series(held)).then(pl.Series(gap)),
        starts_after_call_id=pl.when(pl.Series(held)).then("parent_call_id"),
    )
    return Conversations(
        calls=relabelled,
        end_ratio=pl.DataFrame({"call_id": ordered["call_id"], "ended": np.where(goes_on, 0.0, ended)}),
        gaps_s=gaps,
        first_tokens=ordered["input_tokens"].to_numpy()[opens].astype(np.float64),
    )


def _parents(ordered: pl.DataFrame) -> Ints:
    """Row of the call that each call continues, -1 for none; a call is continued by its first follower alone."""
    if ordered["shared_prefix_tokens"].null_count() == ordered.height:
        return np.full(ordered.height, -1, dtype=np.int64)
    rows = pl.DataFrame({"parent_call_id": ordered["call_id"], "parent": np.arange(ordered.height)})
    told = ordered.select("parent_call_id", shared=pl.col("shared_prefix_tokens").fill_null(0)).with_row_index("row")
    usual = told.filter(pl.col("shared") > 0).group_by("shared").len().filter(pl.col("len") > BASE_SHARE * told.height)
    base = int(usual["shared"].max()) if usual.height else 0  # type: ignore[arg-type]
    found = (
        told.filter(pl.col("shared") > base)
        .join(rows, on="parent_call_id")
        .filter(pl.col("parent") < pl.col("row"))
        .sort("row")
        .unique("parent", keep="first", maintain_order=True)
    )
    parent = np.full(ordered.height, -1, dtype=np.int64)
    parent[found["row"].to_numpy()] = found["parent"].to_numpy()
    return parent


def _roots(parent: Ints) -> tuple[Ints, Ints]:
    """First call of each call's conversation, and the call's place in it (pointer jumping)."""
    root = np.where(parent >= 0, parent, np.arange(len(parent)))
    place = (parent >= 0).astype(np.int64)
    while np.any(root != root[root]):
        place = place + place[root]
        root = root[root]
    return root, place


def _uncut(gaps: Floats, at_s: Floats, goes_on: np.ndarray) -> tuple[Floats, Floats]:
    """Gaps weighted by how many calls could have shown them, as an equal number of quantiles; chance of a true end."""
    left = np.sort(at_s[-1] - at_s)
    could = 1.0 - np.searchsorted(left, gaps, side="left") / len(left)
    weight = 1.0 / np.maximum(could, 0.05)
    order = np.argsort(gaps, kind="stable")
    summed = np.cumsum(weight[order])
    continues = min(float(summed[-1]) / len(at_s), 0.98)
    shares = (np.arange(len(gaps)) + 0.5) / len(gaps) * summed[-1]
    corrected = gaps[order][np.minimum(np.searchsorted(summed, shares), len(gaps) - 1)]
    reached = np.searchsorted(corrected, at_s[-1] - at_s, side="right") / len(corrected)
    return corrected, np.where(goes_on, 0.0, (1.0 - continues) / (1.0 - continues * reached))
