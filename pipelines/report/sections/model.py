"""What a page is made of, before any markup: figures, tables, notes, cards and the sections that hold them."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Literal

import altair as alt
import polars as pl


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """A chart with the key of its place on the page; the chart's title becomes the caption."""

    key: str
    chart: alt.LayerChart
    note: str = ""
    """Small print under the figure."""
    width: Literal["wide", "half", "small", "scroll"] = "wide"
    """Figures shrink with the page; a `scroll` one, whose points carry names, keeps its width in a box of its own."""
    data: pl.DataFrame | None = None
    """What the CSV beside the report holds; none takes the largest data set that the chart draws."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FigureGrid:
    """Small figures side by side under one sentence."""

    caption: str
    figures: tuple[Figure, ...]
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """Head of a table column."""

    head: str
    numeric: bool = True
    explained: str = ""
    """What the head means, shown on hover and focus."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One cell: its text, and what is drawn with it."""

    text: str
    badge: str = ""
    """Evidence kind or state that gives the cell a small coloured badge."""
    share_ratio: float | None = None
    """Length of the bar drawn behind the text, 0..1."""
    swatch: str = ""
    """Colour of a small square in front of the text; from the palette only, never from the data."""
    explained: str = ""
    """Meaning shown on hover and focus."""
    link: str = ""
    """Address beside this page that the text leads to; made by the house, never taken from data."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A table with a sentence that says what to see."""

    key: str
    caption: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    note: str = ""
    data: pl.DataFrame | None = None
    """What the CSV beside the report holds; none for no CSV."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """Sentences; an `empty` one stands where a figure or table would be and says why it is not there."""

    sentences: tuple[str, ...]
    empty: bool = False


Block = Figure | FigureGrid | Table | Note


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """One of the gains of a recommendation, with what kind of claim it is."""

    name: str
    explained: str
    mid: str
    range: str
    """Empty where the number has no interval."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """One recommended design."""

    key: str
    rank: int
    title: str
    recommended: bool
    verdict: str
    decided: str
    """What became of it; empty where nothing was decided."""
    changes: Table
    gains: tuple[Interval, ...]
    why: tuple[str, ...]
    evidence_kind: str
    evidence: str
    costs: Table
    blocks: tuple[Block, ...]
    """Figures, or notes where a figure has nothing to show."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One of the answers of the first page: a question, the number or name that answers it, and what belongs to it."""

    question: str
    figure: str
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A titled part of the page."""

    key: str
    title: str
    lead: str
    blocks: tuple[Block, ...] = ()
    cards: tuple[Card, ...] = field(default=())


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """Sections that a reviewer reads for one purpose: the case, the doubts, what both rest on."""

    key: str
    title: str
    lead: str
    sections: tuple[Section, ...]


def drawn(section: Section) -> Iterator[Figure | Table]:
    """Every figure and table of a section, those of its cards first."""
    for card in section.cards:
        yield card.changes
        yield card.costs
        yield from _drawn(card.blocks)
    yield from _drawn(section.blocks)


def _drawn(blocks: Iterable[Block]) -> Iterator[Figure | Table]:
    for block in blocks:
        if isinstance(block, Figure | Table):
            yield block
        elif isinstance(block, FigureGrid):
            yield from block.figures


def empty(sentence: str) -> Note:
    """The note that stands in for a figure or table without data."""
    return Note(sentences=(sentence,), empty=True)
