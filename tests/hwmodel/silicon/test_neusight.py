"""NeuSight's published nodes: read as products, summed per graph, copies counted where PyTorch makes them."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from hwmodel.catalog import load_catalog
from hwmodel.silicon.errors import NoTables, UnreadableTable
from hwmodel.silicon.families.fp32 import PRIOR
from hwmodel.silicon.neusight import (
    UNSEEN,
    copy_s,
    neusight_chips,
    neusight_comparison,
    neusight_rows,
    published_nodes,
    simplest,
    training_rows,
)
from tests.shared_data import shared_path

NODES = pl.DataFrame(
    {
        "node": ["matmul", "matmul_1", "bmm", "dense", "x"],
        "op": ["BMM", "BMM", "BMM", "Linear", "VECadd"],
        "fw_ops": [
            "[['BMM', (128, 512, 64, 512)]]",
            "[['BMM', (128, 512, 512, 64)]]",
            "[['BMM', (128, 512, 64, 512)]]",
            "[['Linear', (4096, 1024, 4096)]]",
            "[['VEC', (1, 1)]]",
        ],
        "neusight_ms": [1.0, 2.0, 3.0, 4.0, 5.0],
        "measured_ms": [2.0, 2.0, 2.0, 5.0, 5.0],
        "roofline_ms": [1.0, 1.0, 1.0, 1.0, 1.0],
        "device": ["NVIDIA_H100_80GB_HBM3"] * 4 + ["NVIDIA_L4"],
        "model": ["bert", "bert", "opt", "bert", "bert"],
        "seq": [512] * 5,
        "batch": [8] * 5,
    }
)


@pytest.fixture
def nodes(tmp_path: Path) -> pl.DataFrame:
    NODES.write_parquet(tmp_path / "model_ops_published.parquet")
    return published_nodes(tmp_path)


def test_nodes_are_read_as_products_with_the_reduction_in_the_middle(nodes: pl.DataFrame) -> None:
    assert nodes["op"].to_list() == ["bmm", "bmm", "bmm", "linear"]
    assert nodes.select("b", "m", "n", "k").rows() == [
        (128, 512, 512, 64),
        (128, 512, 64, 512),
        (128, 512, 512, 64),
        (1, 4096, 4096, 1024),
    ]
    assert nodes["latency_s"].to_list() == pytest.approx([2e-3, 2e-3, 2e-3, 5e-3])


def test_errors_per_node_and_per_graph_are_those_worked_out_by_hand(nodes: pl.DataFrame) -> None:
    rows = {(r.op, r.level): r for r in neusight_rows(nodes, np.array([2e-3, 3e-3, 1e-3, 5e-3]), np.zeros(4))}
    assert rows["bmm", "node"].neusight_mape == pytest.approx((0.5 + 0.0 + 0.5) / 3)
    assert rows["bmm", "node"].neusight_bias == pytest.approx(0.0)
    assert rows["bmm", "node"].ours_mape == pytest.approx((0.0 + 0.5 + 0.5) / 3)
    assert rows["bmm", "graph"].rows == 2
    assert rows["bmm", "graph"].ours_mape == pytest.approx((0.25 + 0.5) / 2)
    assert rows["bmm", "graph"].corrected_mape == pytest.approx(1.0)
    assert rows["linear", "node"].ours_mape == pytest.approx(0.0)
    assert rows["linear", "node"].is_unseen


def test_only_products_of_permuted_views_are_copied_and_scores_copy_twice_as_much(nodes: pl.DataFrame) -> None:
    scores, values, flat, linear = copy_s(PRIOR, nodes, neusight_chips(load_catalog()))
    assert flat == linear == 0.0
    moved = 2.0 * 4.0 * 128 * 512 * 64
    assert values > moved / 3.35e12
    assert scores == pytest.approx(2.0 * values)


def test_the_simplest_choice_within_one_standard_error_is_taken() -> None:
    clear = np.array([[0.30, 0.10], [0.31, 0.12], [0.33, 0.11]])
    assert simplest(clear, (0.0, 1.0)) == 1.0
    unclear = np.array([[0.20, 0.10], [0.10, 0.20], [0.21, 0.19]])
    assert simplest(unclear, (0.0, 1.0)) == 0.0


def test_missing_tables_and_nodes_that_are_no_product_are_told(tmp_path: Path) -> None:
    with pytest.raises(NoTables, match="model_ops_published"):
        published_nodes(tmp_path)
    fused = NODES.with_columns(fw_ops=pl.lit("[['BMM', (1, 2, 3, 4)], ['VEC', (1, 1)]]"))
    fused.write_parquet(tmp_path / "model_ops_published.parquet")
    with pytest.raises(UnreadableTable, match="is not one product"):
        published_nodes(tmp_path)


def test_no_row_of_an_unseen_chip_is_in_the_fit() -> None:
    shared_path("data/silicon/kernels_neusight/ops_matmul.parquet")
    rows = training_rows(shared_path("data/silicon"))
    assert set(rows["chip"]) == {"p4", "p100", "v100", "t4", "a100-pcie-40"}
    assert not set(rows["chip"]) & set(UNSEEN)


@pytest.mark.slow
def test_errors_are_below_those_that_neusight_published_on_both_unseen_chips() -> None:
    comparison = neusight_comparison(shared_path("data/silicon"), load_catalog())
    unseen = [row for row in comparison.rows if row.is_unseen]
    assert {(row.chip, row.op, row.level) for row in unseen} == {
        (chip, op, level) for chip in UNSEEN for op in ("bmm", "linear") for level in ("node", "graph")
    }
    worse = [row for row in unseen if row.ours_mape >= row.neusight_mape]
    assert not worse
