"""The design changes that were measured: pairs of chips, and the kernels whose speed-up a change should explain."""

import polars as pl

from hwmodel.silicon.design_change import DesignChange
from hwmodel.silicon.families.decode import CACHE

BIG = 1024
"""Least n and k of a large product."""

_H100, _H200, _B200 = "h100-sxm", "h200-sxm", "b200-sxm"
_LARGE = (pl.col("m") >= 2 * BIG) & (pl.col("n") >= BIG) & (pl.col("k") >= BIG)

DESIGN_TESTS: tuple[DesignChange, ...] = (
    DesignChange(name="gemm m<=16", family="gemm", before=_H100, after=_H200, kernels=pl.col("m") <= 16),
    DesignChange(
        name="gemm m>=2048 bf16",
        family="gemm",
        before=_H200,
        after=_B200,
        kernels=_LARGE & (pl.col("dtype") == "bfloat16"),
    ),
    DesignChange(
        name="gemm m>=2048 fp8", family="gemm", before=_H200, after=_B200, kernels=_LARGE & (pl.col("dtype") == "fp8")
    ),
    DesignChange(
        name="prefill seq>=4096 bf16",
        family="prefill",
        before=_H200,
        after=_B200,
        kernels=(pl.col("seq") >= 4 * BIG) & (pl.col("dtype") == "bfloat16") & (pl.col("kv_dtype") == "bfloat16"),
    ),
    DesignChange(
        name="decode KV 4-128 MiB",
        family="decode",
        before=_H100,
        after=_H200,
        kernels=CACHE.is_between(4.0, 128.0),
    ),
    DesignChange(
        name="decode KV >128 MiB",
        family="decode",
        before=_H100,
        after=_H200,
        kernels=CACHE > 128.0,
    ),
)
"""H100 to H200 changes memory alone; H200 to B200 changes everything but the process."""
