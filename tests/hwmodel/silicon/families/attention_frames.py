"""Small frames of measured attention calls for tests."""

from collections.abc import Mapping

import polars as pl

from hwmodel.catalog import ChipDesign, load_catalog, timed_design_of


def rows_of(length: str, *rows: Mapping[str, str | int]) -> pl.DataFrame:
    """Rows on H100 of one sequence of 1,024 tokens with 32 heads over 8 KV heads of 128, changed as each row says."""
    plain: dict[str, str | int] = {
        "chip": "h100-sxm",
        "dtype": "bfloat16",
        "kv_dtype": "bfloat16",
        "batch": 1,
        length: 1024,
        "heads": 32,
        "kv_heads": 8,
        "head_dim": 128,
        "window": 0,
    }
    return pl.DataFrame([plain | dict(row) for row in rows])


def chips(*names: str) -> dict[str, ChipDesign]:
    catalog = load_catalog()
    return {name: timed_design_of(catalog.chip(name)) for name in names}
