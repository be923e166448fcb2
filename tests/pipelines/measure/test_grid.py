"""Grids: the columns of the published tables, shapes that fit, formats that the device has."""

import polars as pl
import pytest

from hwmodel.silicon.families import DECODE, GEMM, PREFILL
from hwmodel.silicon.family import Family
from pipelines.measure.grid import FAMILIES, KEYS, SERVING, TRIAL, grid, operand_bytes

BOTH = frozenset({"bfloat16", "fp8"})
GIB = 2**30


@pytest.mark.parametrize(("table", "family"), [("gemm", GEMM), ("attn_prefill", PREFILL), ("attn_decode", DECODE)])
def test_keys_are_those_that_the_families_of_the_model_read(table: str, family: Family) -> None:
    assert KEYS[table] == family.keys


@pytest.mark.parametrize("family", FAMILIES)
def test_a_grid_has_each_kernel_once_and_enough_of_them_to_fit_on(family: str) -> None:
    rows = grid(family, SERVING, BOTH, 80 * GIB)
    assert tuple(rows.columns) == KEYS[family]
    assert rows.is_duplicated().sum() == 0
    assert len(rows) >= 200
    assert len(grid(family, TRIAL, BOTH, GIB)) <= 20
    assert set(rows.schema.dtypes()) == {pl.String(), pl.Int32()}


@pytest.mark.parametrize("family", FAMILIES)
def test_less_memory_leaves_the_smaller_kernels(family: str) -> None:
    large, small = (grid(family, SERVING, BOTH, gib * GIB) for gib in (80, 1))
    assert 0 < len(small) < len(large) or family == "quantise"
    assert small.join(large, on=KEYS[family], how="anti").is_empty()
    assert small.select(operand_bytes(family).max()).item() <= GIB


def test_a_device_without_fp8_multiplies_bf16_and_quantises_to_int8() -> None:
    assert set(grid("gemm", SERVING, frozenset({"bfloat16"}), 80 * GIB)["dtype"]) == {"bfloat16"}
    assert set(grid("quantise", SERVING, frozenset({"bfloat16"}), 80 * GIB)["dtype"]) == {"int8"}
    assert set(grid("gemm", SERVING, BOTH, 80 * GIB)["dtype"]) == BOTH
    assert set(grid("quantise", SERVING, BOTH, 80 * GIB)["dtype"]) == {"fp8", "int8"}


@pytest.mark.parametrize(
    ("family", "row", "expected"),
    [
        ("gemm", ("bfloat16", 4, 8, 16), 2 * (4 * 16 + 8 * 16 + 4 * 8)),
        ("gemm", ("fp8", 4, 8, 16), 3 * 4 * 16 + 8 * 16 + 2 * 4 * 8),
        ("attn_decode", ("bfloat16", "bfloat16", 2, 100, 8, 2, 64, 0), 4 * 2 * 64 * (8 + 2 * 100)),
        ("attn_prefill", ("bfloat16", "bfloat16", 2, 100, 8, 2, 64, 0), 4 * 2 * 64 * (8 * 100 + 2 * 100)),
        ("quantise", ("int8", 4, 16), 3 * 4 * 16),
    ],
)
def test_operands_are_counted_in_bytes(family: str, row: tuple[object, ...], expected: int) -> None:
    rows = pl.DataFrame([row], schema=KEYS[family], orient="row")
    assert rows.select(operand_bytes(family)).item() == expected


def test_attention_has_query_heads_in_whole_groups_and_no_more_tokens_than_allowed() -> None:
    for family, length, most in (
        ("attn_prefill", "seq", SERVING.most_prompt_tokens),
        ("attn_decode", "kv_len", SERVING.most_context_tokens),
    ):
        rows = grid(family, SERVING, BOTH, 80 * GIB)
        assert (rows["heads"] % rows["kv_heads"]).sum() == 0
        assert int((rows["batch"] * rows[length]).max()) <= most  # type: ignore[arg-type]
        assert rows["window"].unique().to_list() == [0]
