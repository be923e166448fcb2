"""Errors that a caller of the trace adapters may expect; each message says what, where and how to fix it.

WarehouseError
└── IngestError
    ├── UnknownFormat      a format name that no adapter answers to
    └── UnreadableTrace    a file or folder of which not one row can be used
"""

from warehouse.errors import WarehouseError

__all__ = ["IngestError", "UnknownFormat", "UnreadableTrace"]


class IngestError(WarehouseError):
    """Base of every expected error of the trace adapters; its text is one line fit for a user."""


class UnknownFormat(IngestError):
    """A format name that no adapter answers to."""


class UnreadableTrace(IngestError):
    """A file or folder of which not one row can be used; single bad rows go to quarantine instead."""
