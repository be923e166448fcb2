"""The demand: what users asked for, freed of how the incumbent served it."""

import dataframely as dy
import polars as pl

from featurize.attrition import attrition_weights, with_path_ratio
from featurize.bands import doubling_order
from featurize.calls import linked_calls
from featurize.completion import complete_tokens, uniform_draw
from warehouse.contracts import DemandCalls

_ASKED = (
    "call_id",
    "session_id",
    "turn_id",
    "step_index",
    "tenant_id",
    "agent_id",
    "surface",
    "service_tier",
    "requested_at",
    "input_tokens",
    "output_tokens",
    "image_tokens",
    "parent_call_id",
    "shared_prefix_tokens",
    "starts_after_call_id",
    "gap_s",
    "duration_s",
    "status",
    "day",
)
"""What is read of a call, named because the joins by rows hold every column that they are given."""

_ONLY_WAITED = ("ttft_s", "source_id")
"""What is read beside that, for the waits of a session alone."""


def demand_calls(
    calls: pl.LazyFrame, policy: pl.LazyFrame, sessions: pl.LazyFrame | None = None, *, seed: int = 0
) -> dy.LazyFrame[DemandCalls]:
    """One row per intended call, in order of session and step.

    Attempts after a rate limit collapse into their first one, which takes the last one's answer; the back-off between
    them vanishes. Counts that were cut short or not reported are completed from like calls and flagged `imputed`
    (see `featurize.completion`). A call follows another one only if that one is in the frame and the time between
    them is known; any other starts at its own time. A counted output of 0 becomes 1, the least that a replay can serve.

    A surface and tier that the policy lacks gets nulls, and a frame without a single reported count stays null: the
    contract then refuses the result.

    Calls that were never made because their session was abandoned cannot be completed one by one. The calls at the
    same step of sessions that went on stand for them, those of sessions that sat out long waits more than others: their
    weight is the inverse of the chance that their session was not abandoned before (`featurize.attrition`), so that
    weighted laws are those of users who never leave.

    Args:
        calls: frame valid under `ModelCalls`.
        policy: frame valid under `ServingPolicy`.
        sessions: frame valid under `Sessions`, for who pays and who left; where it does not tell, a hash of the
            session decides at the policy's `paid_ratio`, and nobody left.
        seed: shifts every draw.
    """
    waited = with_path_ratio(calls.select(*_ASKED, *_ONLY_WAITED), sessions)
    intended = intended_calls(waited.drop(_ONLY_WAITED))
    whole = complete_output(complete_input(intended, seed=seed), seed=seed)
    promised = policy.select(
        "surface",
        "service_tier",
        "llm",
        "patience_class",
        "value_usd_per_token",
        policy_paid_ratio=pl.col("paid_ratio"),
    )
    promised_calls = (
        whole.join(promised, on=("surface", "service_tier"), how="left")
        .join(_known_payers(calls, sessions), on="session_id", how="left")
        .with_columns(
            pl.col("input_tokens").clip(lower_bound=1),
            pl.col("output_tokens").clip(lower_bound=1),
            pl.col("image_tokens").fill_null(0),
            paid=is_paid(seed=seed),
            imputed=is_imputed(),
        )
        .with_columns(shared_prefix_tokens=shared_within_input_tokens())
    )
    weighted = attrition_weights(promised_calls, sessions)
    return DemandCalls.cast(weighted.sort("session_id", "step_index", "call_id"))


def intended_calls(calls: pl.LazyFrame) -> pl.LazyFrame:
    """One row per intended call: attempts collapsed, starts and parents renamed to the call that stands for them.

    Returns:
        Columns of `calls` (output and status are those of the last attempt), with `starts_after_call_id` null and
        `gap_s` 0 for calls that start at their own time.
    """
    linked = linked_calls(calls).cache()
    attempts = _attempts(linked).cache()
    answers = attempts.group_by("intended_call_id").agg(
        pl.col(name).sort_by("step_index").last().alias(f"answered_{name}") for name in ("output_tokens", "status")
    )
    renamed = attempts.filter(pl.col("is_retry")).select("call_id", "intended_call_id")
    return (
        linked.join(renamed.select("call_id"), on="call_id", how="anti")
        .join(answers, left_on="call_id", right_on="intended_call_id", how="left")
        .join(renamed.rename({"intended_call_id": "start"}), left_on="previous_call_id", right_on="call_id", how="left")
        .join(renamed.rename({"intended_call_id": "parent"}), left_on="parent_call_id", right_on="call_id", how="left")
        .with_columns(
            parent_call_id=pl.coalesce("parent", "parent_call_id"),
            starts_after_call_id=known_start(),
            output_tokens=answer_of_attempts("output_tokens"),
            status=answer_of_attempts("status"),
        )
        .with_columns(gap_s=gap_after_start_s())
        .drop("start", "parent", "answered_output_tokens", "answered_status")
    )


