"""The prefix-hit curve against a literal cache, and against the published curve of the Mooncake trace."""

from collections import OrderedDict
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from telemetry_sim.fidelity.prefix import NEVER, _block_ids, _reuse_distances, prefix_curve, prefix_reuse_ratio
from tests.shared_data import shared_path
from tests.telemetry_sim.fidelity.call_frames import calls
from warehouse.ingest import ingest


def literal_hits(ids: list[int], size: int) -> int:
    held: OrderedDict[int, None] = OrderedDict()
    hits = 0
    for block in ids:
        hits += block in held
        held[block] = None
        held.move_to_end(block)
        if len(held) > size:
            held.popitem(last=False)
    return hits


@given(ids=st.lists(st.integers(0, 12), min_size=1, max_size=120), size=st.integers(1, 15))
def test_reuse_distances_give_the_hits_of_a_literal_cache(ids: list[int], size: int) -> None:
    distance = _reuse_distances(np.array(ids, dtype=np.int64), 13)
    assert int((distance < size).sum()) == literal_hits(ids, size)


def test_blocks_of_a_parent_are_shared_and_the_others_new() -> None:
    parent, blocks, kept = np.array([-1, 0, 0]), np.array([3, 4, 2]), np.array([0, 2, 2])
    ids, distinct = _block_ids(parent, blocks, kept)
    assert ids.tolist() == [0, 1, 2, 0, 1, 3, 4, 0, 1]
    assert distinct == 5
    assert (_reuse_distances(ids, distinct) < NEVER).sum() == 4


def lineage(parent: str | None, tokens: int, shared: int | None) -> dict[str, Any]:
    return {"parent_call_id": parent, "input_tokens": tokens, "output_tokens": 1, "shared_prefix_tokens": shared}


def test_a_curve_of_two_calls_can_be_told_by_hand() -> None:
    frame = calls(lineage(None, 1024, 0), lineage("c0", 2048, 1024))
    curve = prefix_curve(frame, sizes=(1, 2))
    assert curve.block_count == 6
    assert curve.hit_ratios == pytest.approx((0.0, 2 / 6))
    assert curve.infinite_hit_ratio == pytest.approx(2 / 6)
    assert prefix_reuse_ratio(frame) == pytest.approx(1024 / 3072)


def test_a_trace_without_lineage_has_no_reuse() -> None:
    assert np.isnan(prefix_reuse_ratio(calls({"input_tokens": 10, "output_tokens": 1})))


@pytest.mark.slow
def test_the_mooncake_curve_is_the_one_measured_on_its_own_block_ids() -> None:
    """Values of the measured table: 1 K 4.5 %, 5 K 11 %, 10 K 21 %, 30 K 32.6 %, 50 K 35.5 %, infinite 36.6 %."""
    frame = ingest("mooncake", shared_path("data/traces/mooncake_fast25_conversation.parquet")).model_calls
    curve = prefix_curve(frame, sizes=(1_000, 5_000, 10_000, 30_000, 50_000))
    assert curve.hit_ratios == pytest.approx((0.045, 0.11, 0.21, 0.326, 0.355), abs=0.0015)
    assert curve.infinite_hit_ratio == pytest.approx(0.366, abs=0.0006)
