"""What sections ask of frames by surface: which are there, the rows of one, a small figure or a name for each."""

from collections.abc import Callable

import altair as alt
import polars as pl

from pipelines.report.palette import SURFACE_COLOURS, SURFACE_NAMES, named
from pipelines.report.sections.model import Cell, Figure


def surfaces_of(frame: pl.DataFrame) -> list[str]:
    """The surfaces that a frame holds, in the fixed order."""
    present = set(frame["surface"].cast(pl.String))
    return [surface for surface in SURFACE_COLOURS if surface in present]


def rows_of(frame: pl.DataFrame, surface: str) -> pl.DataFrame:
    """The rows of one surface."""
    return frame.filter(pl.col("surface").cast(pl.String) == surface)


def in_order(frame: pl.DataFrame) -> pl.DataFrame:
    """The rows by surface in the fixed order, kept in order inside each."""
    rank = {surface: number for number, surface in enumerate(SURFACE_COLOURS)}
    place = pl.col("surface").cast(pl.String).replace_strict(rank, default=len(rank), return_dtype=pl.Int64)
    return frame.sort(place, maintain_order=True)


def small_figures(key: str, surfaces: list[str], draw: Callable[[str], alt.LayerChart]) -> tuple[Figure, ...]:
    """A small figure for each surface."""
    return tuple(Figure(key=f"{key}-{index}", chart=draw(s), width="small") for index, s in enumerate(surfaces))


def surface_name(surface: object) -> str:
    """A surface in plain words."""
    return named(str(surface), SURFACE_NAMES)


def surface_cell(surface: object) -> Cell:
    """The first cell of a row: colour and name of a surface."""
    return Cell(text=surface_name(surface), swatch=SURFACE_COLOURS.get(str(surface), ""))


def words_of(names: list[str]) -> str:
    """Names as words of a sentence: a, b and c."""
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
