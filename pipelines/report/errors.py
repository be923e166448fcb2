"""Errors that a caller of the report may expect; all derive from ReportError.

ReportError
└── PictureTooLarge  a chart that stays over the size limit of orchestrator metadata
"""

__all__ = ["PictureTooLarge", "ReportError"]


class ReportError(Exception):
    """Base of everything the report refuses to do."""


class PictureTooLarge(ReportError):
    """A PNG over the size limit even at the lowest scale."""
