"""Step bins lose nothing of the replay: steps, busy time, tokens, and who caused them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hwmodel.hotspots import StepBinTable, step_bins
from hwmodel.serving import replay
from hwmodel.serving.bins import BIN_COUNT, bin_of
from tests.hwmodel.hotspots.planted import Billed, mixed
from tests.hwmodel.serving.replay_cases import random_case
from warehouse.contracts import SURFACES


@pytest.fixture(scope="module")
def replayed() -> Billed:
    return mixed("gpt-oss-120b", 2)


def sums_of(table: StepBinTable) -> dict[str, float]:
    count, states = table.step_count, table.states
    return {
        "prompt": float((count * states.prefill_tokens).sum()),
        "decoded": float((count * states.decode_sequences).sum()),
        "kv": float((count * states.decode_kv_tokens).sum()),
    }


def test_bins_hold_the_replay_s_steps_busy_time_and_tokens(replayed: Billed) -> None:
    demand, result, table = replayed.demand, replayed.result, replayed.bins
    assert np.isfinite(result.duration_s).all()
    assert table.step_count.sum() == result.steps_count
    assert table.busy_s.sum() == pytest.approx(result.busy_s, rel=1e-12)
    decoded = demand.output_tokens - 1
    sums = sums_of(table)
    assert sums["prompt"] == pytest.approx((demand.input_tokens - result.cached_tokens).sum(), rel=1e-12)
    assert sums["decoded"] == pytest.approx(decoded.sum(), rel=1e-12)
    assert sums["kv"] == pytest.approx((demand.input_tokens * decoded + (decoded - 1) * decoded / 2).sum(), rel=1e-12)


def test_each_surface_caused_its_own_tokens(replayed: Billed) -> None:
    demand, table = replayed.demand, replayed.bins
    decoded = demand.output_tokens - 1
    caused = {
        "prefill_share": (table.states.prefill_tokens, demand.input_tokens - replayed.result.cached_tokens),
        "decode_share": (table.states.decode_sequences, decoded),
        "kv_share": (table.states.decode_kv_tokens, demand.input_tokens * decoded + (decoded - 1) * decoded / 2),
    }
    for name, (per_step, per_call) in caused.items():
        by_surface = (getattr(table, name) * (table.step_count * per_step)[:, None]).sum(axis=0)
        expected = np.bincount(demand.surface, weights=per_call, minlength=len(SURFACES))
        np.testing.assert_allclose(by_surface, expected, rtol=1e-9)
        assert (expected > 0).all()


@given(seed=st.integers(0, 10**9))
def test_shares_add_up_to_one_where_there_is_anything_to_share(seed: int) -> None:
    case = random_case(seed)
    result = replay(
        case.demand, case.replica, replicas_count=case.replicas_count, scheduler=case.scheduler, counting=True
    )
    table = step_bins(result.bins)
    for share, amount in (
        (table.prefill_share, table.states.prefill_tokens),
        (table.decode_share, table.states.decode_sequences),
        (table.kv_share, table.states.decode_kv_tokens),
    ):
        assert (share >= 0.0).all()
        np.testing.assert_allclose(share.sum(axis=1), np.where(amount > 0, 1.0, 0.0), atol=1e-12)


def test_the_frame_keeps_its_contract(replayed: Billed) -> None:
    frame = replayed.bins.frame("gpt-oss-120b")
    assert frame.height == replayed.bins.bin_id.size
    assert frame["busy_s"].sum() == pytest.approx(replayed.result.busy_s, rel=1e-12)
    assert frame["step_count"].sum() == replayed.result.steps_count


@given(
    chunk=st.integers(0, 10**6),
    context=st.floats(0.0, 1e7),
    decoding=st.integers(0, 5000),
    kv_tokens=st.integers(0, 10**10),
)
def test_every_step_has_a_bin_and_larger_steps_never_a_lower_one_on_their_axis(
    chunk: int, context: float, decoding: int, kv_tokens: int
) -> None:
    at = bin_of(chunk, context, decoding, kv_tokens)
    assert 0 <= at < BIN_COUNT
    assert bin_of(chunk, context, decoding, 2 * kv_tokens) >= at
    assert bin_of(chunk, context, 2 * decoding, kv_tokens) >= at
    if chunk > 0:
        assert bin_of(2 * chunk, context, decoding, kv_tokens) >= at


def test_steps_with_and_without_a_phase_never_share_a_bin() -> None:
    with_both = bin_of(1, 0.0, 1, 100)
    assert len({with_both, bin_of(0, 0.0, 1, 100), bin_of(1, 0.0, 0, 0)}) == 3
