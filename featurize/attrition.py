"""Weights for calls that were never made, because their session had been abandoned before."""

import numpy as np
import polars as pl
from jaxtyping import Float, Int

from featurize.leaving import Waits, leaving_hazards
from featurize.neighbours import id_key
from featurize.wait_cells import cell, ended_abandoned_here

MIN_AT_RISK_COUNT = 30
"""Sessions that must have reached a step for its own hazard of leaving to be used; later steps keep the last weight.
Assumed: beyond, a single leaver would double a weight."""

MAX_STEP_WEIGHT_RATIO = 20.0
"""The calls of a step stand for at most this many on average. Assumed: where 19 of 20 sessions were left, the last
one is no witness."""

MAX_PATH_WEIGHT_RATIO = 30.0
"""Where the inverse chance of sitting out a session's own waits is cut off, before sessions of a step are compared.
Assumed: above the cap of a step, as sessions differ, and low enough for a few lucky ones not to make the law."""

MAX_WEIGHT_RATIO = 60.0
"""A call stands for at most this many. Assumed: the replay holds as many copies of the demand as its largest weight."""

GRAIN = 2.0**20
"""Parts of 1 that hazards and ratios are rounded to before they are summed: sums of whole numbers are the same in any
order."""

MOST_STEPS = 2**16
"""Steps from here on are compared as one. Assumed: sessions of no trace come near."""


def attrition_weights(demand: pl.LazyFrame, sessions: pl.LazyFrame | None) -> pl.LazyFrame:
    """Give each intended call its weight: the inverse of the chance that its session was not abandoned before it.

    Inverse probability of censoring weights (Robins and Rotnitzky, 1992). How many calls of a step are missing is told
    by the sessions alone (`step_weights`). Which ones are missing depends on how long they were waited for, and so on
    their tokens: who asks for little is seldom kept waiting, and goes on. So inside a step a call of a session that
    sat out long waits stands for more than one of a session that was served quickly (`with_path_ratio`); their mean is
    the weight of the step. With the weights of steps alone, calls of a slow incumbent come out too short.

    It assumes that, given surface, step and the waits so far, who leaves does not depend on what would have come.
    Sessions longer than any that was seen to its end stay missing, and so does most of what only they would have held:
    prompts that grow with a session stay too short.

    Args:
        demand: intended calls, with surface, step_index and `path_ratio`.
        sessions: frame valid under `Sessions`, or None where there is none; sessions without outcome count as not left.

    Returns:
        `demand` with `weight_ratio`: 1 for calls of steps that no session of `sessions` reached.
    """
    if sessions is None:
        return demand.with_columns(weight_ratio=pl.lit(1.0))
    return demand.join(step_weights(sessions), on=("surface", "step_index"), how="left").with_columns(
        weight_ratio=weight_ratio()
    )


def weight_ratio() -> pl.Expr:
    """Weight of a call out of its step's and its session's part in it; never below 1, as the call itself was made."""
    return (pl.col("step_weight_ratio").fill_null(1.0) * pl.col("path_ratio")).clip(1.0, MAX_WEIGHT_RATIO)


def step_weights(sessions: pl.LazyFrame) -> pl.LazyFrame:
    """Inverse chance that a session of the surface was not abandoned before a step, by surface and step.

    The product-limit curve over steps in which abandonment is the event and every other end censors (Kaplan and Meier,
    J. Am. Stat. Assoc. 53 (1958) 457), turned over.

    Args:
        sessions: frame valid under `Sessions`; sessions without outcome count as not left.

    Returns:
        Columns surface, step_index, step_weight_ratio, for every step that a session of the frame reached.
    """
    ends = (
        sessions.group_by("surface", step_index=pl.col("call_count") - 1)
        .agg(ended=pl.len(), left=(pl.col("outcome") == "abandoned").sum())
        .sort("surface", "step_index")
        .with_columns(reached=pl.col("ended").cum_sum(reverse=True).over("surface"))
        .with_columns(stays=stays_ratio().cum_prod().over("surface"))
        .select("surface", after_step="step_index", step_weight_ratio=turned_over_stays_ratio())
    )
    last = ends.group_by("surface").agg(last=pl.col("after_step").max())
    steps = last.with_columns(step_index=pl.int_ranges(pl.lit(0, pl.Int64), pl.col("last") + 1)).explode("step_index")
    return (
        steps.select("surface", "step_index", before=pl.col("step_index") - 1)
        .sort("before")
        .join_asof(
            ends.sort("after_step"), left_on="before", right_on="after_step", by="surface", check_sortedness=False
        )
        .select("surface", "step_index", pl.col("step_weight_ratio").fill_null(1.0))
    )


def stays_ratio() -> pl.Expr:
    """Share of the sessions that reached a step and were not abandoned at it; 1 where too few reached it to tell."""
    is_told = pl.col("reached") >= MIN_AT_RISK_COUNT
    return pl.when(is_told).then(1.0 - pl.col("left") / pl.col("reached")).otherwise(1.0)


def turned_over_stays_ratio() -> pl.Expr:
    """The weight of what comes after a step."""
    return (1.0 / pl.col("stays")).clip(1.0, MAX_STEP_WEIGHT_RATIO)


