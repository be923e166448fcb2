"""The abandonment curve: how long people go on waiting for a first token, and how often a call is left."""

import dataframely as dy
import polars as pl

from featurize.wait_cells import wait_cells
from warehouse.contracts import AbandonmentCurve

WILSON_Z = 1.959963984540054
"""97.5 % point of the normal law, for a 95 % interval."""


def abandonment_curve(calls: pl.LazyFrame, sessions: pl.LazyFrame) -> dy.LazyFrame[AbandonmentCurve]:
    """Survival of the wait for a first token, by surface, band of the wait and day.

    The answer competes with leaving: a wait that an answer ended is censored there (it only tells that the user waited
    so long), so quick service does not hide impatience. The estimate is a life table on cells of 2 % (Cutler and
    Ederer, J. Chronic Dis. 8 (1958) 699), in which waits censored in a cell count half; variances are Greenwood's, and
    intervals Wilson's at the effective sample size (Dorey and Korn, Stat. Med. 6 (1987) 679), so that they stay inside
    0 and 1 and do not vanish where nobody left. Calls are taken as independent; no cause is claimed. A band in which no
    wait ended has no row, and days without outcomes have none at all.

    Args:
        calls: frame valid under `ModelCalls`.
        sessions: frame valid under `Sessions`.
    """
    of_day = ("surface", "day")
    return AbandonmentCurve.cast(
        wait_cells(calls, sessions)
        .sort(*of_day, "cell", "wait_low_s")
        .with_columns(reached_count=pl.col("ended_count").cum_sum(reverse=True).over(of_day))
        .with_columns(exposed_count=exposed_count())
        .with_columns(left_ratio=pl.col("left_waiting_count") / pl.col("exposed_count"))
        .with_columns(
            survival_ratio=(1.0 - pl.col("left_ratio")).cum_prod().over(of_day),
            greenwood=greenwood_term().cum_sum().over(of_day),
        )
        .with_columns(middle_ratio=survival_in_the_middle())
        .group_by(*of_day, "wait_low_s", "wait_high_s", maintain_order=True)
        .agg(*band_statistics())
        .with_columns(
            hazard_ratio=pl.col("left_count") / pl.col("at_risk_count"),
            leave_ratio=(1.0 - pl.col("stay_ratio") * (1.0 - pl.col("left_at_answer_ratio"))).clip(0.0, 1.0),
            leave_variance=pl.col("greenwood") + at_answer_variance(),
        )
        .with_columns(interval_bounds())
    )


def exposed_count() -> pl.Expr:
    """Waits that could have been left in the cell: all that reached it, those censored in it for half."""
    censored = pl.col("ended_count") - pl.col("left_waiting_count")
    return pl.col("reached_count") - censored / 2


def greenwood_term() -> pl.Expr:
    """The cell's part of the variance of log survival; 0 where all left, as there is nothing beyond."""
    share = pl.col("left_ratio")
    return pl.when(share < 1.0).then(share / ((1.0 - share) * pl.col("exposed_count"))).otherwise(0.0)


def survival_in_the_middle() -> pl.Expr:
    """Survival at the middle of the cell, on the scale of logs."""
    return pl.col("survival_ratio") * (1.0 - pl.col("left_ratio").clip(upper_bound=1.0 - 1e-12)) ** -0.5


def band_statistics() -> list[pl.Expr]:
    """What a band says of its cells (in order of the wait)."""
    answered = pl.col("ended_count") - pl.col("left_waiting_count")
    stayed = (answered * pl.col("middle_ratio")).implode().list.sum()  # in order, whatever the threads do
    left_after = pl.col("left_after_count").sum()
    survival = pl.col("survival_ratio").last()
    return [
        pl.col("reached_count").first().alias("at_risk_count"),
        answered.sum().alias("answered_count"),
        (pl.col("left_waiting_count").sum() + left_after).alias("left_count"),
        pl.col("left_waiting_count").sum(),
        survival,
        pl.col("greenwood").last(),
        pl.when(answered.sum() > 0).then(stayed / answered.sum()).otherwise(survival).alias("stay_ratio"),
        (left_after / answered.sum().clip(lower_bound=1)).alias("left_at_answer_ratio"),
    ]


def at_answer_variance() -> pl.Expr:
    """Variance of the log of the share that stays at the answer; 0 where nobody or everybody left at it."""
    share = pl.col("left_at_answer_ratio")
    spread = share / ((1.0 - share) * pl.col("answered_count").clip(lower_bound=1))
    return pl.when(share < 1.0).then(spread).otherwise(0.0)


def interval_bounds() -> list[pl.Expr]:
    """Bounds of hazard, survival and leaving."""
    left, trials = pl.col("left_count"), pl.col("at_risk_count")
    told = pl.when(pl.col("answered_count") > 0).then("answered_count").otherwise("at_risk_count")
    gone, leave = 1.0 - pl.col("survival_ratio"), pl.col("leave_ratio")
    n_gone = effective_count(gone, pl.col("greenwood"), trials)
    n_leave = effective_count(leave, pl.col("leave_variance"), told)
    return [
        wilson_bound_ratio(left, trials, side=-1).alias("hazard_low_ratio"),
        wilson_bound_ratio(left, trials, side=1).alias("hazard_high_ratio"),
        (1.0 - wilson_bound_ratio(gone * n_gone, n_gone, side=1)).alias("survival_low_ratio"),
        (1.0 - wilson_bound_ratio(gone * n_gone, n_gone, side=-1)).alias("survival_high_ratio"),
        wilson_bound_ratio(leave * n_leave, n_leave, side=-1).alias("leave_low_ratio"),
        wilson_bound_ratio(leave * n_leave, n_leave, side=1).alias("leave_high_ratio"),
    ]


def effective_count(share: pl.Expr, log_variance: pl.Expr, observed_count: pl.Expr) -> pl.Expr:
    """Independent trials that would give a share with this variance of log(1 - share); what was observed if none."""
    told = (log_variance > 0.0) & (share > 0.0) & (share < 1.0)
    return pl.when(told).then(share / ((1.0 - share) * log_variance)).otherwise(observed_count.cast(pl.Float64))


def wilson_bound_ratio(hits: pl.Expr, trials: pl.Expr, *, side: int, z: float = WILSON_Z) -> pl.Expr:
    """One bound of Wilson's score interval for a share, within 0 and 1.

    (p + z²/2n ± z sqrt(p(1-p)/n + z²/4n²)) / (1 + z²/n), E. B. Wilson, JASA 22 (1927) 209,
    doi:10.1080/01621459.1927.10502953.

    Args:
        hits: counts of successes.
        trials: counts of trials, more than 0; effective ones need not be whole.
        side: -1 for the lower bound, 1 for the upper one.
        z: normal quantile of the wanted coverage.
    """
    share = hits / trials
    spread = ((share * (1 - share)).clip(lower_bound=0.0) / trials + z**2 / (4 * trials**2)).sqrt()
    return ((share + z**2 / (2 * trials) + side * z * spread) / (1 + z**2 / trials)).clip(0.0, 1.0)
