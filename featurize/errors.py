"""Errors that this room expects and tells in one line.

FeaturizeError
├── HistoryTooShortError   a trend, a drift or a forecast was asked of too few days
├── NoCallsError           a card or a window was asked of a frame without rows
└── WindowError            a window that is no whole number of steps, or not longer than nothing
"""


class FeaturizeError(Exception):
    """Base of every expected error of this room."""


class HistoryTooShortError(FeaturizeError):
    """A trend, a drift or a forecast was asked of too few days."""


class NoCallsError(FeaturizeError):
    """A card or a window was asked of a frame without rows."""


class WindowError(FeaturizeError):
    """The length or the step of a window cannot be used."""
