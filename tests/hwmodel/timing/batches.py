"""Kernel batches of one family for tests, each kernel a state of its own."""

import numpy as np

from hwmodel.kernels import KernelBatch
from hwmodel.kernels.columns import NUMERIC_COLUMNS
from warehouse.contracts.vocabulary import KernelFamily

ONE_BY_DEFAULT = frozenset({"repeat_count", "groups_count", "parallel_count", "ranks_count"})


def batch_of(family: str, size: int, *, dtype_code: int = 0, **columns: np.ndarray | float) -> KernelBatch:
    unknown = set(columns) - set(NUMERIC_COLUMNS)
    assert not unknown, unknown
    numbers = {
        name: np.broadcast_to(
            np.asarray(columns.get(name, 1.0 if name in ONE_BY_DEFAULT else 0.0), dtype=np.float64), (size,)
        ).copy()
        for name in NUMERIC_COLUMNS
    }
    name = "test_all_reduce" if family == "collective" else f"test_{family}"
    return KernelBatch(
        names=(name,),
        name_code=np.zeros(size, dtype=np.int64),
        family_code=np.full(size, tuple(KernelFamily).index(KernelFamily(family)), dtype=np.int64),
        state=np.arange(size),
        math_dtype_code=np.full(size, dtype_code, dtype=np.int64),
        **numbers,
    )
