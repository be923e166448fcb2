"""The sections of the report, each from the content to what is laid out: sentences, tables and figures."""

from pipelines.report.sections.model import (
    Answer,
    Block,
    Card,
    Cell,
    Column,
    Figure,
    FigureGrid,
    Interval,
    Note,
    Part,
    Section,
    Table,
)

__all__ = [
    "Answer",
    "Block",
    "Card",
    "Cell",
    "Column",
    "Figure",
    "FigureGrid",
    "Interval",
    "Note",
    "Part",
    "Section",
    "Table",
]
