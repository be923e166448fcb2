from typing import Any

import numpy as np
import polars as pl
import pytest
from scipy.stats import ks_2samp

from featurize import demand_calls
from featurize.calls import linked_calls
from tests.featurize.call_frames import calls_frame, many_calls, policy_frame, sessions_frame, sessions_of
from warehouse.contracts import DemandCalls

POLICY = policy_frame()
FULL = {"input_tokens": 100, "output_tokens": 10, "duration_s": 2.0}


def demand_of(*rows: dict[str, Any]) -> pl.DataFrame:
    return DemandCalls.validate(demand_calls(calls_frame(*rows), POLICY).collect())


def test_a_plain_session_becomes_its_intended_calls() -> None:
    demand = demand_of(
        FULL,
        {
            **FULL,
            "step_index": 1,
            "at_s": 9.0,
            "starts_after_call_id": "c0",
            "parent_call_id": "c0",
            "shared_prefix_tokens": 60,
        },
        {**FULL, "step_index": 2, "at_s": 20.0, "starts_after_call_id": "c1", "gap_s": 4.0},
    )
    assert demand["starts_after_call_id"].to_list() == [None, "c0", "c1"]
    assert demand["gap_s"].to_list() == [0.0, 7.0, 4.0]
    assert demand["shared_prefix_tokens"].to_list() == [0, 60, 0]
    assert demand["parent_call_id"].to_list() == [None, "c0", None]
    assert demand["imputed"].to_list() == [False] * 3
    assert demand.select("llm", "patience_class", "value_usd_per_token", "weight_ratio").row(0) == (
        "llm of codex_loop",
        "patience of interactive",
        1e-5,
        1.0,
    )


def test_attempts_after_a_rate_limit_collapse_into_one_intended_call() -> None:
    refused = {"input_tokens": 100, "status": "rate_limited", "duration_s": 0.1}
    demand = demand_of(
        FULL,
        {**refused, "step_index": 1, "at_s": 10.0, "starts_after_call_id": "c0", "gap_s": 8.0},
        {**refused, "step_index": 2, "at_s": 11.0, "starts_after_call_id": "c1", "gap_s": 0.9},
        {**FULL, "output_tokens": 77, "step_index": 3, "at_s": 15.0, "starts_after_call_id": "c2", "gap_s": 3.9},
        {**FULL, "step_index": 4, "at_s": 30.0, "starts_after_call_id": "c3", "parent_call_id": "c3", "gap_s": 13.0},
    )
    assert demand["call_id"].to_list() == ["c0", "c1", "c4"]
    assert demand["starts_after_call_id"].to_list() == [None, "c0", "c1"]
    assert demand["parent_call_id"].to_list() == [None, None, "c1"]
    assert demand["gap_s"].to_list() == [0.0, 8.0, 13.0]
    assert demand["output_tokens"].to_list() == [10, 77, 10]
    assert not demand["imputed"].any()


def test_a_refusal_that_nobody_repeats_is_completed_and_flagged() -> None:
    demand = demand_of(
        {"input_tokens": 100, "status": "rate_limited"}, *({**FULL, "session_id": f"s{n}"} for n in range(40))
    )
    refused = demand.filter(pl.col("call_id") == "c0").row(0, named=True)
    assert (refused["output_tokens"], refused["imputed"]) == (10, True)


def test_two_refused_prompts_of_one_turn_stay_two_intended_calls() -> None:
    refused = {"input_tokens": 100, "status": "rate_limited", "at_s": 5.0}
    demand = demand_of(
        refused,
        {**FULL, "step_index": 1, "at_s": 9.0, "starts_after_call_id": "c0", "gap_s": 2.0},
        {**refused, "step_index": 2, "at_s": 20.0, "starts_after_call_id": "c1", "gap_s": 2.0},
        {**FULL, "step_index": 3, "at_s": 30.0, "starts_after_call_id": "c2", "gap_s": 2.0, "output_tokens": 50},
    )
    assert demand.select("call_id", "output_tokens").rows() == [("c0", 10), ("c2", 50)]


def test_a_start_outside_the_frame_or_without_a_known_gap_becomes_an_own_time() -> None:
    demand = demand_of(
        {**FULL, "starts_after_call_id": "elsewhere", "gap_s": 5.0},
        {**FULL, "step_index": 1, "at_s": 5.0, "starts_after_call_id": "c0", "duration_s": None},
        {**FULL, "step_index": 2, "at_s": 9.0, "starts_after_call_id": "c1"},
    )
    assert demand["starts_after_call_id"].to_list() == [None, "c0", None]
    assert demand["gap_s"].to_list() == [0.0, 3.0, 0.0]


def test_a_missing_prompt_length_is_taken_from_like_calls() -> None:
    demand = demand_of(
        {"output_tokens": 10}, *({**FULL, "session_id": f"s{n}", "input_tokens": 500} for n in range(40))
    )
    assert demand.filter(pl.col("call_id") == "c0").select("input_tokens", "imputed").row(0) == (500, True)


