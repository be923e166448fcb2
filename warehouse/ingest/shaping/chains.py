"""Chains of parent links: which row is a row's parent, and where a chain of parents ends."""

import numpy as np
import polars as pl

__all__ = ["chain_ends", "parent_rows"]


def parent_rows(ids: pl.Series, parent_ids: pl.Series) -> np.ndarray:
    """Row of each row's parent, -1 where no row has that id. The ids are unique. Shape (rows,)."""
    known = pl.DataFrame({"parent": ids, "at": np.arange(len(ids))})
    wanted = pl.DataFrame({"parent": parent_ids})
    joined = wanted.join(known, on="parent", how="left", maintain_order="left")
    return joined["at"].fill_null(-1).to_numpy().astype(np.int64)


def chain_ends(parents: np.ndarray) -> np.ndarray:
    """Row that each row's chain of parents ends in, -1 where it runs in a circle.

    By doubling the step: after k rounds a row points 2^k parents up, so a file of n rows needs log2 n rounds.

    Args:
        parents: row of each row's parent, -1 for none. Shape (rows,).
    """
    here = np.arange(len(parents))
    jump = np.where(parents < 0, here, parents)
    for _ in range(max(1, len(parents)).bit_length()):
        jump = jump[jump]
    return np.where(parents[jump] < 0, jump, -1)