def _attempts(linked: pl.LazyFrame) -> pl.LazyFrame:
    """Refused calls and their retries, each with the first attempt that stands for it as `intended_call_id`."""
    same_prompt = ("session_id", "agent_id", "turn_id", "input_tokens")
    return (
        linked.filter(pl.col("is_retry") | (pl.col("status") == "rate_limited"))
        .sort("session_id", "step_index", "call_id")
        .with_columns(attempt_group=(~pl.col("is_retry")).cum_sum().over(same_prompt))
        .with_columns(intended_call_id=pl.col("call_id").first().over(*same_prompt, "attempt_group"))
    )


def _known_payers(calls: pl.LazyFrame, sessions: pl.LazyFrame | None) -> pl.LazyFrame:
    """Session and whether it pays, as far as told."""
    if sessions is None:
        return calls.select("session_id", session_paid=pl.lit(None, pl.Boolean)).limit(0)
    return sessions.select("session_id", session_paid=pl.col("paid"))


def complete_input(intended: pl.LazyFrame, *, seed: int) -> pl.LazyFrame:
    """Give calls that did not report their prompt the length of a like call's prompt."""
    return complete_tokens(
        intended.with_columns(
            input_reported=pl.col("input_tokens").is_not_null(),
            input_order=doubling_order(pl.col("input_tokens")),
        ),
        tokens="input_tokens",
        is_complete="input_reported",
        like=("surface", "service_tier"),
        seed=3 * seed,
    )


def complete_output(intended: pl.LazyFrame, *, seed: int) -> pl.LazyFrame:
    """Give calls with a cut or unreported answer the length that like calls want beyond what was seen."""
    return complete_tokens(
        intended.with_columns(output_whole=is_output_whole()),
        tokens="output_tokens",
        is_complete="output_whole",
        like=("surface", "service_tier", "input_order"),
        seed=3 * seed + 1,
    )


def answer_of_attempts(column: str) -> pl.Expr:
    """The last attempt's value for a call that was refused, else its own."""
    was_refused = pl.col("answered_status").is_not_null()
    return pl.when(was_refused).then(pl.col(f"answered_{column}")).otherwise(pl.col(column))


def known_start() -> pl.Expr:
    """The intended call that this one waits for; null if it is not in the frame or the gap is not known."""
    start = pl.coalesce("start", "previous_call_id")
    return pl.when(pl.col("known_gap_s").is_not_null() & (start != pl.col("call_id"))).then(start)


def gap_after_start_s() -> pl.Expr:
    """Time between the end of the call waited for and this one; 0 for a call that starts at its own time."""
    return pl.when(pl.col("starts_after_call_id").is_not_null()).then(pl.col("known_gap_s")).otherwise(0.0)


def is_output_whole() -> pl.Expr:
    """Whether the observed output is the intended one."""
    return (pl.col("status") == "ok") & pl.col("output_tokens").is_not_null()


def is_imputed() -> pl.Expr:
    """Whether a token count of the call was completed."""
    return ~(pl.col("input_reported") & pl.col("output_whole"))


def shared_within_input_tokens() -> pl.Expr:
    """Shared prefix of the prompt: 0 where not told, never more than the prompt."""
    return pl.min_horizontal(pl.col("shared_prefix_tokens").fill_null(0), "input_tokens")


def is_paid(*, seed: int) -> pl.Expr:
    """Whether the session pays: as told, else by a draw at the policy's share."""
    return pl.coalesce("session_paid", uniform_draw("session_id", seed=3 * seed + 2) < pl.col("policy_paid_ratio"))