def test_payers_are_as_told_and_else_drawn_at_the_share_of_the_policy() -> None:
    calls = many_calls(20_000, calls_per_session=2)
    sessions = sessions_of(calls).with_columns(
        paid=pl.when(pl.col("session_id") == "session-1").then(pl.lit(value=True))
    )
    demand = demand_calls(calls, policy_frame(paid_ratio=0.25), sessions).collect()
    per_session = demand.group_by("session_id").agg(pl.col("paid").n_unique().alias("answers"), pl.col("paid").first())
    assert per_session["answers"].unique().to_list() == [1]
    assert per_session["paid"].mean() == pytest.approx(0.25, abs=0.02)
    assert per_session.filter(pl.col("session_id") == "session-1")["paid"].item()
    none_pay = demand_calls(calls, policy_frame(paid_ratio=0.0), sessions).filter("paid").collect()
    assert none_pay["session_id"].unique().to_list() == ["session-1"]


def test_intended_calls_are_the_calls_less_the_retries() -> None:
    calls = many_calls(20_000).with_columns(input_tokens=pl.col("input_tokens").max().over("session_id"))
    demand = DemandCalls.validate(demand_calls(calls, POLICY).collect())
    retries = linked_calls(calls).select(pl.col("is_retry").sum()).collect().item()
    assert retries > 50
    assert len(demand) == 20_000 - retries
    starts = demand["starts_after_call_id"].drop_nulls()
    assert starts.is_in(demand["call_id"].implode()).all()


def test_the_demand_does_not_depend_on_the_order_of_its_rows() -> None:
    calls = many_calls(3000)
    shuffled = calls.collect().sample(fraction=1.0, shuffle=True, seed=1).lazy()
    assert demand_calls(calls, POLICY).collect().equals(demand_calls(shuffled, POLICY).collect())


def test_a_truncating_incumbent_does_not_shorten_the_demand() -> None:
    rng = np.random.default_rng(8)
    whole = (
        many_calls(12_000, calls_per_session=3)
        .collect()
        .with_columns(status=pl.lit("ok").cast(many_calls(10).collect_schema()["status"]))
    )
    intended = whole["output_tokens"].to_numpy()
    patience = rng.lognormal(6.0, 0.8, len(whole)).astype(np.int64) + 1
    truncated = whole.with_columns(
        output_tokens=pl.Series(np.minimum(intended, patience)),
        status=pl.when(pl.Series(patience < intended))
        .then(pl.lit("user_cancel"))
        .otherwise(pl.lit("ok"))
        .cast(whole.schema["status"]),
    )
    demand = demand_calls(truncated.lazy(), POLICY).collect()
    imputed = demand.filter("imputed")
    seen_by_call = truncated.select("call_id", seen="output_tokens")
    assert demand["imputed"].sum() == (patience < intended).sum()
    assert (
        (imputed.join(seen_by_call, on="call_id").select(pl.col("output_tokens") >= pl.col("seen"))).to_series().all()
    )
    assert ks_2samp(np.minimum(intended, patience), intended).statistic > 0.05
    assert ks_2samp(demand["output_tokens"], intended).statistic < 0.02
    cut_intended = intended[patience < intended]
    assert ks_2samp(imputed["output_tokens"], cut_intended).statistic < 0.06


def test_a_policy_without_the_surface_is_refused_by_the_contract() -> None:
    chats_only = POLICY.filter(pl.col("surface") == "long_context_chat")
    demand = demand_calls(calls_frame(FULL), chats_only).collect()
    assert demand["llm"].to_list() == [None]
    assert not DemandCalls.is_valid(demand)


def test_the_paid_session_of_a_frame_of_sessions_is_told_not_drawn() -> None:
    demand = demand_calls(
        calls_frame(FULL), policy_frame(paid_ratio=1.0), sessions_frame({"session_id": "s", "paid": False})
    )
    assert demand.collect()["paid"].to_list() == [False]


def test_counts_of_zero_and_unknown_images_become_what_a_replay_can_serve() -> None:
    row = demand_of({"input_tokens": 0, "output_tokens": 0}).row(0, named=True)
    assert (row["input_tokens"], row["output_tokens"], row["image_tokens"], row["imputed"]) == (1, 1, 0, False)


def test_a_shared_prefix_never_exceeds_an_imputed_prompt() -> None:
    likes = ({**FULL, "session_id": f"s{n}"} for n in range(40))
    demand = demand_of({"output_tokens": 10, "shared_prefix_tokens": 900}, *likes)
    assert demand.filter(pl.col("call_id") == "c0").select("input_tokens", "shared_prefix_tokens").row(0) == (100, 100)


def test_a_cut_answer_is_completed_from_prompts_of_similar_length() -> None:
    short = ({"session_id": f"a{n}", "input_tokens": 100, "output_tokens": 7} for n in range(40))
    long = ({"session_id": f"b{n}", "input_tokens": 90_000, "output_tokens": 700} for n in range(40))
    cut = {"status": "error", "output_tokens": None}
    few = ({**cut, "session_id": f"c{n}", "input_tokens": 110 if n % 2 else 80_000} for n in range(20))
    demand = demand_of(*short, *long, *few).filter("imputed")
    assert set(demand.select("input_tokens", "output_tokens").rows()) == {(110, 7), (80_000, 700)}
