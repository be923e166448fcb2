"""Errors that a caller of the report may expect; all derive from ReportError.

ReportError
├── BadFigureKey     a figure whose key cannot name the file of its data
└── PictureTooLarge  a chart that stays over the size limit of orchestrator metadata
"""

__all__ = ["BadFigureKey", "PictureTooLarge", "ReportError"]


class ReportError(Exception):
    """Base of everything the report refuses to do."""


class BadFigureKey(ReportError):
    """A key of a figure or table that is no safe file name, or is taken."""


class PictureTooLarge(ReportError):
    """A PNG over the size limit even at the lowest scale."""
