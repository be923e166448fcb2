"""Columns of the recurring operators: matrix products, row-wise vector kernels, collectives."""

import numpy as np
from jaxtyping import Float

from hwmodel.catalog.llm import STORAGE_BYTES, Dtype
from hwmodel.kernels.columns import KernelColumn, PerState
from hwmodel.kernels.layout import ACTIVATION_BYTES
from warehouse.contracts.vocabulary import KernelFamily

QUANTIZE_FLOP = 4.0
"""Vector operations per element of a dynamic quantisation: absolute, max, multiply, convert (assumed)."""


def gemm(
    name: str,
    *,
    m: Float[np.ndarray, "states"],
    n: float,
    k: float,
    storage: Dtype,
    math: Dtype,
    prefill_share: PerState,
    groups_count: PerState = 1.0,
    spread_log: PerState = 0.0,
    family: KernelFamily = KernelFamily.GEMM,
) -> tuple[KernelColumn, ...]:
    """A (grouped) matrix product, behind a quantisation of its rows where it multiplies narrower than bf16.

    Args:
        name: kernel name.
        m: rows per group; the kernel is absent where 0.
        n: columns per group.
        k: reduction length.
        storage: format of the weights in HBM.
        math: format in which the matrix units multiply.
        prefill_share: share of the rows that are prompt tokens.
        groups_count: products in the group, each with weights of its own.
        spread_log: how unevenly rows fall on them, as in `KernelBatch`.
        family: GEMM, or MOE_GEMM for routed experts.
    """
    rows = m * groups_count
    product = KernelColumn(
        name=name,
        family=family,
        runs=rows > 0.0,
        math_dtype=math,
        m=m,
        n=n,
        k=k,
        groups_count=groups_count,
        spread_log=spread_log,
        work_flop=2.0 * rows * n * k,
        weight_bytes=groups_count * n * k * STORAGE_BYTES[storage],
        activation_bytes=rows * (k * STORAGE_BYTES[math] + n * ACTIVATION_BYTES),
        prefill_share=prefill_share,
    )
    if math == "bf16":
        return (product,)
    return (_quantize(rows, k, math, prefill_share), product)


def _quantize(rows: Float[np.ndarray, "states"], width: float, math: Dtype, prefill_share: PerState) -> KernelColumn:
    """Dynamic quantisation of activations, a kernel of its own in the measured stacks."""
    return vector(
        "quantize_activation",
        rows=rows,
        bytes_per_row=width * (ACTIVATION_BYTES + STORAGE_BYTES[math]),
        flop_per_row=width * QUANTIZE_FLOP,
        prefill_share=prefill_share,
    )


def vector(
    name: str,
    *,
    rows: Float[np.ndarray, "states"],
    bytes_per_row: float,
    flop_per_row: float,
    prefill_share: PerState,
    exponents_per_row: float = 0.0,
    items_per_row: float = 1.0,
    family: KernelFamily = KernelFamily.VECTOR,
) -> KernelColumn:
    """A row-wise kernel: one work item per row unless told otherwise, no weights worth counting."""
    return KernelColumn(
        name=name,
        family=family,
        runs=rows > 0.0,
        parallel_count=rows * items_per_row,
        vector_flop=rows * flop_per_row,
        exponent_count=rows * exponents_per_row,
        activation_bytes=rows * bytes_per_row,
        prefill_share=prefill_share,
    )


def collective(
    name: str,
    *,
    message_bytes: Float[np.ndarray, "states"],
    ranks_count: int,
    prefill_share: PerState,
) -> tuple[KernelColumn, ...]:
    """A collective over ranks; none for one rank. `name` ends in all_reduce, all_gather or all_to_all."""
    if ranks_count == 1:
        return ()
    return (
        KernelColumn(
            name=name,
            family=KernelFamily.COLLECTIVE,
            runs=message_bytes > 0.0,
            link_bytes=message_bytes,
            ranks_count=float(ranks_count),
            prefill_share=prefill_share,
        ),
    )
