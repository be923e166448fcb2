"""Errors of the first constants against measured kernels of A100 and H100, beside the roofline."""

from collections.abc import Iterator
from itertools import pairwise

import numpy as np
import polars as pl
import pytest
from jaxtyping import Float

from hwmodel.catalog import DesignTable
from hwmodel.kernels import KernelBatch
from hwmodel.timing import time_kernels
from tests.hwmodel.timing import silicon_rows as silicon

Errors = Float[np.ndarray, "rows"]
pytestmark = pytest.mark.slow


def predicted_s(table: str, kernels: KernelBatch) -> Errors:
    return np.asarray(time_kernels(DesignTable.of([silicon.chip(table)]), kernels).latency_s[0])


def roofline_s(table: str, kernels: KernelBatch) -> Errors:
    """The usual roofline: matrix peak or all bytes once from HBM."""
    chip = silicon.chip(table)
    peak = chip.cores_count * chip.matrix_flop_per_clk * chip.clock_hz
    traffic_bytes = kernels.weight_bytes + kernels.activation_bytes
    return np.asarray(np.maximum(kernels.work_flop / peak, traffic_bytes / chip.hbm_bytes_per_s))


def report(
    title: str, buckets: Iterator[tuple[str, np.ndarray]], model: Errors, roofline: Errors
) -> tuple[float, float]:
    """Print mean and median absolute error and bias by bucket; return the mean of the model and of the roofline over all rows."""
    for name, chosen in [("all", np.ones(model.size, dtype=bool)), *buckets]:
        if chosen.any():
            error = model[chosen]
            print(  # noqa: T201 - the table is what the test is run for
                f"{title:24s} {name:16s} rows {chosen.sum():6d}  mean {abs(error).mean():6.1%}  median "
                f"{np.median(abs(error)):6.1%}  bias {error.mean():+6.1%}  roofline {abs(roofline[chosen]).mean():6.1%}"
            )
    return float(abs(model).mean()), float(abs(roofline).mean())


def ranges(values: Errors, name: str, edges: tuple[float, ...]) -> Iterator[tuple[str, np.ndarray]]:
    for low, high in pairwise(edges):
        yield f"{name} {low:g}-{high:g}", (values > low) & (values <= high)


@pytest.mark.parametrize("table", silicon.CHIPS)
def test_bf16_matrix_products_are_within_twenty_percent(table: str) -> None:
    rows = silicon.gemm_rows(table)
    kernels, measured = silicon.gemm_batch(rows), silicon.measured_s(rows)
    model, roofline = predicted_s(table, kernels) / measured - 1.0, roofline_s(table, kernels) / measured - 1.0
    buckets = ranges(kernels.m, "m", (0, 16, 64, 512, 2048, np.inf))
    error, roofline_error = report(f"gemm bf16 {table}", buckets, model, roofline)
    assert error < 0.20
    assert error < 0.5 * roofline_error


@pytest.mark.parametrize("table", silicon.CHIPS)
def test_decode_attention_with_its_cache_write_is_within_thirty_percent(table: str) -> None:
    rows = silicon.decode_rows(table)
    kernels, measured = silicon.decode_batch(rows), silicon.measured_s(rows)
    write_s = predicted_s(table, silicon.kv_write_batch(rows))
    model = (predicted_s(table, kernels) + write_s) / measured - 1.0
    roofline = roofline_s(table, kernels) / measured - 1.0
    buckets = ranges(kernels.weight_bytes / 1e6, "cache MB", (0, 4, 64, np.inf))
    error, roofline_error = report(f"decode bf16 {table}", buckets, model, roofline)
    assert error < 0.30
    assert error < 0.5 * roofline_error


@pytest.mark.parametrize("table", silicon.CHIPS)
def test_prefill_attention_with_its_cache_write_is_within_thirty_percent(table: str) -> None:
    rows = silicon.prefill_rows(table)
    kernels, measured = silicon.prefill_batch(rows), silicon.measured_s(rows)
    write_s = predicted_s(table, silicon.kv_write_batch(rows))
    model = (predicted_s(table, kernels) + write_s) / measured - 1.0
    roofline = roofline_s(table, kernels) / measured - 1.0
    buckets = ranges(kernels.m, "tokens", (0, 256, 2048, np.inf))
    error, roofline_error = report(f"prefill bf16 {table}", buckets, model, roofline)
    assert error < 0.30
    assert error < 0.5 * roofline_error


def test_h100_expert_layers_are_within_thirty_percent() -> None:
    """A sum of five kernels with constants from plain matrix products: no row of this table was used to choose any."""
    model, roofline, tokens = [], [], []
    for rows, kernels in silicon.moe_batches(silicon.moe_rows("h100_sxm")):
        is_expert = np.array([name.startswith("expert_") for name in kernels.names])[kernels.name_code]
        measured = silicon.measured_s(rows)

        def per_state(times: Errors, is_expert: np.ndarray = is_expert, kernels: KernelBatch = kernels) -> Errors:
            return np.bincount(kernels.state[is_expert], weights=times[is_expert])

        model.append(per_state(predicted_s("h100_sxm", kernels)) / measured - 1.0)
        roofline.append(per_state(roofline_s("h100_sxm", kernels)) / measured - 1.0)
        tokens.append(silicon.column(rows, "num_tokens"))
    buckets = ranges(np.concatenate(tokens), "tokens", (0, 64, 512, 4096, np.inf))
    error, roofline_error = report("moe bf16 h100_sxm", buckets, np.concatenate(model), np.concatenate(roofline))
    assert error < 0.30
    assert error < roofline_error


@pytest.mark.parametrize("table", silicon.CHIPS)
def test_all_reduce_is_within_twenty_five_percent(table: str) -> None:
    rows = silicon.all_reduce_rows(table)
    kernels, measured = silicon.all_reduce_batch(rows), silicon.measured_s(rows)
    model = predicted_s(table, kernels) / measured - 1.0
    ranks = kernels.ranks_count
    wire_bytes = 2.0 * (ranks - 1.0) / ranks * kernels.link_bytes
    roofline = wire_bytes / silicon.chip(table).link_bytes_per_s / measured - 1.0
    buckets = ranges(kernels.link_bytes / 1024, "KiB", (0, 64, 16384, np.inf))
    error, roofline_error = report(f"all-reduce {table}", buckets, model, roofline)
    assert error < 0.25
    assert error < 0.5 * roofline_error


def test_measured_tables_hold_what_the_checks_assume() -> None:
    rows = silicon.gemm_rows("h100_sxm")
    assert rows.select(pl.struct("m", "n", "k").n_unique()).item() == len(rows)
    assert rows["latency_us"].min() > 1.0  # type: ignore[operator]  # a polars scalar
