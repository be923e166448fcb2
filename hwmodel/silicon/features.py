"""What every learner of kernel times sees: shares of the closed form, and how the chip is balanced."""

import numpy as np
import polars as pl
from jaxtyping import Float

from hwmodel.silicon.calls import Physics
from hwmodel.silicon.family import Chips, Family

LEAST_SHARE = 1e-3
"""Shares below this are all the same."""


def features_of(
    family: Family, rows: pl.DataFrame, physics: Physics, chips: Chips, *, with_chip: bool
) -> Float[np.ndarray, "rows features"]:
    """Columns without units, those of the family first.

    Args:
        family: What the rows are.
        rows: Measured rows or rows to be predicted.
        physics: The closed form of the same rows.
        chips: The design of every chip that the rows name.
        with_chip: Tell also how each chip is balanced; helps on chips that were measured, misleads on others.
    """
    shares = [np.log(part / physics.latency_s + LEAST_SHARE) for part in physics.parts.values()]
    bound = np.log(physics.bound_s / physics.latency_s)
    blocks = [family.features(rows, chips), np.stack([*shares, bound], axis=1)]
    if with_chip:
        blocks.append(_balance(rows, chips))
    return np.concatenate(blocks, axis=1).astype(np.float32)


def of_chip(rows: pl.DataFrame, chips: Chips, field: str) -> Float[np.ndarray, "rows"]:
    """A number of each row's chip."""
    values = {name: float(getattr(chip, field)) for name, chip in chips.items()}
    return rows["chip"].replace_strict(values, return_dtype=pl.Float64).to_numpy()


def number(rows: pl.DataFrame, name: str) -> Float[np.ndarray, "rows"]:
    """A column as floats."""
    return rows[name].cast(pl.Float64).to_numpy()


def _balance(rows: pl.DataFrame, chips: Chips) -> Float[np.ndarray, "rows ratios"]:
    """FLOP per byte of HBM and of L2, bytes per clock, power per FLOP, size of L2 per core."""
    cores, clock = of_chip(rows, chips, "cores_count"), of_chip(rows, chips, "clock_hz")
    matrix, hbm = of_chip(rows, chips, "matrix_flop_per_clk"), of_chip(rows, chips, "hbm_bytes_per_s")
    l2_rate, l2_bytes = of_chip(rows, chips, "l2_bytes_per_clk"), of_chip(rows, chips, "l2_bytes")
    tdp, peak = of_chip(rows, chips, "tdp_w"), cores * matrix * clock
    return np.log(np.stack([peak / hbm, matrix * cores / l2_rate, hbm / clock, tdp / peak, l2_bytes / cores], axis=1))
