"""PipeWeave's runs: names, one chip apart, and the bars on the whole table."""

import polars as pl
import pytest

from hwmodel.catalog import count_parameters
from hwmodel.serving.accuracy.pipeweave import QWEN25_14B, pipeweave_rows, predicted_s
from tests.shared_data import shared_path

RUN: dict[str, float | str] = {
    "llm": "Qwen2.5-14B",
    "tp": 1,
    "batch_size": 8,
    "output_len": 100,
    "total_prefill_tokens": 28000,
}


def measured(*chips: str) -> pl.DataFrame:
    rows = [
        {"hardware": chip, "run_name": f"Qwen2.5-14B-arxiv_{at}", "prefill_latency": 2.0, "median_decode_latency": 0.02}
        | {"tp": 1, "batch_size": 8, "output_len": 100, "total_prefill_tokens": 28000}
        for chip in chips
        for at in (8, 8, 9)
    ]
    return pl.DataFrame(rows)


def test_repeats_of_a_run_count_as_one_and_unknown_chips_are_counted() -> None:
    rows, left_out = pipeweave_rows(measured("H100", "NVIDIA Abacus"))
    assert [(row.chip, row.rows) for row in rows] == [("all", 2), ("h100-sxm", 2)]
    assert sum(left_out.values()) == 3


def test_longer_names_are_told_from_shorter_ones() -> None:
    rows, _ = pipeweave_rows(measured("H200", "H20", "L40", "RTX PRO 6000"))
    assert {row.chip for row in rows} == {"all", "h200-sxm", "h20", "l40", "rtx-pro-6000"}


def test_the_chip_that_stands_apart_is_in_no_sum() -> None:
    rows, _ = pipeweave_rows(measured("H100", "RTX_6000_Ada"))
    assert {row.chip: row.rows for row in rows} == {"all": 2, "h100-sxm": 2, "rtx-6000-ada": 2}


def test_prompts_twice_as_long_take_more_than_twice_the_time() -> None:
    once, _ = predicted_s(RUN | {"chip": "h100-sxm"})
    twice, _ = predicted_s(RUN | {"chip": "h100-sxm", "total_prefill_tokens": 56000})
    assert twice > 2.0 * once


def test_the_chip_with_more_bandwidth_decodes_faster() -> None:
    _, h100 = predicted_s(RUN | {"chip": "h100-sxm"})
    _, h200 = predicted_s(RUN | {"chip": "h200-sxm"})
    assert h200 < h100


def test_the_14b_model_has_the_parameters_of_its_name() -> None:
    assert count_parameters(QWEN25_14B).total == pytest.approx(14.77e9, rel=0.01)


@pytest.mark.slow
def test_the_measured_runs_meet_the_bars() -> None:
    rows, _ = pipeweave_rows(pl.read_parquet(shared_path("data/silicon/serving_pipeweave/e2e_measured.parquet")))
    assert rows[0].chip == "all"
    assert rows[0].passes
