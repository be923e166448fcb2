"""Structure inside and between a trace's variables: rank correlations within calls and along sessions."""

import numpy as np
import polars as pl

LEAST_PAIRS = 30

PAIRS: dict[str, tuple[str, str]] = {
    "rank_correlation_input_output": ("input_tokens", "output_tokens"),
    "rank_correlation_gap_growth": ("gap_s", "growth"),
    "rank_correlation_output_next_growth": ("output_before", "growth"),
    "rank_correlation_output_next_output": ("output_before", "output_tokens"),
    "rank_correlation_gap_next_gap": ("gap_before", "gap_s"),
    "rank_correlation_gap_next_output": ("gap_s", "output_tokens"),
}
"""Name of each figure and the columns that it correlates; `before` is the call before in the session's main agent."""


def rank_correlations(calls: pl.DataFrame) -> dict[str, float]:
    """Spearman's rank correlation of each pair that the trace can tell, and the spread of sessions.

    Besides PAIRS: `session_share_of_output_variance`, the share of the variance of log output that lies between
    sessions (one-way analysis of variance over sessions of two calls or more).

    Args:
        calls: A ModelCalls frame.
    """
    before = {
        "output_before": pl.col("output_tokens").shift(1).over("session_id"),
        "gap_before": pl.col("gap_s").shift(1).over("session_id"),
        "growth": pl.col("input_tokens") - pl.col("input_tokens").shift(1).over("session_id"),
    }
    main = calls.filter(pl.col("agent_id").is_null()).sort("session_id", "step_index").with_columns(**before)
    found: dict[str, float] = {}
    for name, (one, other) in PAIRS.items():
        pairs = main.select(one, other).drop_nulls()
        if pairs.height >= LEAST_PAIRS and pairs[one].n_unique() > 1 and pairs[other].n_unique() > 1:
            found[name] = float(pairs.select(pl.corr(one, other, method="spearman")).item())
    share = _session_share(main)
    return found if np.isnan(share) else {**found, "session_share_of_output_variance": share}


def _session_share(main: pl.DataFrame) -> float:
    logs = main.drop_nulls("output_tokens").select(
        "session_id", value=pl.col("output_tokens").clip(lower_bound=1).log()
    )
    parts = logs.group_by("session_id").agg(n=pl.len(), mean=pl.col("value").mean(), var=pl.col("value").var())
    parts = parts.filter(pl.col("n") > 1)
    if parts.height < LEAST_PAIRS:
        return float("nan")
    size, mean, inner = (parts[name].to_numpy() for name in ("n", "mean", "var"))
    within = float(((size - 1) * inner).sum() / (size - 1).sum())
    overall = float((size * mean).sum() / size.sum())
    between = float((size * (mean - overall) ** 2).sum() / (len(size) - 1))
    typical = float((size.sum() - (size**2).sum() / size.sum()) / (len(size) - 1))
    spread = max((between - within) / typical, 0.0)
    return spread / max(spread + within, 1e-12)
