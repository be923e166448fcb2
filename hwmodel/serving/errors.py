"""Errors of the serving room.

ServingError
├── DoesNotFit        weights, or one sequence, do not fit the memory of a replica
├── EmptyDemand       nothing to replay
└── NoFleet           no fleet within the limit meets the service levels
"""


class ServingError(Exception):
    """Base of every expected error of the serving room."""


class DoesNotFit(ServingError):
    """Weights, or one sequence, do not fit the memory of a replica."""


class EmptyDemand(ServingError):
    """Nothing to replay."""


class NoFleet(ServingError):
    """No fleet within the limit meets the service levels."""
