"""A change that history made: matching, errors and predictors, on runs made up so that the answers are known."""

from typing import Any

import numpy as np
import polars as pl
import pytest

from hwmodel.catalog import design_of, load_catalog
from hwmodel.design.risk import matched_runs, past_change_rows, predicted_ratios, with_memory_of
from hwmodel.design.risk.past_change import MEMORY
from hwmodel.timing import FIRST_CONSTANTS

RUN = {
    "model_path": "meta-llama/Llama-3.1-8B",
    "backend": "vllm",
    "backend_version": None,
    "gemm_quant_mode": "fp8",
    "moe_quant_mode": None,
    "llm": "llama-3.1-8b",
    "precision": "fp8",
    "tp_size": 1,
    "ep": 1,
    "engine_host_s": 1e-4,
    "batch_size": 8,
    "isl": 512,
    "osl": 64,
}


def runs(*rows: dict[str, Any]) -> pl.DataFrame:
    schema = dict.fromkeys(("backend_version", "moe_quant_mode"), pl.String)
    times = {"silicon_tpot_ms": 10.0, "silicon_ttft_ms": 50.0}
    return pl.DataFrame([RUN | times | row for row in rows], schema_overrides=schema)


def test_runs_match_where_everything_but_the_chip_agrees_and_an_unnamed_version_matches_an_unnamed_one() -> None:
    table = runs(
        {"chip": "a", "silicon_tpot_ms": 12.0},
        {"chip": "b", "silicon_tpot_ms": 10.0},
        {"chip": "a", "batch_size": 16},
        {"chip": "b", "batch_size": 16, "backend_version": "1.0"},
        {"chip": "b", "tp_size": 2},
    )
    found = matched_runs(table, "a", "b")
    assert len(found) == 1
    assert found["tpot_s"].item() == pytest.approx(0.012)
    assert found["tpot_s_after"].item() == pytest.approx(0.010)


def test_repeats_of_a_run_count_once_by_their_median() -> None:
    table = runs(*({"chip": "a", "silicon_tpot_ms": ms} for ms in (8.0, 10.0, 30.0)), {"chip": "b"})
    assert matched_runs(table, "a", "b")["tpot_s"].to_list() == [pytest.approx(0.010)]


def test_only_the_memory_changes() -> None:
    catalog = load_catalog()
    h100, h200 = (design_of(catalog.chip(name), allow_estimates=False) for name in ("h100-sxm", "h200-sxm"))
    made = with_memory_of(h100, h200)
    for name in h100.__slots__:
        if name != "name":
            assert getattr(made, name) == getattr(h200 if name in MEMORY else h100, name)
    assert made.hbm_bytes_per_s == pytest.approx(4.8e12, rel=0.01)


def test_a_memory_bound_load_gains_with_bandwidth_but_not_in_full() -> None:
    catalog = load_catalog()
    h100, h200 = (design_of(catalog.chip(name), allow_estimates=False) for name in ("h100-sxm", "h200-sxm"))
    pairs = matched_runs(runs({"chip": "a"}, {"chip": "b"}), "a", "b")
    told = predicted_ratios(pairs, h100, with_memory_of(h100, h200), FIRST_CONSTANTS)
    assert 1.0 < told["tpot_speedup"].item() < h200.hbm_bytes_per_s / h100.hbm_bytes_per_s


def test_errors_are_of_the_speedup_and_the_interval_counts_what_it_covers() -> None:
    told = pl.DataFrame(
        {
            "llm": ["x"] * 3,
            "tpot_s": [1.2, 1.2, 1.2],
            "tpot_s_after": [1.0, 1.0, 1.0],
            "ttft_s": [1.0] * 3,
            "ttft_s_after": [1.0] * 3,
            "tpot_speedup": [1.2, 1.32, 0.6],
            "ttft_speedup": [1.0] * 3,
        }
    )
    rows = {(r.measure, r.predictor): r for r in past_change_rows(told, bandwidth_ratio=1.5, log_width=np.log(1.11))}
    assert rows["tpot", "ours"].median_error == pytest.approx(0.1)
    assert rows["tpot", "ours"].interval_coverage == pytest.approx(2 / 3)
    assert rows["tpot", "ours"].interval_half_width == pytest.approx(0.11)
    assert rows["tpot", "no gain"].median_error == pytest.approx(1 / 6)
    assert rows["tpot", "bandwidth"].median_error == pytest.approx(0.25)
    assert rows["tpot", "no gain"].interval_coverage is None
