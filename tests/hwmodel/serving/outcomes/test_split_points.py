"""The closed form of prefill and decode replicas: by hand, beside a replay, and on the front."""

from dataclasses import replace

import numpy as np
import pytest

from hwmodel.catalog import Deployment, load_catalog
from hwmodel.serving import Replica, Scheduler
from hwmodel.serving.demand import NS_PER_S
from hwmodel.serving.engine import EngineCalls
from hwmodel.serving.outcomes import (
    FrontPoint,
    Pools,
    SplitTrial,
    Workload,
    front,
    layouts_of,
    split_operating_points,
)
from hwmodel.serving.outcomes.split_points import most_prompts_per_s
from hwmodel.serving.split import LinkTimes
from hwmodel.serving.split.on_chip import ChipLink, SplitLayout, replay_disaggregated
from hwmodel.serving.step_cost import StepCost
from tests.hwmodel.serving.chips import h100

BOUNDS = Scheduler(max_sequences_count=64, max_batched_tokens=100)
LINK = LinkTimes(ns_per_token=0.0, ns_per_sequence=0.0, latency_ns=0, overlap=False, layers=1)
FAST = ChipLink(bytes_per_s=50e9, latency_s=1e-5)


def replica(dense_ns: float = 1000.0, chips_count: int = 2) -> Replica:
    """A step of n tokens takes n x `dense_ns`; all else is free."""
    tokens = np.arange(200, dtype=np.float64) * dense_ns
    nothing = np.zeros((200, 2))
    cost = StepCost(tokens, np.zeros(200), nothing, nothing)
    return Replica(cost=cost, capacity_tokens=100_000, state_tokens=0, chips_count=chips_count)


def pools(prefill_count: int, decode_count: int, link: LinkTimes = LINK) -> Pools:
    return Pools(prefill=replica(), decode=replica(), prefill_count=prefill_count, decode_count=decode_count, link=link)


def test_a_point_by_hand() -> None:
    """4 calls: 4 us a token. 100 further tokens take 400 us, so 2 x 4 calls in that; 60 tokens a prompt: 60 us."""
    (point,) = split_operating_points(pools(2, 2), Workload(input_tokens=60, output_tokens=101), BOUNDS, [4])
    assert [point.ttft_s, point.tpot_s] == pytest.approx([60e-6, 4e-6])
    assert point.tokens_per_s == pytest.approx(8 / 400e-6 * 101)
    assert point.tokens_per_s_per_chip == pytest.approx(point.tokens_per_s / 8)


def test_where_prompts_cannot_keep_up_there_is_no_point() -> None:
    """One call of 10 further tokens: 100,000 a second per decode replica, and 16,667 prompts per prefill replica."""
    work = Workload(input_tokens=60, output_tokens=11)
    assert [len(split_operating_points(pools(count, 1), work, BOUNDS, [1])) for count in (5, 7)] == [0, 1]


def test_a_narrow_link_limits_prompts() -> None:
    work, narrow = Workload(input_tokens=60, output_tokens=101), LINK._replace(ns_per_token=2000.0)
    assert most_prompts_per_s(pools(3, 1), work, BOUNDS) == pytest.approx(3 / 60e-6)
    assert most_prompts_per_s(pools(3, 1, narrow), work, BOUNDS) == pytest.approx(3 / 120e-6)


def test_short_prompts_share_a_step() -> None:
    """A step takes 1 us more than its tokens: 10 prompts of 10 tokens in 101 us, or one in 11."""
    base = replica()
    cost = base.plain_cost._replace(dense_ns=base.plain_cost.dense_ns + 1000.0)
    shared = replace(pools(1, 1), prefill=replace(base, cost=cost))
    assert most_prompts_per_s(shared, Workload(input_tokens=10, output_tokens=2), BOUNDS) == pytest.approx(10 / 101e-6)


def test_a_full_decode_replica_of_a_replay_takes_the_closed_form_s_time_per_token() -> None:
    """16 calls come every 1/16 of their stay, which the closed form foretells; those in the middle are told."""
    llm = replace(load_catalog().llm("llama-3.1-70b"), weight_dtype="fp8")
    deployment, scheduler = Deployment(tp_count=4, activation_dtype="fp8"), Scheduler()
    layout = SplitLayout(prefill=deployment, decode=deployment, prefill_count=1, decode_count=1, link=FAST)
    work, batch = Workload(input_tokens=500, output_tokens=400), 16
    points = front(
        h100(),
        llm,
        work,
        layouts=[one for one in layouts_of(h100(), llm) if one.tp_count == 4 and one.precision == "fp8"],
        batches=[batch],
        scheduler=scheduler,
        cost=None,
        split=SplitTrial(chips_count=8, link=FAST),
    )
    (told,) = (found.point for found in points if found.layout.replicas_count)
    gap_ns = told.tpot_s * (work.output_tokens - 1) / batch * NS_PER_S
    calls = EngineCalls.of(
        start_ns=(np.arange(10 * batch) * gap_ns).astype(np.int64),
        input_tokens=np.full(10 * batch, work.input_tokens),
        output_tokens=np.full(10 * batch, work.output_tokens),
    )
    run = replay_disaggregated(calls, h100(), llm, layout, scheduler)
    middle = run.times.tpot_s[5 * batch : 9 * batch]
    assert float(middle.mean()) == pytest.approx(told.tpot_s, rel=0.03)


def test_long_prompts_and_tight_time_per_token_ask_for_a_split() -> None:
    """In between, for loose limits one pool stays ahead: it has all chips for whatever there is to do."""
    llm = load_catalog().llm("llama-3.1-70b")

    def kept(work: Workload) -> list[FrontPoint]:
        scheduler = Scheduler(max_sequences_count=256, max_batched_tokens=8192)
        batches = [2**power for power in range(9)]
        layouts = [one for one in layouts_of(h100(), llm) if one.precision == "fp8" and one.tp_count > 1]
        trial = SplitTrial(chips_count=8, link=FAST)
        points = front(h100(), llm, work, layouts=layouts, batches=batches, scheduler=scheduler, cost=None, split=trial)
        assert {found.layout.prefill_replicas_count * found.layout.prefill_tp_count
                + found.layout.replicas_count * found.layout.tp_count
                for found in points if found.layout.replicas_count} == {8}  # fmt: skip
        return [found for found in points if not found.is_dominated]

    long, short = (
        kept(Workload(input_tokens=8000, output_tokens=1000)),
        kept(Workload(input_tokens=500, output_tokens=1000)),
    )
    of_long, of_short = ([found.layout.replicas_count > 0 for found in kept] for kept in (long, short))
    assert sum(of_long) >= 3
    assert not of_long[-1]
    assert sum(of_long) > sum(of_short)
