"""What a family of measured kernels must say of itself so that it can be fitted, predicted and judged."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
from jaxtyping import Float

from hwmodel.catalog import ChipDesign
from hwmodel.silicon.calls import Call
from hwmodel.silicon.residual import Residual, fit_residual

Chips = Mapping[str, ChipDesign]
"""Design of every chip that rows name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FittedConstant:
    """A timing constant that a family's measurements may move, and how far."""

    name: str
    """Field of `TimingConstants`."""
    low: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """One family of measured kernels."""

    name: str
    keys: tuple[str, ...]
    """Columns that name a kernel on a chip; `dtype` is the first."""
    shape: tuple[str, ...]
    """Columns that are held out together: what does not change while a deployment serves."""
    read: Callable[[Path], pl.DataFrame]
    """Rows of a folder: chip, backend, kernel, the keys, latency_s."""
    bucket: pl.Expr
    """Name of a row's size."""
    fitted: tuple[FittedConstant, ...]
    calls: Callable[[pl.DataFrame], tuple[Call, ...]]
    """The kernels of each row; the first is the one that the family is named after."""
    refusal: Callable[[pl.DataFrame, ChipDesign], pl.Series]
    """Why a row cannot be timed on a chip; null where it can."""
    features: Callable[[pl.DataFrame, Chips], Float[np.ndarray, "rows features"]]
    """What a learner sees of a row beside the parts of the closed form: ratios without units."""
    tables: tuple[str, ...] = ("dtype",)
    """Keys that tell tables apart which not every stack has: two stacks of its table must have measured a shape."""
    stack_keys: tuple[str, ...] = ()
    """Keys that a stack may treat in a way of its own where no ratio shows them: its law sees their size."""
    fit_residual: Callable[..., Residual] = fit_residual
    """Learner of what the closed form leaves: features, log ratios, a `Learner`, `seed`."""

    @property
    def keeps_trees(self) -> bool:
        """Its correction is trees alone, which a calibration keeps as arrays."""
        return self.fit_residual is fit_residual
