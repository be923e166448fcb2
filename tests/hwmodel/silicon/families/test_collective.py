"""Collectives of the measured tables: what is read, what the chip model makes of it, and how well it does."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from hwmodel.catalog import load_catalog, timed_design_of
from hwmodel.silicon.calls import CallSheet, unmeasured
from hwmodel.silicon.errors import UnreadableTable
from hwmodel.silicon.families.collective import COLLECTIVE
from hwmodel.silicon.shape_accuracy import shape_accuracy
from hwmodel.silicon.truth import truth_of
from hwmodel.timing import FIRST_CONSTANTS
from tests.shared_data import shared_path

CHIPS = {name: timed_design_of(load_catalog().chip(name)) for name in ("a100-sxm-80", "h100-sxm", "l40s")}
LARGE_BYTES = 1 << 28


def table(folder: Path, gpu: str, rows: list[tuple[str, str, str, str, int, int, float]]) -> None:
    names = ("backend", "kernel", "op", "dtype", "gpus", "bytes", "latency_us")
    frame = pl.DataFrame(rows, schema=names, orient="row").with_columns(gpu=pl.lit(gpu), backend_version=pl.lit("1"))
    frame.write_parquet(folder / f"comm_{gpu}.parquet")


def rows_of(chip: str, op: str, gpus: int, size: int, dtype: str = "bfloat16") -> pl.DataFrame:
    return pl.DataFrame({"chip": [chip], "dtype": [dtype], "op": [op], "gpus": [gpus], "bytes": [size]})


def modelled_s(rows: pl.DataFrame) -> tuple[float, float]:
    physics = CallSheet(rows, COLLECTIVE.calls(rows), CHIPS, is_timed=True).physics(FIRST_CONSTANTS)
    return float(physics.latency_s[0]), float(physics.bound_s[0])


def test_kernels_launched_by_the_host_are_left_out_and_the_best_of_versions_is_the_truth(tmp_path: Path) -> None:
    table(
        tmp_path,
        "h100_sxm",
        [
            ("sglang", "custom_graph", "all_reduce", "bfloat16", 8, 4096, 4.0),
            ("nccl", "NCCL", "all_reduce", "half", 8, 4096, 9.0),
            ("vllm", "custom_eager", "all_reduce", "bfloat16", 8, 4096, 3.9),
            ("nccl", "NCCL", "all_gather", "half", 8, 4096, 10.0),
            ("nccl", "NCCL", "all_reduce", "bfloat16", 2, 4096, 5.0),
        ],
    )
    best = truth_of(COLLECTIVE, tmp_path, load_catalog()).best
    told = {(row["op"], row["gpus"]): row["latency_s"] for row in best.iter_rows(named=True)}
    assert told == {("all_reduce", 8): pytest.approx(4e-6), ("all_gather", 8): pytest.approx(1e-5)}
    assert best["dtype"].unique().to_list() == ["bfloat16"]


@pytest.mark.parametrize(
    ("op", "chip", "share"),
    [
        ("all_gather", "h100-sxm", 7 / 8),
        ("reduce_scatter", "h100-sxm", 7 / 8),
        ("alltoall", "h100-sxm", 7 / 8),
        ("all_reduce", "a100-sxm-80", 14 / 8),
        ("all_reduce", "h100-sxm", 1.0),
    ],
)
def test_the_bound_is_what_must_cross_the_link_once_and_a_switch_that_adds_up_halves_an_all_reduce(
    op: str, chip: str, share: float
) -> None:
    latency_s, bound_s = modelled_s(rows_of(chip, op, 8, LARGE_BYTES))
    assert bound_s == pytest.approx(share * LARGE_BYTES / CHIPS[chip].link_bytes_per_s)
    assert bound_s < latency_s < 2.5 * bound_s


def test_a_large_all_reduce_of_eight_h100_is_summed_in_the_switch_and_takes_its_share_of_the_link() -> None:
    latency_s, bound_s = modelled_s(rows_of("h100-sxm", "all_reduce", 8, LARGE_BYTES))
    fixed_s = (1.91 + 7.5) * 3.07e-6
    assert latency_s == pytest.approx(fixed_s + bound_s / 0.50, rel=1e-3)


def test_a_message_of_integers_waits_for_the_library_where_16_bits_have_a_kernel_of_their_own() -> None:
    wide, _ = modelled_s(rows_of("h100-sxm", "all_reduce", 8, 4096))
    narrow, _ = modelled_s(rows_of("h100-sxm", "all_reduce", 8, 4096, dtype="int8"))
    assert wide == pytest.approx(3.07e-6, rel=0.05)
    assert narrow == pytest.approx(16e-6, rel=0.1)  # measured on 8 H100: 15.9 us


@pytest.mark.parametrize(("chip", "turns"), [("h100-sxm", 1.0), ("l40s", 8.0)])
def test_a_chip_that_nobody_timed_gets_the_clocks_of_the_others_and_a_turn_of_every_peer_through_a_host(
    chip: str, turns: float
) -> None:
    told = unmeasured(CHIPS[chip], FIRST_CONSTANTS)
    assert told.collective_latency_s == turns * FIRST_CONSTANTS.collective_clk / CHIPS[chip].clock_hz
    assert 0.8 < told.collective_latency_s / CHIPS[chip].collective_latency_s < 1.25
    assert unmeasured(CHIPS[chip], FIRST_CONSTANTS, is_timed=True).collective_latency_s == (
        CHIPS[chip].collective_latency_s
    )


def test_what_was_timed_on_a_chip_moves_nothing_where_it_counts_as_never_timed() -> None:
    rows = rows_of("h100-sxm", "all_reduce", 8, 4096)
    slow = {"h100-sxm": replace(CHIPS["h100-sxm"], collective_latency_s=1e-3)}
    sheets = [CallSheet(rows, COLLECTIVE.calls(rows), chips) for chips in (CHIPS, slow)]
    assert sheets[0].latency_s(FIRST_CONSTANTS) == sheets[1].latency_s(FIRST_CONSTANTS)
    timed = CallSheet(rows, COLLECTIVE.calls(rows), slow, is_timed=True)
    assert timed.latency_s(FIRST_CONSTANTS)[0] > 1e-3
    features = [COLLECTIVE.features(rows, chips) for chips in (CHIPS, slow)]
    assert features[0].tolist() == features[1].tolist()


def test_transfers_through_a_host_fall_with_the_ranks() -> None:
    two, eight = (modelled_s(rows_of("l40s", "all_gather", gpus, LARGE_BYTES))[0] for gpus in (2, 8))
    assert eight / two == pytest.approx(0.875 / 0.5 * 4**1.97, rel=0.01)


def test_features_are_finite_and_name_what_the_smooth_learner_reads_first() -> None:
    rows = pl.concat([rows_of("h100-sxm", "all_reduce", 8, 4096), rows_of("l40s", "alltoall", 2, 1024, dtype="int8")])
    features = COLLECTIVE.features(rows, CHIPS)
    assert np.isfinite(features).all()
    assert features[:, :4].tolist() == [[12.0, 3.0, 0.0, 1.0], [10.0, 1.0, 3.0, 0.0]]


@pytest.mark.parametrize(("column", "wrong"), [("op", "broadcast"), ("dtype", "float64")])
def test_an_operation_or_format_that_is_not_known_is_named(column: str, wrong: str) -> None:
    rows = rows_of("h100-sxm", "all_reduce", 8, 4096).with_columns(pl.lit(wrong).alias(column))
    with pytest.raises(UnreadableTable, match=wrong):
        COLLECTIVE.calls(rows)


def test_rows_that_cannot_be_timed_get_a_reason_and_the_others_none() -> None:
    good = rows_of("h100-sxm", "all_reduce", 8, 4096)
    bad = [
        good.with_columns(op=pl.lit("broadcast")),
        good.with_columns(dtype=pl.lit(None, dtype=pl.String)),
        good.with_columns(gpus=pl.lit(1, dtype=pl.Int64)),
        good.with_columns(bytes=pl.lit(None, dtype=pl.Int64)),
    ]
    reasons = COLLECTIVE.refusal(pl.concat([good, *bad]), CHIPS["h100-sxm"]).to_list()
    assert reasons[0] is None
    for reason, word in zip(reasons[1:], ("broadcast", "null", "at least 2", "at least 1"), strict=True):
        assert word in reason


@pytest.mark.slow
def test_held_out_collectives_are_within_six_percent_and_the_closed_form_alone_within_sixteen() -> None:
    truth = truth_of(COLLECTIVE, shared_path("data/silicon"), load_catalog())
    found = shape_accuracy(COLLECTIVE, truth, FIRST_CONSTANTS, most_fitted=100_000).scored
    error, closed, bound = (
        float(np.abs((found[name] / found["latency_s"]).to_numpy() - 1.0).mean())
        for name in ("predicted_s", "closed_form_s", "bound_s")
    )
    assert len(found) > 400
    assert error < 0.06  # measured: 0.044
    assert closed < 0.16  # measured: 0.138
    assert bound > 0.7
