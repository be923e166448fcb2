"""Errors of the catalogue.

CatalogError
├── UnknownId     no such chip, LLM or lane
├── MissingSpec   the entry exists, but a number that the question needs is not public
└── BadSpec       a number is outside what is physically possible
"""


class CatalogError(Exception):
    """Base of every expected error of the catalogue."""


class UnknownId(CatalogError):
    """No such chip, LLM or lane."""


class MissingSpec(CatalogError):
    """A number that the question needs is null in the catalogue."""


class BadSpec(CatalogError):
    """A number in a specification is impossible."""
