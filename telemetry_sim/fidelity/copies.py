"""Whether a synthetic trace copies the real one: runs of consecutive (input, output) pairs that both have."""

import polars as pl

RUN_CALLS = 5
"""So many consecutive pairs of a session make a copy."""


def copied_runs(real: pl.DataFrame, synthetic: pl.DataFrame) -> int:
    """Runs of five consecutive (input, output) pairs of a synthetic session that some session of the trace has.

    Where no session has five calls, runs are taken over the whole stream in order of request, the order in which such a
    trace could be copied.

    Args:
        real: A ModelCalls frame.
        synthetic: A ModelCalls frame.
    """
    by_session = bool((real.group_by("session_id").len()["len"] >= RUN_CALLS).any())
    return (
        runs_of(synthetic, by_session=by_session)
        .join(runs_of(real, by_session=by_session).unique(), on="run", how="semi")
        .height
    )


def runs_of(calls: pl.DataFrame, *, by_session: bool) -> pl.DataFrame:
    """All runs of five consecutive pairs. Column run, a list of five pairs.

    Args:
        calls: A ModelCalls frame.
        by_session: Whether a run lies within a session's main agent, or in the whole stream.
    """
    told = calls.drop_nulls(["input_tokens", "output_tokens"])
    if by_session:
        ordered = told.filter(pl.col("agent_id").is_null()).sort("session_id", "step_index", maintain_order=True)
    else:
        ordered = told.sort("requested_at", maintain_order=True).with_columns(session_id=pl.lit(""))
    pair = pl.struct("input_tokens", "output_tokens")
    run = [pair.shift(-at).alias(f"pair_{at}") for at in range(RUN_CALLS)]
    marked = ordered.with_columns(*run, ends=pl.col("session_id").shift(-(RUN_CALLS - 1)))
    whole = marked.filter(pl.col("ends") == pl.col("session_id"))
    return whole.select(run=pl.struct(f"pair_{at}" for at in range(RUN_CALLS)))
