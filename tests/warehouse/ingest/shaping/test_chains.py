"""Chains of parent links against walking them one by one."""

import numpy as np
import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from warehouse.ingest.shaping.chains import chain_ends, parent_rows


def walked(parents: list[int], row: int) -> int:
    seen = set()
    while parents[row] >= 0:
        if row in seen:
            return -1
        seen.add(row)
        row = parents[row]
    return row


@given(st.integers(1, 30).flatmap(lambda count: st.lists(st.integers(-1, count - 1), min_size=count, max_size=count)))
def test_a_chain_ends_where_walking_it_ends_and_nowhere_in_a_circle(parents: list[int]) -> None:
    assert chain_ends(np.array(parents)).tolist() == [walked(parents, row) for row in range(len(parents))]


def test_no_rows_have_no_ends() -> None:
    assert chain_ends(np.array([], dtype=np.int64)).tolist() == []


def test_a_parent_that_is_no_row_is_no_parent() -> None:
    ids, parents = pl.Series([5, 7, 9], dtype=pl.Int64), pl.Series([-1, 5, 8], dtype=pl.Int64)
    assert parent_rows(ids, parents).tolist() == [-1, 0, -1]
