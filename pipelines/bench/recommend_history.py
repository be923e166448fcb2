"""Part `history` of the suite `recommend`: H100 to H200 told without H200, beside matched measured runs."""

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import polars as pl

from hwmodel.catalog import load_catalog, timed_design_of
from hwmodel.design.risk import (
    PairError,
    PastChangeRow,
    matched_runs,
    measured_run_pair,
    past_change_rows,
    pipeweave_pairs,
    predicted_ratios,
    width_for,
    with_memory_of,
)
from hwmodel.serving.accuracy import PIPEWEAVE_FILE, RUNS_FILE, used_rows
from hwmodel.serving.accuracy.pipeweave import CHIPS
from hwmodel.silicon.constants_without import constants_without, truths_of
from hwmodel.silicon.families import FAMILIES
from hwmodel.timing import TimingConstants
from pipelines.bench.serving_accuracy import found
from pipelines.errors import BadInput

BEFORE, AFTER, THIRD = "h100-sxm", "h200-sxm", "b200-sxm"
"""The change, and the one other chip with matched runs in the same file."""
KERNEL_CHIPS = frozenset({"a100-sxm-80", "b200-sxm", "h100-sxm", "h200-sxm", "l40s"})
"""Chips in the kernel tables: the later chip of a pair must be none of them, for the constants have seen it."""
BARS = {"llama-3.1-70b": 0.06}
"""Median error of the time per token at most; other LLMs must be no worse than who says that nothing changes."""
COVERAGE_BAR, HALF_WIDTH_BAR = 0.85, 0.15
Told = Callable[[str], None]
Rows = list[dict[str, Any]]


def history(data: Path, told: Told) -> Rows:
    """Errors of three predictors on the ratio of times, H100 to H200, and the pairs that the interval was read from.

    Raises:
        BadInput: The folder lacks the measured runs or PipeWeave's.
        SiliconError: It lacks the kernel tables.
    """
    runs, pipeweave = found(data, RUNS_FILE), found(data, PIPEWEAVE_FILE)
    if runs is None or pipeweave is None:
        raise BadInput(f"{data} lacks {RUNS_FILE} or {PIPEWEAVE_FILE}; name the folder that holds both with --data")
    tables = data if (data / "kernels_nvidia").exists() else data / "silicon"
    used = used_rows(pl.read_parquet(runs)).rows
    truths = truths_of(tables, load_catalog(), FAMILIES, told)
    told(f"constants fitted without {AFTER}, and without {AFTER} and {THIRD}")
    unseen = constants_without(truths, FAMILIES, frozenset({AFTER}))
    less = constants_without(truths, FAMILIES, frozenset({AFTER, THIRD}))
    pairs = _pairs(used, pl.read_parquet(pipeweave), unseen, less)
    before, after = timed_design_of(load_catalog().chip(BEFORE)), timed_design_of(load_catalog().chip(AFTER))
    width = width_for(pairs, before, after)
    changed = with_memory_of(before, after)
    matched = predicted_ratios(matched_runs(used, BEFORE, AFTER), before, changed, unseen)
    told(f"{len(matched)} matched runs; interval read from {len(pairs)} other pairs of chips")
    rows = past_change_rows(matched, bandwidth_ratio=after.hbm_bytes_per_s / before.hbm_bytes_per_s, log_width=width)
    no_gain = {row.llm: row.median_error for row in rows if row.measure == "tpot" and row.predictor == "no gain"}
    told_rows = [{"part": "history", **asdict(row), "passes": _passes(row, no_gain)} for row in rows]
    return told_rows + [{"part": "history, interval", **asdict(pair), "per_root": pair.per_root} for pair in pairs]


def _pairs(
    used: pl.DataFrame, pipeweave: pl.DataFrame, unseen: TimingConstants, less: TimingConstants
) -> list[PairError]:
    catalog = load_catalog()
    chips = {chip: timed_design_of(catalog.chip(chip)) for chip in {*CHIPS.values(), BEFORE, THIRD} - {AFTER}}
    measured = measured_run_pair(used, chips[BEFORE], chips[THIRD], less)
    others = pipeweave_pairs(pipeweave, chips, KERNEL_CHIPS, unseen)
    return ([] if measured is None else [measured]) + others


def _passes(row: PastChangeRow, no_gain: dict[str, float]) -> bool | None:
    if row.predictor != "ours" or row.measure != "tpot":
        return None
    if row.interval_coverage is None or row.interval_half_width is None:
        return False
    is_right = row.median_error <= BARS.get(row.llm, no_gain[row.llm])
    is_honest = row.interval_coverage >= COVERAGE_BAR and row.interval_half_width <= HALF_WIDTH_BAR
    return is_right and is_honest
