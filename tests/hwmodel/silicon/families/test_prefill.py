"""Measured prompt calls as kernels: counts worked out by hand, windows, order of times."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from hwmodel.catalog import DesignTable
from hwmodel.silicon.calls import CallSheet
from hwmodel.silicon.families.prefill import PREFILL
from hwmodel.timing import TimingConstants, time_kernels
from hwmodel.timing.attention import covered_keys
from tests.hwmodel.silicon.families.attention_frames import chips, rows_of
from tests.shared_data import shared_path

CHIPS = chips("a100-sxm-80", "h100-sxm", "h200-sxm", "b200-sxm")


def latency_s(rows: pl.DataFrame) -> np.ndarray:
    return CallSheet(rows, PREFILL.calls(rows), CHIPS).latency_s(TimingConstants())


def visited_keys(queries: int, context: int, window: int, tile: int) -> int:
    """Keys from the first that the first row of a tile sees to the last that its last row sees, tile by tile."""
    total = 0
    for first in range(0, queries, tile):
        last = min(first + tile, queries)
        padded = min(context + first + tile, context + queries)
        total += padded - max(0, context + first + 1 - window)
        assert last <= queries
    return total


@pytest.mark.parametrize(("queries", "context", "window"), [(1000, 0, 10**9), (777, 300, 10**9), (64, 5000, 10**9)])
@pytest.mark.parametrize("tile", [64, 128, 192])
def test_causal_tiles_cover_what_counting_says(queries: int, context: int, window: int, tile: int) -> None:
    pairs = sum(min(context + i, window) for i in range(1, queries + 1))
    seen = min(context + queries, window)
    assert covered_keys(pairs, queries, seen, tile, 0.0) == pytest.approx(visited_keys(queries, context, window, tile))


@pytest.mark.parametrize("window", [100, 512, 1500])
@pytest.mark.parametrize("tile", [64, 128, 192])
def test_tiles_behind_a_window_cover_what_counting_says_to_one_tile(window: int, tile: int) -> None:
    queries = 4096
    pairs = sum(min(i, window) for i in range(1, queries + 1))
    counted = visited_keys(queries, 0, window, tile)
    assert covered_keys(pairs, queries, window, tile, 0.0) == pytest.approx(counted, abs=2 * tile + queries // tile)


def test_a_prompt_of_llama_8b_multiplies_a_triangle_of_pairs() -> None:
    attention, write, conversion = PREFILL.calls(rows_of("seq", {"batch": 2}))
    pairs = 2 * 32 * 1024 * 1025 / 2
    assert attention.batch.exponent_count[0] == pairs
    assert attention.batch.work_flop[0] == 4 * pairs * 128
    assert attention.batch.activation_bytes[0] == 2 * 1024 * 128 * (32 + 8) * 2 * 2
    assert write.batch.activation_bytes[0] == 2 * 1024 * 8 * 128 * 2 * 4
    assert not conversion.runs[0]


def test_an_fp8_cache_needs_its_conversion() -> None:
    rows = rows_of("seq", {}, {"kv_dtype": "fp8"}, {"kv_dtype": "fp8", "dtype": "fp8"})
    assert PREFILL.calls(rows)[2].runs.tolist() == [False, True, True]
    bf16, fp8, _ = latency_s(rows)
    assert fp8 > bf16


def test_a_window_cuts_the_triangle_to_a_band() -> None:
    attention, *_ = PREFILL.calls(rows_of("seq", {"window": 100}, {"window": 5000}))
    band = 100 * 101 / 2 + 924 * 100
    assert attention.batch.exponent_count.tolist() == [32 * band, 32 * 1024 * 1025 / 2]
    assert attention.batch.n.tolist() == [100.0, 1024.0]


def test_longer_prompts_more_heads_and_wider_windows_never_cost_less() -> None:
    lengths = [1, 2, 15, 16, 17, 64, 65, 128, 129, 1000, 1056, 1057, 4096, 16_384, 40_000]
    for window in (0, 300, 1024):
        rows = rows_of("seq", *({"seq": n, "window": window} for n in lengths))
        assert (np.diff(latency_s(rows)) >= -1e-15).all(), window
    assert (np.diff(latency_s(rows_of("seq", *({"heads": n} for n in (8, 16, 24, 128))))) >= 0.0).all()
    windows = latency_s(rows_of("seq", *({"seq": 9000, "window": n} for n in (64, 100, 1024, 8000, 0))))
    assert (np.diff(windows) >= 0.0).all()


def test_query_heads_of_one_kv_head_share_the_tiles_of_short_prompts_and_of_no_long_ones() -> None:
    """256 prompts of 16 tokens: eight heads of 16 rows fill one tile of 128."""
    attention = PREFILL.calls(rows_of("seq", {"batch": 256, "seq": 16}, {"seq": 4096}))[0].batch
    alone = replace(attention, groups_count=np.ones(2))
    table = DesignTable.of([CHIPS["h100-sxm"]])
    shared, single = (time_kernels(table, batch).latency_s[0] for batch in (attention, alone))
    assert single[0] > 1.5 * shared[0]
    assert single[1] == shared[1]


def test_one_head_waits_for_every_step_where_many_heads_hide_it() -> None:
    slow = replace(TimingConstants(), attention_chain_clk=2000.0)
    rows = rows_of("seq", *({"seq": 16_384, "heads": n, "kv_heads": n} for n in (1, 128)))
    sheet = CallSheet(rows, PREFILL.calls(rows), CHIPS)
    one, many = sheet.latency_s(slow) / sheet.latency_s(TimingConstants())
    assert one > 1.2
    assert many == pytest.approx(1.0, abs=1e-3)


def test_softmax_beside_the_matrix_units_slows_a_chip_at_its_power_limit_alone() -> None:
    cool = replace(TimingConstants(), attention_energy_ratio=1.0)
    rows = rows_of("seq", {"seq": 16_384}, {"seq": 16_384, "chip": "a100-sxm-80"})
    sheet = CallSheet(rows, PREFILL.calls(rows), CHIPS)
    h100, a100 = sheet.latency_s(TimingConstants()) / sheet.latency_s(cool)
    assert 1.03 < h100 < 1.3
    assert a100 == 1.0


def test_heads_of_512_leave_no_room_to_sum_a_tall_tile() -> None:
    rows = rows_of("seq", *({"seq": 8192, "head_dim": n, "chip": "b200-sxm"} for n in (256, 512)))
    narrow, wide = latency_s(rows)
    assert wide > 2.5 * narrow


def test_a_long_prompt_reaches_the_share_of_peak_that_flash_attention_3_publishes() -> None:
    """FlashAttention-3 (arXiv:2407.08608): 540 to 650 TFLOP/s causal at head width 128 and 16 k tokens on H100."""
    rows = rows_of("seq", {"seq": 16_384, "heads": 16, "kv_heads": 16})
    work_flop = PREFILL.calls(rows)[0].batch.work_flop[0]
    assert 500e12 < work_flop / latency_s(rows)[0] < 720e12


@pytest.mark.parametrize(
    ("row", "reason"),
    [({"dtype": "int3"}, "int3"), ({"seq": 0}, "seq"), ({"dtype": "fp8", "kv_dtype": "fp8"}, "no matrix rate at fp8")],
)
def test_what_cannot_be_timed_is_told_why(row: dict[str, str | int], reason: str) -> None:
    told = PREFILL.refusal(rows_of("seq", row, {"kv_dtype": "fp8"}), CHIPS["a100-sxm-80"])
    assert reason in told[0]
    assert told[1] is None


def test_buckets_follow_the_length() -> None:
    rows = rows_of("seq", {"seq": 256}, {"seq": 257}, {"seq": 4096})
    assert rows.select(bucket=PREFILL.bucket)["bucket"].to_list() == ["seq<=256", "seq 257-4095", "seq>=4096"]


def test_features_are_finite_and_tell_rows_apart() -> None:
    rows = rows_of("seq", {}, {"batch": 7}, {"window": 128}, {"head_dim": 64}, {"kv_dtype": "fp8"})
    seen = PREFILL.features(rows, CHIPS)
    assert np.isfinite(seen).all()
    assert len(np.unique(seen, axis=0)) == len(rows)


@pytest.mark.slow
def test_the_closed_form_is_within_a_quarter_of_the_best_stack_on_four_gpus() -> None:
    rows = PREFILL.read(shared_path("data/silicon")).filter(pl.col("chip").is_in(list(CHIPS)))
    best = rows.group_by("chip", *PREFILL.keys).agg(pl.col("latency_s").min(), stacks=pl.col("backend").n_unique())
    kept = best.filter(pl.col("stacks") > 1).sort("chip", *PREFILL.keys).gather_every(20)
    error = latency_s(kept) / kept["latency_s"].to_numpy() - 1.0
    told = kept.select("chip", error=pl.Series(np.abs(error))).group_by("chip").agg(pl.col("error").mean())
    assert told["error"].max() < 0.25  # type: ignore[operator]  # a polars scalar
