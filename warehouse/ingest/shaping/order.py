"""Who came before whom inside the sessions of a trace: numbered steps, the call before, and the time since its end."""

import polars as pl

__all__ = ["after_last_ended", "after_own_agent", "after_previous", "cached_as_shared", "previous", "with_steps"]


def with_steps(calls: pl.DataFrame) -> pl.DataFrame:
    """Calls sorted by session start, session and request, with step_index from 0.

    Args:
        calls: needs session_id, requested_at and row_number, which breaks ties.
    """
    starts = calls.with_columns(_start=pl.col("requested_at").min().over("session_id"))
    ordered = starts.sort("_start", "session_id", "requested_at", "row_number", maintain_order=True).drop("_start")
    at = pl.int_range(pl.len(), dtype=pl.Int64)
    begin = pl.when(_continues()).then(None).otherwise(at).forward_fill()
    return ordered.with_columns(step_index=at - begin)


def previous(column: str | pl.Expr) -> pl.Expr:
    """The column of the session's call before; null for the first. Sessions lie together, as with_steps leaves them."""
    value = pl.col(column) if isinstance(column, str) else column
    return pl.when(_continues()).then(value.shift(1))


def after_previous(calls: pl.DataFrame) -> pl.DataFrame:
    """Adds the session's call before, and the time from its end to this request where its duration is known.

    Args:
        calls: as with_steps leaves them; needs session_id, call_id, requested_at and duration_s.
    """
    since_s = (pl.col("requested_at") - previous("requested_at")).dt.total_microseconds() / 1e6
    return calls.with_columns(
        starts_after_call_id=previous("call_id"),
        gap_s=(since_s - previous("duration_s")).clip(lower_bound=0).round(6),
    )


def cached_as_shared(calls: pl.DataFrame) -> pl.DataFrame:
    """Adds the session's call before as parent, with the cached tokens as the least that its prefix shares with it.

    More than that call's prompt and answer cannot be shared with it: the rest was cached by others.

    Args:
        calls: as with_steps leaves them; needs session_id, call_id, input_tokens, output_tokens, cache_read_tokens.
    """
    held = previous(pl.col("input_tokens").fill_null(0) + pl.col("output_tokens").fill_null(0))
    shared = pl.min_horizontal("cache_read_tokens", held)
    known = pl.col("cache_read_tokens").is_not_null() & held.is_not_null()
    return calls.with_columns(
        parent_call_id=pl.when(known & (shared > 0)).then(previous("call_id")),
        shared_prefix_tokens=pl.when(known).then(shared),
    )


def after_last_ended(calls: pl.DataFrame) -> pl.DataFrame:
    """Adds the session's call that was the last to end by the time of the request, and the time since that end.

    For sessions whose calls may run side by side; a call of unknown duration ends nobody knows when, so nothing starts
    after it.

    Args:
        calls: in order; needs session_id, call_id, requested_at and duration_s.
    """
    ended = calls.select("session_id", at=_end(), ended_call="call_id", ended_step="step_index").drop_nulls().sort("at")
    found = (
        calls.select("session_id", "call_id", "step_index", at="requested_at")
        .sort("at")
        .join_asof(ended, on="at", by="session_id", strategy="backward", check_sortedness=False, coalesce=False)
        .filter(pl.col("ended_step") < pl.col("step_index"))
    )
    gap_s = (pl.col("at") - pl.col("at_right")).dt.total_microseconds() / 1e6
    told = found.select("call_id", starts_after_call_id="ended_call", gap_s=gap_s)
    return calls.join(told, on="call_id", how="left", maintain_order="left")


def after_own_agent(calls: pl.DataFrame) -> pl.DataFrame:
    """Adds the call before of the same agent; for an agent's first the session's call that was the last to have ended.

    The gap is unknown where the end of that call is.

    Args:
        calls: as with_steps leaves them; needs session_id, agent_id, call_id, requested_at and duration_s.
    """
    own = ["session_id", "agent_id"]
    before, before_end = (value.shift(1).over(own) for value in (pl.col("call_id"), _end()))
    is_first = pl.col("_before").is_null()
    since_s = (pl.col("requested_at") - pl.col("_before_end")).dt.total_microseconds() / 1e6
    chained = after_last_ended(calls.with_columns(_before=before, _before_end=before_end))
    return chained.with_columns(
        starts_after_call_id=pl.when(is_first).then("starts_after_call_id").otherwise("_before"),
        gap_s=pl.when(is_first).then("gap_s").otherwise(since_s).clip(lower_bound=0.0),
    ).drop("_before", "_before_end")


def _end() -> pl.Expr:
    """When a call ended, null where its duration is unknown."""
    return pl.col("requested_at") + pl.duration(microseconds=(pl.col("duration_s") * 1e6).round().cast(pl.Int64))


def _continues() -> pl.Expr:
    """Whether a row is of the same session as the row before."""
    return (pl.col("session_id") == pl.col("session_id").shift(1)).fill_null(value=False)
