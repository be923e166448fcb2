"""The abandonment curve: how often a session ends abandoned at a call, by how long that call kept its user waiting."""

import dataframely as dy
import polars as pl

from featurize.bands import wait_high_s, wait_low_s
from featurize.calls import first_token_wait_s
from warehouse.contracts import AbandonmentCurve

WILSON_Z = 1.959963984540054
"""97.5 % point of the normal law, for a 95 % interval."""


def abandonment_curve(calls: pl.LazyFrame, sessions: pl.LazyFrame) -> dy.LazyFrame[AbandonmentCurve]:
    """Share of calls at which an abandoned session ended, by band of the wait for the first token.

    At risk is every call with a known wait in a session with a known outcome, so days without outcomes have no rows.
    A user who left before the first token counts with the time until leaving: the wait that the call would have had
    was longer, so long bands are, if anything, understated. The interval is Wilson's (1927); it takes calls as
    independent. No cause is claimed.

    Args:
        calls: frame valid under `ModelCalls`.
        sessions: frame valid under `Sessions`.
    """
    keys = ("surface", "wait_low_s", "wait_high_s", "day")
    outcomes = sessions.filter(pl.col("outcome").is_not_null()).select(
        "session_id", "outcome", session_call_count=pl.col("call_count")
    )
    return AbandonmentCurve.cast(
        calls.with_columns(wait_s=endured_s(), is_last=is_last_in_frame())
        .filter(pl.col("wait_s").is_not_null())
        .join(outcomes, on="session_id", how="inner")
        .with_columns(
            left=ended_abandoned_here(),
            wait_low_s=wait_low_s(pl.col("wait_s")),
            wait_high_s=wait_high_s(pl.col("wait_s")),
        )
        .group_by(keys)
        .agg(at_risk_count=pl.len().cast(pl.Int64), left_count=pl.col("left").sum().cast(pl.Int64))
        .with_columns(hazard_ratio=pl.col("left_count") / pl.col("at_risk_count"))
        .with_columns(
            hazard_low_ratio=wilson_bound_ratio(pl.col("left_count"), pl.col("at_risk_count"), side=-1),
            hazard_high_ratio=wilson_bound_ratio(pl.col("left_count"), pl.col("at_risk_count"), side=1),
        )
    )


def endured_s() -> pl.Expr:
    """Wait for the first token, or until the cut before it; null where the source times no first token at all."""
    reports_first_token = pl.col("ttft_s").is_not_null().any().over("source_id")
    return pl.when(reports_first_token).then(first_token_wait_s())


def is_last_in_frame() -> pl.Expr:
    """Whether no later call of the session is in the frame."""
    return pl.col("step_index") == pl.col("step_index").max().over("session_id")


def ended_abandoned_here() -> pl.Expr:
    """Whether the session was abandoned and this was its last call (not only the last one of this frame)."""
    is_last = pl.col("is_last") & (pl.col("step_index") + 1 >= pl.col("session_call_count"))
    return is_last & (pl.col("outcome") == "abandoned")


def wilson_bound_ratio(hits: pl.Expr, trials: pl.Expr, *, side: int, z: float = WILSON_Z) -> pl.Expr:
    """One bound of Wilson's score interval for a share, within 0 and 1.

    (p + z²/2n ± z sqrt(p(1-p)/n + z²/4n²)) / (1 + z²/n), E. B. Wilson, JASA 22 (1927) 209,
    doi:10.1080/01621459.1927.10502953.

    Args:
        hits: counts of successes.
        trials: counts of trials, at least 1.
        side: -1 for the lower bound, 1 for the upper one.
        z: normal quantile of the wanted coverage.
    """
    share = hits / trials
    spread = (share * (1 - share) / trials + z**2 / (4 * trials**2)).sqrt()
    return ((share + z**2 / (2 * trials) + side * z * spread) / (1 + z**2 / trials)).clip(0.0, 1.0)
