"""Collects kernels of many steps as columns; a kernel without work in a step never becomes a row."""

from collections.abc import Iterable
from dataclasses import dataclass, fields, replace

import numpy as np
from jaxtyping import Bool, Float

from hwmodel.catalog.llm import Dtype
from hwmodel.kernels.batch import MATH_DTYPES, KernelBatch
from warehouse.contracts.vocabulary import KernelFamily

PerState = float | Float[np.ndarray, "states"]
"""One number for all states, or one per state."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KernelColumn:
    """One kind of kernel over all states; the fields have the meaning of those in `KernelBatch`."""

    name: str
    family: KernelFamily
    runs: Bool[np.ndarray, "states"]
    """In which states the kernel has work."""
    math_dtype: Dtype = "bf16"
    repeat_count: PerState = 1.0
    m: PerState = 0.0
    n: PerState = 0.0
    k: PerState = 0.0
    groups_count: PerState = 1.0
    spread_log: PerState = 0.0
    parallel_count: PerState = 1.0
    work_flop: PerState = 0.0
    vector_flop: PerState = 0.0
    exponent_count: PerState = 0.0
    weight_bytes: PerState = 0.0
    activation_bytes: PerState = 0.0
    link_bytes: PerState = 0.0
    ranks_count: PerState = 1.0
    prefill_share: PerState = 0.0


NUMERIC_COLUMNS: tuple[str, ...] = tuple(f.name for f in fields(KernelColumn) if f.type is PerState)


def repeated(columns: Iterable[KernelColumn], repeat_count: int) -> tuple[KernelColumn, ...]:
    """The same kernels run once per layer of a kind; none where there is no such layer."""
    if repeat_count == 0:
        return ()
    return tuple(replace(column, repeat_count=column.repeat_count * repeat_count) for column in columns)


def assemble(columns: Iterable[KernelColumn]) -> KernelBatch:
    """Rows of all states, those of one state together and in the order in which the kernels run.

    Args:
        columns: kernels of one step, over all states; at least one of them.
    """
    present = [column for column in columns if column.runs.any()]
    names = tuple(dict.fromkeys(column.name for column in present))
    families = tuple(KernelFamily)
    states = [np.flatnonzero(column.runs) for column in present]
    counts = [at.size for at in states]
    state = np.concatenate([*states, np.empty(0, dtype=np.int64)]).astype(np.int64)
    order = np.argsort(state, kind="stable")

    def codes(values: list[int]) -> np.ndarray:
        return np.repeat(np.array(values, dtype=np.int64), counts)[order]

    numbers = {name: _stacked(present, states, name)[order] for name in NUMERIC_COLUMNS}
    return KernelBatch(
        names=names,
        name_code=codes([names.index(column.name) for column in present]),
        family_code=codes([families.index(column.family) for column in present]),
        state=state[order],
        math_dtype_code=codes([MATH_DTYPES.index(column.math_dtype) for column in present]),
        **numbers,
    )


def _stacked(present: list[KernelColumn], states: list[np.ndarray], name: str) -> Float[np.ndarray, "kernels"]:
    """One quantity of every kernel, picked where the kernel runs."""
    parts = [
        np.broadcast_to(np.asarray(getattr(column, name), dtype=np.float64), column.runs.shape)[at]
        for column, at in zip(present, states, strict=True)
    ]
    return np.concatenate([*parts, np.empty(0)])
