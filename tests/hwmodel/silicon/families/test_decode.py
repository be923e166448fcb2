"""Measured decoding calls as kernels: counts worked out by hand, refusals, order of times."""

import numpy as np
import polars as pl
import pytest

from hwmodel.silicon.calls import CallSheet
from hwmodel.silicon.families.decode import DECODE
from hwmodel.timing import TimingConstants
from tests.hwmodel.silicon.families.attention_frames import chips, rows_of
from tests.shared_data import shared_path

CHIPS = chips("a100-sxm-80", "h100-sxm", "h200-sxm")


def latency_s(rows: pl.DataFrame) -> np.ndarray:
    return CallSheet(rows, DECODE.calls(rows), CHIPS).latency_s(TimingConstants())


def test_one_token_of_llama_8b_reads_its_cache_once_and_multiplies_every_key_twice() -> None:
    attention, write = DECODE.calls(rows_of("kv_len", {"batch": 4}))
    assert attention.batch.weight_bytes[0] == 4 * 1024 * 8 * 128 * 2 * 2  # keys and values, 2 bytes each
    assert attention.batch.work_flop[0] == 4 * 32 * 1024 * 128 * 2 * 2  # two products of 2 FLOP per pair
    assert attention.batch.exponent_count[0] == 4 * 32 * 1024
    assert attention.batch.parallel_count[0] == 4 * 8
    assert attention.batch.m[0] == 4
    assert write.batch.activation_bytes[0] == 4 * 8 * 128 * 2 * 4  # read and written, 2 bytes each


def test_a_window_hides_the_keys_before_it() -> None:
    attention, _ = DECODE.calls(rows_of("kv_len", {"window": 128}, {"window": 4096}))
    assert attention.batch.n.tolist() == [128.0, 1024.0]


def test_an_fp8_cache_halves_the_bytes_and_adds_its_conversion() -> None:
    attention, _ = DECODE.calls(rows_of("kv_len", {}, {"kv_dtype": "fp8"}))
    assert attention.batch.weight_bytes[1] == attention.batch.weight_bytes[0] / 2
    elements = 1024 * 8 * 128 * 2
    assert attention.batch.vector_flop[1] - attention.batch.vector_flop[0] == 2.0 * elements


def test_a_repeated_call_finds_a_small_cache_in_l2_and_a_large_one_in_hbm() -> None:
    rows = rows_of("kv_len", {}, {"batch": 64, "kv_len": 8192})
    physics = CallSheet(rows, DECODE.calls(rows), CHIPS).physics(TimingConstants())
    hbm_s = physics.parts["0.hbm_s"]
    assert hbm_s[0] == 0.0
    assert hbm_s[1] > 64 * 8192 * 8 * 128 * 4 / 3.35e12


def test_longer_caches_more_sequences_and_wider_windows_never_cost_less() -> None:
    lengths = [1, 2, 63, 64, 65, 500, 1024, 5000, 32_000, 100_000]
    for window in (0, 256):
        rows = rows_of("kv_len", *({"kv_len": n, "window": window} for n in lengths))
        assert (np.diff(latency_s(rows)) >= -1e-15).all()
    assert (np.diff(latency_s(rows_of("kv_len", *({"batch": n} for n in (1, 2, 3, 16, 17, 64, 512))))) >= 0.0).all()
    windows = latency_s(rows_of("kv_len", *({"kv_len": 9000, "window": n} for n in (64, 100, 1024, 8000))))
    assert (np.diff(windows) >= 0.0).all()


def test_no_time_is_under_the_roofline() -> None:
    rng = np.random.default_rng(0)
    drawn = [{"batch": int(b), "kv_len": int(n)} for b, n in 2 ** rng.integers(0, 12, (200, 2))]
    rows = rows_of("kv_len", *drawn)
    physics = CallSheet(rows, DECODE.calls(rows), CHIPS).physics(TimingConstants())
    assert (physics.latency_s >= physics.bound_s).all()


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ({"dtype": "int3"}, "int3"),
        ({"dtype": "fp8"}, "needs kv_dtype fp8"),
        ({"kv_len": 0}, "kv_len"),
        ({"heads": 30}, "multiple"),
        ({"dtype": "fp8", "kv_dtype": "fp8"}, "no matrix rate at fp8"),
    ],
)
def test_what_cannot_be_timed_is_told_why(row: dict[str, str | int], reason: str) -> None:
    told = DECODE.refusal(rows_of("kv_len", row, {}), CHIPS["a100-sxm-80"])
    assert reason in told[0]
    assert told[1] is None


def test_buckets_follow_the_size_of_the_cache() -> None:
    rows = rows_of(
        "kv_len", {}, {"batch": 2}, {"batch": 32, "kv_dtype": "fp8"}, {"batch": 33}, {"kv_len": 9000, "window": 1}
    )
    told = rows.select(bucket=DECODE.bucket)["bucket"].to_list()
    assert told == ["kv<=4MiB", "kv 4-128MiB", "kv 4-128MiB", "kv>128MiB", "kv<=4MiB"]


def test_features_are_finite_and_tell_rows_apart() -> None:
    rows = rows_of("kv_len", {}, {"batch": 7}, {"window": 128}, {"head_dim": 64}, {"kv_dtype": "fp8"})
    seen = DECODE.features(rows, CHIPS)
    assert np.isfinite(seen).all()
    assert len(np.unique(seen, axis=0)) == len(rows)


@pytest.mark.slow
def test_the_closed_form_is_within_a_quarter_of_the_best_stack_on_three_gpus() -> None:
    rows = DECODE.read(shared_path("data/silicon")).filter(pl.col("chip").is_in(list(CHIPS)))
    best = rows.group_by("chip", *DECODE.keys).agg(pl.col("latency_s").min(), stacks=pl.col("backend").n_unique())
    kept = best.filter(pl.col("stacks") > 1).sort("chip", *DECODE.keys).gather_every(20)
    error = latency_s(kept) / kept["latency_s"].to_numpy() - 1.0
    told = kept.select("chip", error=pl.Series(np.abs(error))).group_by("chip").agg(pl.col("error").mean())
    assert told["error"].max() < 0.25  # type: ignore[operator]  # a polars scalar
