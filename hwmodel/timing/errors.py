"""Errors of the timing model.

TimingError
└── BadConstants   a constant of the timing laws is outside what is physically possible
"""


class TimingError(Exception):
    """Base of every expected error of the timing model."""


class BadConstants(TimingError):
    """A constant of the timing laws is impossible."""
