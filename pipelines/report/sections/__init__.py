"""The sections of the report, each from the content to what is laid out: sentences, tables and figures."""

from pipelines.report.sections.model import (
    Block,
    Card,
    Cell,
    Column,
    Figure,
    FigureGrid,
    Interval,
    Note,
    Section,
    Table,
    Tile,
)

__all__ = ["Block", "Card", "Cell", "Column", "Figure", "FigureGrid", "Interval", "Note", "Section", "Table", "Tile"]
