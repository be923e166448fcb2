"""Our times of FP32 products beside those that NeuSight published, on GPUs that neither has seen."""

from ast import literal_eval
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from jaxtyping import Float

from hwmodel.catalog import Catalog, ChipDesign, timed_design_of
from hwmodel.silicon.calls import CallSheet, call
from hwmodel.silicon.errors import UnreadableTable
from hwmodel.silicon.families.fp32 import BYTES, DTYPE, FP32, PRIOR, chip_of, table_path
from hwmodel.silicon.family import Chips
from hwmodel.silicon.features import number
from hwmodel.silicon.fit import fit_constants
from hwmodel.silicon.left_out import FITTED_PER_CHIP
from hwmodel.silicon.model import FamilyModel, fit_model
from hwmodel.silicon.residual import UNSEEN_CHIPS
from hwmodel.silicon.splits import few_per_chip
from hwmodel.timing import FIRST_CONSTANTS, TimingConstants
from warehouse.contracts.vocabulary import KernelFamily

UNSEEN = ("h100-sxm", "l4")
"""In none of NeuSight's fits and in none of ours."""
CATALOGUE_CHIPS = ("p4", "p100", "v100", "t4", *UNSEEN)
A100_PCIE_40 = "a100-pcie-40"
A100_PCIE_40_BYTES_PER_S = 1.555e12
"""Memory of the A100 in the tables (NeuSight's device table). So the next (NVIDIA's sheet, recalled)."""
A100_PCIE_40_TDP_W = 250.0
OPS = ("BMM", "Linear")
GRAPH = ("model", "seq", "batch")
EVALUATIONS = 500
METHODS = ("ours", "corrected", "neusight", "roofline")
COPIED_PREFIX = "matmul"
"""Nodes that multiply four-dimensional views: PyTorch copies each permuted operand before it multiplies."""
COPY_ITEM_ELEMENTS = 1024.0
"""Elements that one block of a copy moves. Assumed."""
TRUSTS = (0.0, 0.5, 1.0)
"""Weights of the correction to choose from."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NeusightRow:
    """Errors of NeuSight and of ours on the same products; ratios, not per cent."""

    chip: str
    op: str
    level: str
    """`node`: each product of a graph; `graph`: their sum per model, sequence length and batch."""
    is_unseen: bool
    """The chip is in no fit."""
    rows: int
    ours_mape: float
    ours_bias: float
    neusight_mape: float
    neusight_bias: float
    corrected_mape: float
    """Ours with all of the learned correction, whatever its weight in ours."""
    roofline_mape: float
    """As NeuSight published it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NeusightComparison:
    """The comparison and the model behind it."""

    rows: list[NeusightRow]
    constants: TimingConstants
    trust: float
    """Weight of the learned correction; see `chosen_trust`."""
    fitted_chips: tuple[str, ...]
    fitted_rows: int


def neusight_comparison(folder: Path, catalog: Catalog) -> NeusightComparison:
    """Fit on NeuSight's own training rows of five GPUs, then predict the nodes that it published.

    No constant has seen a row of an unseen chip; the form of the power limit, the copies and the rule of `simplest`
    were settled after errors on those chips were known, so read the comparison as optimistic.

    Args:
        folder: Measured tables, or the folder `kernels_neusight` in it.
        catalog: Where the chips are described.

    Raises:
        SiliconError: The tables cannot be used.
    """
    measured, nodes, chips = training_rows(folder), published_nodes(folder), neusight_chips(catalog)
    model = replace(_fitted(measured, chips), trust=chosen_trust(measured, nodes, chips))
    return NeusightComparison(
        rows=neusight_rows(
            nodes, node_latency_s(model, nodes, chips), node_latency_s(replace(model, trust=1.0), nodes, chips)
        ),
        constants=model.constants,
        trust=model.trust,
        fitted_chips=tuple(sorted(set(measured["chip"]))),
        fitted_rows=len(measured),
    )


def training_rows(folder: Path) -> pl.DataFrame:
    """NeuSight's training rows, the median where a product was measured twice; none is of a chip in `UNSEEN`."""
    rows = FP32.read(folder).filter(~pl.col("chip").is_in(UNSEEN))
    return rows.group_by("chip", *FP32.keys).agg(pl.col("latency_s").median()).sort("chip", *FP32.keys)


def chosen_trust(measured: pl.DataFrame, nodes: pl.DataFrame, chips: Chips) -> float:
    """Least weight of the correction that is as good as the best one on nodes of fitted chips, each left out in turn.

    As good: worse by at most one standard error over chips (Hastie, Tibshirani and Friedman, 2009, section 7.10), for
    few chips tell weights apart poorly.
    """
    errors = []
    for name in sorted(set(measured["chip"])):
        here = nodes.filter(pl.col("chip") == name)
        model = _fitted(measured.filter(pl.col("chip") != name), chips)
        told = [node_latency_s(replace(model, trust=trust), here, chips) for trust in TRUSTS]
        errors.append([np.mean([row.ours_mape for row in neusight_rows(here, one, one)]) for one in told])
    return simplest(np.array(errors), TRUSTS)


def simplest(errors: Float[np.ndarray, "chips choices"], choices: Sequence[float]) -> float:
    """First choice whose error exceeds the least by no more than one standard error of their difference."""
    best = int(errors.mean(axis=0).argmin())
    excess = errors - errors[:, [best]]
    standard_error = excess.std(axis=0, ddof=1) / np.sqrt(len(errors))
    return choices[int(np.argmax(excess.mean(axis=0) <= standard_error))]