def with_path_ratio(calls: pl.LazyFrame, sessions: pl.LazyFrame | None) -> pl.LazyFrame:
    """Tell how much more a call stands for than the others of its surface and step, by what its session sat out before.

    The inverse chance of sitting out the waits of the session's earlier calls (`featurize.leaving`), over its mean
    among the calls of the surface and step. Waits have hazards of their own by surface, for sub-agents, and for sources
    that time no first token: those have one wait, the whole call. A call whose duration is not known is taken as sat
    out by everybody. Sessions without outcome, and those whose first call is not in the frame, are like their step.

    Args:
        calls: frame valid under `ModelCalls`.
        sessions: frame valid under `Sessions`, or None where there is none.

    Returns:
        `calls`, in order, with `path_ratio`.
    """
    if sessions is None:
        return calls.with_columns(path_ratio=pl.lit(1.0))
    schema = {**calls.collect_schema(), "path_ratio": pl.Float64()}
    return calls.map_batches(lambda frame: frame.with_columns(path_ratio=_path_ratio(frame, sessions)), schema=schema)


def _path_ratio(calls: pl.DataFrame, sessions: pl.LazyFrame) -> pl.Series:
    """Ratio of each call; 1 where nobody left or nothing came after a first call."""
    told = sessions.filter(pl.col("outcome").is_not_null())
    is_abandoned = pl.col("outcome") == "abandoned"
    left = told.group_by("surface").agg(is_abandoned.any(), pl.col("call_count").max())
    ends = told.join(left.filter("outcome", pl.col("call_count") > 1), on="surface", how="semi").select(
        session_key=id_key("session_id"), left_at_step=pl.when(is_abandoned).then(pl.col("call_count") - 1)
    )
    rows = (
        calls.lazy()
        .select(
            "surface",
            "step_index",
            row=pl.int_range(pl.len()),
            session_key=id_key("session_id"),
            stratum=stratum(),
            **waits(),
        )
        .join(ends, on="session_key", how="inner", maintain_order="left")
        .with_columns(is_left=ended_abandoned_here())
        .collect()
    )
    ratio = np.ones(len(calls))
    ordered = _in_order(rows, calls["call_id"])
    ratio[ordered["row"].to_numpy()] = _ratio_in_step(ordered)
    return pl.Series(ratio)


def stratum() -> pl.Expr:
    """Number of the calls that share hazards: surface, sub-agent or not, source with timed first tokens or not."""
    is_timed = pl.col("ttft_s").is_not_null().any().over("source_id")
    return 4 * pl.col("surface").to_physical().cast(pl.Int64) + 2 * pl.col("agent_id").is_not_null() + is_timed


def waits() -> dict[str, pl.Expr]:
    """The cells in which a call's waits end; null where its duration is not known."""
    end_cell = cell(pl.col("duration_s"))
    wait_cell = pl.min_horizontal(cell(pl.col("ttft_s")), end_cell)  # of null and the end, the end
    return {
        "is_waiting": pl.col("ttft_s").is_null(),
        "wait_cell": pl.when(end_cell.is_not_null()).then(wait_cell),
        "end_cell": end_cell,
    }


def _in_order(rows: pl.DataFrame, call_id: pl.Series) -> pl.DataFrame:
    """Rows of a session one below the other, in order of step: as they come, where they come so."""
    is_above = rows["session_key"] == rows["session_key"].shift(1)
    rises = (rows["step_index"] > rows["step_index"].shift(1)).fill_null(value=True)
    is_ordered = bool((rises | ~is_above.fill_null(value=False)).all())
    runs_count = len(rows) - int(is_above.sum())
    if is_ordered and runs_count == rows["session_key"].n_unique():
        return rows
    return rows.with_columns(call_id=call_id.gather(rows["row"])).sort("session_key", "step_index", "call_id")


def _ratio_in_step(rows: pl.DataFrame) -> Float[np.ndarray, "rows"]:
    """Inverse chance of sitting out what came before in the session, over its mean at the surface and step."""
    if rows.is_empty():
        return np.zeros(0)
    key, step = rows["session_key"].to_numpy(), rows["step_index"].to_numpy()
    hazard = _hazard_grains(rows)
    opens = np.concatenate(([True], key[1:] != key[:-1]))
    session = opens.cumsum() - 1
    before = hazard.cumsum() - hazard
    sat_out = np.minimum((before - before[opens][session]) / GRAIN, np.log(MAX_PATH_WEIGHT_RATIO))
    path = np.round(np.exp(sat_out) * GRAIN)
    is_whole = (step[opens] == 0)[session]
    place = rows["surface"].to_physical().cast(pl.Int64).to_numpy() * MOST_STEPS + np.minimum(step, MOST_STEPS - 1)
    total = np.bincount(place, weights=np.where(is_whole, path, 0.0))
    mean = total[place] / np.maximum(np.bincount(place, weights=is_whole), 1.0)[place]
    return np.where(is_whole, path / np.maximum(mean, 1.0), 1.0)


def _hazard_grains(rows: pl.DataFrame) -> Int[np.ndarray, "rows"]:
    """Cumulated hazard of leaving during each call, in whole parts of 1; 0 where its duration is not known."""
    known = rows["end_cell"].is_not_null().to_numpy()
    seen = rows.filter(known)
    hazard = np.zeros(len(rows), dtype=np.int64)
    hazard[known] = np.round(
        leaving_hazards(Waits(**{name: seen[name].to_numpy() for name in Waits.__slots__})) * GRAIN
    )
    return hazard
