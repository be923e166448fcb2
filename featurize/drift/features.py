"""The features of a session that drift is looked for in, and the grids on which they are counted."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
import numpy.typing as npt
import polars as pl

CELLS_PER_DOUBLING = 4
"""Cells of a logarithmic grid in a doubling: 19 % wide, finer than any drift worth acting on."""

CELLS_OF_A_SHARE = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionFeature:
    """A column of `SessionFeatures` and what its values are called in words."""

    column: str
    words: str
    is_share: bool = False

    def cell(self) -> pl.Expr:
        """Number of the grid's cell that a value falls in; null for null."""
        value = pl.col(self.column).cast(pl.Float64)
        scaled = value * CELLS_OF_A_SHARE if self.is_share else (value + 1.0).log(2) * CELLS_PER_DOUBLING
        return scaled.floor().cast(pl.Int32)

    def value_at(self, place: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Value at a place of the grid, in cells from 0."""
        return place / CELLS_OF_A_SHARE if self.is_share else np.exp2(place / CELLS_PER_DOUBLING) - 1.0


SESSION_FEATURES: Mapping[str, SessionFeature] = MappingProxyType(
    {
        feature.column: feature
        for feature in (
            SessionFeature(column="first_input_tokens", words="tokens in the first prompt"),
            SessionFeature(column="peak_input_tokens", words="tokens in the longest prompt"),
            SessionFeature(column="output_tokens", words="output tokens"),
            SessionFeature(column="call_count", words="calls"),
            SessionFeature(column="turn_count", words="turns"),
            SessionFeature(column="span_s", words="seconds long"),
            SessionFeature(column="tool_s", words="seconds of tools"),
            SessionFeature(column="human_s", words="seconds of people"),
            SessionFeature(column="shared_ratio", words="of the prompts shared", is_share=True),
        )
    }
)
"""The features by column."""