def _fitted(measured: pl.DataFrame, chips: Chips) -> FamilyModel:
    constants = fit_constants(FP32, measured, chips, PRIOR, evaluations=EVALUATIONS)
    chosen = measured[few_per_chip(measured, (), FITTED_PER_CHIP)]
    return fit_model(FP32, chosen, chips, constants, UNSEEN_CHIPS, sees_chip=False)


def neusight_chips(catalog: Catalog) -> dict[str, ChipDesign]:
    """Every GPU of NVIDIA in the tables; the A100 on a card has less memory bandwidth and power than the module."""
    chips = {name: timed_design_of(catalog.chip(name), allow_estimates=True) for name in CATALOGUE_CHIPS}
    module = timed_design_of(catalog.chip("a100-sxm-80"))
    stack = A100_PCIE_40_BYTES_PER_S / module.hbm_stacks_count
    card = replace(module, name=A100_PCIE_40, hbm_stack_bytes_per_s=stack, tdp_w=A100_PCIE_40_TDP_W)
    return chips | {A100_PCIE_40: card}


def published_nodes(folder: Path) -> pl.DataFrame:
    """Products of the published graphs: model, seq, batch, node, chip, the family's keys, and seconds of each method.

    Raises:
        NoTables: The folder holds no `model_ops_published.parquet`.
        UnreadableTable: It lacks a column, or a node is not one product.
    """
    path = table_path(folder, "model_ops_published.parquet")
    try:
        rows = pl.read_parquet(path)
        of_nvidia = pl.col("op").is_in(OPS) & ~pl.col("device").str.contains("AMD")
        nodes = rows.filter(of_nvidia)
        shapes = [_shape(text) for text in nodes["fw_ops"]]
        return nodes.select(
            *GRAPH,
            "node",
            chip=chip_of(nodes["device"]),
            dtype=pl.lit(DTYPE),
            op=pl.col("op").str.to_lowercase(),
            **{name: pl.Series([shape[at] for shape in shapes]) for at, name in enumerate(("b", "m", "k", "n"))},
            latency_s=1e-3 * pl.col("measured_ms"),
            neusight_s=1e-3 * pl.col("neusight_ms"),
            roofline_s=1e-3 * pl.col("roofline_ms"),
        )
    except (pl.exceptions.PolarsError, ValueError, SyntaxError) as error:
        raise UnreadableTable(f"{path}: {str(error).splitlines()[0][:200]}") from error


def node_latency_s(model: FamilyModel, nodes: pl.DataFrame, chips: Chips) -> Float[np.ndarray, "rows"]:
    """The product, and the copies that PyTorch makes before it."""
    return model.estimate(nodes, chips).latency_s + copy_s(model.constants, nodes, chips)


def copy_s(constants: TimingConstants, nodes: pl.DataFrame, chips: Chips) -> Float[np.ndarray, "rows"]:
    """Copies of permuted operands: queries and keys of scores; values, but not the scores themselves.

    A copy follows without the host's launch, which the fitted constants carry once per measurement.
    """
    b, m, n, k = (number(nodes, name) for name in ("b", "m", "n", "k"))
    is_copied = nodes["node"].str.starts_with(COPIED_PREFIX).to_numpy()
    copies = tuple(
        call(
            KernelFamily.VECTOR,
            len(nodes),
            runs=runs,
            parallel_count=np.maximum(elements / COPY_ITEM_ELEMENTS, 1.0),
            activation_bytes=2.0 * BYTES * elements,
        )
        for runs, elements in ((is_copied, b * k * n), (is_copied & (n > k), b * m * k))
    )
    launched = replace(constants, launch_s=FIRST_CONSTANTS.launch_s)
    return np.where(is_copied, CallSheet(nodes, copies, chips).latency_s(launched), 0.0)


def neusight_rows(
    nodes: pl.DataFrame, predicted_s: Float[np.ndarray, "rows"], corrected_s: Float[np.ndarray, "rows"]
) -> list[NeusightRow]:
    """Errors per chip and op, of each node and of the sums per graph.

    Args:
        nodes: As `published_nodes`.
        predicted_s: Ours.
        corrected_s: Ours with all of the learned correction.
    """
    told = nodes.with_columns(ours_s=pl.Series(predicted_s), corrected_s=pl.Series(corrected_s))
    times = ("latency_s", "ours_s", "corrected_s", "neusight_s", "roofline_s")
    graphs = told.group_by("chip", "op", *GRAPH).agg(pl.col(times).sum())
    return [
        NeusightRow(level=level, is_unseen=row["chip"] in UNSEEN, **row)
        for level, rows in (("node", told), ("graph", graphs))
        for row in _errors(rows)
    ]


def _errors(rows: pl.DataFrame) -> Iterator[dict[str, Any]]:
    error = {name: pl.col(f"{name}_s") / pl.col("latency_s") - 1.0 for name in METHODS}
    return (
        rows.group_by("chip", "op")
        .agg(
            rows=pl.len(),
            **{f"{name}_mape": one.abs().mean() for name, one in error.items()},
            **{f"{name}_bias": error[name].mean() for name in ("ours", "neusight")},
        )
        .sort("op", "chip")
        .iter_rows(named=True)
    )


def _shape(text: str) -> tuple[int, int, int, int]:
    """Batch, rows, reduction and columns of `[['BMM', (B, M, N, K)]]` or `[['Linear', (M, N, K)]]`."""
    told = literal_eval(text)
    if len(told) != 1 or len(told[0][1]) not in (3, 4):
        raise ValueError(f"{text} is not one product")
    batch, rows, reduction, columns = (1, *told[0][1])[-4:]
    return batch, rows, reduction, columns
