"""What a step with drafts costs on a chip: verifying is a larger step, drafting comes on top, both take room."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hwmodel.catalog import Deployment, DesignTable, load_catalog
from hwmodel.kernels import kernel_inventory
from hwmodel.serving import Scheduler, StepTimer, decode_states, replay, state_tokens
from hwmodel.serving.config import config_of
from hwmodel.serving.engine import Speculation
from hwmodel.serving.errors import BadConfig, BadLimits, BadSettings
from hwmodel.serving.outcomes.operating_points import Workload, operating_points
from hwmodel.serving.profiles.vidur_cost import VidurCost
from hwmodel.serving.serve import serve_calls
from hwmodel.serving.speculative.cost import SpeculativeCost
from hwmodel.serving.speculative.drafter import Drafter, head_of
from hwmodel.serving.speculative.tables import SpeculativeTables, speculative_tables
from hwmodel.serving.step_cost import step_ns
from hwmodel.serving.step_features import StepFeatures
from hwmodel.timing import HOST_STEP_S, step_time_s, time_kernels
from tests.hwmodel.serving.chips import DEPLOYMENTS, cost_of, h100, tables_of, timer_of
from tests.hwmodel.serving.engine_cases import calls_of
from tests.hwmodel.serving.replay_cases import demand_of

LLMS = tuple(DEPLOYMENTS)
LLAMA = load_catalog().llm("llama-3.1-70b")


@cache
def drafted(llm: str, drafts: int, *, has_head: bool = True) -> SpeculativeTables:
    timer = timer_of(llm, h100())
    drafter = head_of(timer.llm) if has_head else None
    return speculative_tables(timer, scheduler=Scheduler(), drafts_count=drafts, drafter=drafter)


def llama_tables(drafter: Drafter | None, drafts: int = 3) -> SpeculativeTables:
    timer = StepTimer(designs=DesignTable.of([h100()]), llm=LLAMA, deployment=Deployment(tp_count=4))
    return speculative_tables(timer, scheduler=Scheduler(), drafts_count=drafts, drafter=drafter)


def decoding_ns(cost: SpeculativeCost, sequences: int, context: int, drafts: int) -> int:
    rest = (0, 0, 0, 0, 0, sequences, sequences, sequences * context, context, sequences * drafts)
    return step_ns(cost, StepFeatures(*rest))


@given(
    llm=st.sampled_from(LLMS),
    chunk=st.integers(0, 1800),
    before=st.integers(0, 100_000),
    decoding=st.integers(0, 256),
    context=st.integers(1, 100_000),
)
def test_a_step_without_drafts_takes_what_it_takes_without_speculation(
    llm: str, chunk: int, before: int, decoding: int, context: int
) -> None:
    emitting = decoding + (chunk > 0)
    prompts = (chunk, chunk**2, int(chunk > 0), chunk * before, chunk + before)
    step = StepFeatures(*prompts, emitting, decoding, decoding * context, context, 0)
    assert step_ns(drafted(llm, 3, has_head=False).cost(0), step) == step_ns(cost_of(llm), step)


@pytest.mark.parametrize("llm", LLMS)
@pytest.mark.parametrize("drafts", [1, 3])
def test_verifying_takes_what_the_chip_model_says_of_all_its_kernels(llm: str, drafts: int) -> None:
    timer = timer_of(llm, h100())
    sequences, context = (grid.ravel() for grid in np.meshgrid([1.0, 4.0, 16.0, 64.0, 256.0], [128.0, 4096.0, 32768.0]))
    states = decode_states(sequences, context, queries_count=1 + drafts)
    kernels = kernel_inventory(timer.llm, timer.deployment, states)
    times = time_kernels(timer.designs, kernels)
    whole_ns = step_time_s(times, kernels, len(states), host_s=HOST_STEP_S)[0] * 1e9
    cost = drafted(llm, drafts, has_head=False).cost(0)
    told_ns = [decoding_ns(cost, int(s), int(c), drafts) for s, c in zip(sequences, context, strict=True)]
    assert np.abs(np.array(told_ns) / whole_ns - 1.0).max() < 0.01


@given(
    llm=st.sampled_from(LLMS), sequences=st.integers(1, 256), context=st.integers(32, 60_000), drafts=st.integers(0, 2)
)
def test_a_draft_more_is_never_free(llm: str, sequences: int, context: int, drafts: int) -> None:
    cost = drafted(llm, 3).cost(0)
    fewer, more = (decoding_ns(cost, sequences, context, count) for count in (drafts, drafts + 1))
    assert more >= fewer * (1.0 - 0.01)  # tiles make small steps down where a tile fills up


@pytest.mark.parametrize("llm", LLMS)
def test_drafting_takes_time_that_grows_with_its_passes(llm: str) -> None:
    of_one, of_three = (drafted(llm, drafts).cost(0) for drafts in (1, 3))
    without = decoding_ns(drafted(llm, 3, has_head=False).cost(0), 8, 1000, 1)
    assert without < decoding_ns(of_one, 8, 1000, 1) < decoding_ns(of_three, 8, 1000, 1)


def test_host_time_of_drafting_is_added_as_it_is() -> None:
    timer = timer_of("gpt-oss-120b", h100())
    told = {"scheduler": Scheduler(), "drafts_count": 3, "drafter": None}
    plain, slow = (speculative_tables(timer, host_s=host_s, **told).cost(0) for host_s in (0.0, 0.002))  # type: ignore[arg-type]
    assert decoding_ns(slow, 8, 1000, 3) - decoding_ns(plain, 8, 1000, 3) == pytest.approx(2_000_000, abs=1)


def test_few_sequences_verify_nearly_for_free_and_many_pay_for_every_token() -> None:
    """Weights are read once however many tokens: below the ridge a step of four tokens takes hardly more than one."""
    cost = llama_tables(None).cost(0)
    ratios = [decoding_ns(cost, batch, 1024, 3) / decoding_ns(cost, batch, 1024, 0) for batch in (1, 8, 64, 256)]
    assert ratios[0] < 1.05
    assert ratios[-1] > 2.0
    assert ratios == sorted(ratios)


def test_a_head_takes_the_room_of_one_layer_and_of_the_product_that_joins_its_inputs() -> None:
    layer = 8192 * (64 + 2 * 8) * 128 + 64 * 128 * 8192 + 3 * 8192 * 28672
    head_bytes = 2.0 * (layer / 4 + 2 * 8192**2)
    token_bytes = 81 * 2 * 2 * 128  # fp8, 8 KV heads over 4 ranks, 81 layers instead of 80
    bare, head = (int(llama_tables(drafter).capacity_tokens[0]) for drafter in (None, head_of(LLAMA)))
    assert head == pytest.approx((bare * token_bytes * 80 / 81 - head_bytes) / token_bytes, abs=2)


def test_another_llm_takes_the_room_of_all_its_weights_and_of_its_cache() -> None:
    small = Drafter(llm=load_catalog().llm("llama-3.1-8b"), is_head=False)
    bare, with_8b = (int(llama_tables(drafter).capacity_tokens[0]) for drafter in (None, small))
    token_bytes = (80 + 32) * 2 * 2 * 128
    assert with_8b == pytest.approx((bare * token_bytes * 80 / 112 - 2.0 * 8.03e9 / 4) / token_bytes, rel=0.002)


def test_without_a_drafting_model_the_room_is_as_before_but_for_recurrent_states() -> None:
    for llm in ("gpt-oss-120b", "deepseek-r1"):
        plain, with_drafts = tables_of(llm), drafted(llm, 3, has_head=False)
        assert with_drafts.capacity_tokens.tolist() == plain.capacity_tokens.tolist()
        assert with_drafts.state_tokens == plain.state_tokens
    timer = timer_of("qwen3-next-80b-a3b", h100())
    assert drafted("qwen3-next-80b-a3b", 3, has_head=False).state_tokens == pytest.approx(
        4 * state_tokens(timer.llm, timer.deployment), abs=4
    )


def test_measured_profiles_are_refused_for_they_have_no_such_steps() -> None:
    nothing = np.zeros((2, 2))
    profile = VidurCost(np.zeros(2), nothing, nothing, 64, 1.0, 0.0)
    bounds = {"max_num_seqs": 1, "max_num_batched_tokens": 1, "kv_blocks": 100, "layers": 1}
    drafts = {"draft": "mtp", "tokens": 1, "alpha": 0.5}
    config = config_of({"scheduler": "vllm_v1", **bounds, "speculation": drafts})
    with pytest.raises(BadConfig, match="speculation needs a chip of the catalogue"):
        serve_calls(calls_of({}), profile, config)


def test_a_replica_with_drafts_is_replayed_and_has_neither_bill_nor_closed_form() -> None:
    law = Speculation.geometric(0.7, 3)
    plain, with_drafts = tables_of("gpt-oss-120b").replica(0), drafted("gpt-oss-120b", 3).replica(0, law)
    demand = demand_of({"input_tokens": 500, "output_tokens": 300}, {"input_tokens": 50, "output_tokens": 400})
    one, other = (replay(demand, of, replicas_count=1, scheduler=Scheduler()) for of in (plain, with_drafts))
    assert (other.tpot_s < one.tpot_s).all()
    assert other.steps_count < one.steps_count
    with pytest.raises(BadSettings, match="without speculation for the bill"):
        replay(demand, with_drafts, replicas_count=1, scheduler=Scheduler(), counting=True)
    with pytest.raises(BadLimits, match="without speculation"):
        operating_points(with_drafts, Workload(input_tokens=100, output_tokens=100), Scheduler(), [1])


def test_a_head_of_a_mixture_is_a_mixture_layer() -> None:
    llm = load_catalog().llm("deepseek-r1")
    head = head_of(llm).llm
    assert head.layers_count == 1
    assert head.moe is not None
    assert llm.moe is not None
    assert head.moe == replace(llm.moe, first_dense_layers_count=0)
