"""Errors by group, with a number per backend that the scored chip had no part in."""

import polars as pl
import pytest

from hwmodel.serving.accuracy.left_out import CALIBRATED_CHIPS, CALIBRATED_DELAYS_S, fitted_for, fitted_on
from hwmodel.serving.accuracy.run_accuracy import LEAST_ROWS, run_rows, with_fitted
from hwmodel.timing import HOST_STEP_S

DELAY_S = 0.05
COUNT = LEAST_ROWS


def planted(chip: str, *, delay_s: float = DELAY_S, tpot_ratio: float = 1.0, ttft_ratio: float = 1.0) -> pl.DataFrame:
    """Runs whose first token comes a delay after what the model says."""
    at = pl.int_range(1, COUNT + 1, eager=True).cast(pl.Float64)
    return pl.DataFrame(
        {
            "chip": [chip] * COUNT,
            "llm": ["llama-3.1-8b"] * COUNT,
            "backend": ["vllm"] * COUNT,
            "precision": ["fp8"] * COUNT,
            "mode": ["agg"] * COUNT,
            "osl": [1000] * COUNT,
            "engine_host_s": [HOST_STEP_S] * COUNT,
            "tpot_s": at * 1e-3 * tpot_ratio,
            "ttft_s": at * 0.02,
            "silicon_tpot_ms": at,
            "silicon_ttft_ms": (at * 0.02 * ttft_ratio + delay_s) * 1e3,
        }
    )


def test_a_planted_delay_is_found_on_the_other_chips_and_explains_the_first_token() -> None:
    rows = run_rows(with_fitted(pl.concat([planted("a"), planted("b")])))
    group = next(row for row in rows if row.case == "group" and row.chip == "a")
    assert group.first_token_delay_s == pytest.approx(DELAY_S)
    assert group.ttft_median_error == pytest.approx(0.0, abs=1e-9)
    assert group.passes


def test_a_chip_never_teaches_itself() -> None:
    rows = run_rows(with_fitted(pl.concat([planted("a", delay_s=0.4), planted("b")])))
    delays = {row.chip: row.first_token_delay_s for row in rows if row.case == "group"}
    assert delays == pytest.approx({"a": DELAY_S, "b": 0.4})


def test_alone_a_chip_is_scored_without_any_fitted_number() -> None:
    found = fitted_on(planted("a").clear())
    assert (found.first_token_delay_s, found.host_step_s) == (0.0, HOST_STEP_S)


def test_a_new_chip_alone_takes_the_calibrated_delay_and_a_calibrated_one_does_not() -> None:
    nothing = planted("a").clear()
    assert fitted_for("gb300-nvl72", "vllm", nothing).first_token_delay_s == CALIBRATED_DELAYS_S["vllm"]
    assert all(fitted_for(chip, "vllm", nothing).first_token_delay_s == 0.0 for chip in CALIBRATED_CHIPS)


def test_a_time_per_token_beyond_the_bar_fails_the_group() -> None:
    rows = run_rows(with_fitted(pl.concat([planted("a", tpot_ratio=1.2), planted("b")])))
    group = next(row for row in rows if row.case == "group" and row.chip == "a")
    assert group.tpot_mape == pytest.approx(0.2)
    assert group.tpot_bias == pytest.approx(0.2)
    assert group.passes is False


def test_users_who_mostly_wait_are_not_the_batch() -> None:
    waiting = planted("a", delay_s=1e4)
    row = run_rows(with_fitted(waiting))[0]
    assert (row.rows, row.rows_running) == (COUNT, 0)


def test_a_group_of_few_rows_carries_no_bar() -> None:
    rows = run_rows(with_fitted(planted("a").head(LEAST_ROWS - 1)))
    assert rows[0].passes is None
    assert rows[0].tpot_bar is None
