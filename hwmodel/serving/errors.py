"""Errors of the serving room.

ServingError
├── BadCalls          calls that cannot be
├── BadSettings       engine settings that cannot be
├── DoesNotFit        weights, or one sequence, do not fit the memory of a replica
├── EmptyDemand       nothing to replay
└── NoFleet           no fleet within the limit meets the service levels
"""


class ServingError(Exception):
    """Base of every expected error of the serving room."""


class BadCalls(ServingError):
    """Calls that cannot be: a negative number, a follower before its forerunner."""


class BadSettings(ServingError):
    """Engine settings that cannot be."""


class DoesNotFit(ServingError):
    """Weights, or one sequence, do not fit the memory of a replica."""


class EmptyDemand(ServingError):
    """Nothing to replay."""


class NoFleet(ServingError):
    """No fleet within the limit meets the service levels."""
