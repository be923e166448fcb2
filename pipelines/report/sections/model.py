"""What a page is made of, before any markup: figures, tables, notes, cards and the sections that hold them."""

from dataclasses import dataclass, field
from typing import Literal

import altair as alt


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """A chart with the key of its place on the page; the chart's title becomes the caption."""

    key: str
    chart: alt.LayerChart
    note: str = ""
    """Small print under the figure."""
    width: Literal["wide", "half", "small"] = "wide"
    """Wide figures scroll sideways on a phone, the others shrink."""


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
    """What the head means, shown on hover."""


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
    """Text shown on hover."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A table with a sentence that says what to see."""

    key: str
    caption: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    note: str = ""


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
    changes: Table
    gains: tuple[Interval, ...]
    why: tuple[str, ...]
    evidence_kind: str
    evidence: str
    costs: Table
    blocks: tuple[Block, ...]
    """Figures, or notes where a figure has nothing to show."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tile:
    """A key figure of the first screen."""

    label: str
    value: str
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A titled part of the page."""

    key: str
    title: str
    lead: str
    blocks: tuple[Block, ...] = ()
    cards: tuple[Card, ...] = field(default=())


def empty(sentence: str) -> Note:
    """The note that stands in for a figure or table without data."""
    return Note(sentences=(sentence,), empty=True)
