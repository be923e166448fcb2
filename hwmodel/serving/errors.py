"""Errors of the serving room.

ServingError
├── BadCalls          calls that cannot be
├── BadConfig         a serving configuration has an unknown key, a wrong type or an impossible value
├── BadLimits         promises or lengths of calls that cannot be
├── BadProfile        measured kernel times that cannot be read as the layout says
├── BadSettings       engine settings that cannot be
├── BadTrace          a row of a trace of calls breaks a rule
├── DoesNotFit        weights, or one sequence, do not fit the memory of a replica
├── EmptyDemand       nothing to replay
├── LongWindow        more steps in a window than a log may hold
├── NoFleet           no fleet within the limit meets the service levels
├── NoGoodput         no load meets the target, or every load does
├── OutsideProfile    a step, a call or a setting is larger than what was measured
└── UnknownCost       nobody said how long a step takes under a kind of step cost
"""


class ServingError(Exception):
    """Base of every expected error of the serving room."""


class BadCalls(ServingError):
    """Calls that cannot be: a negative number, a follower before its forerunner."""


class BadConfig(ServingError):
    """A serving configuration has an unknown key, a wrong type or an impossible value."""


class BadLimits(ServingError):
    """Promises or lengths of calls that cannot be."""


class BadProfile(ServingError):
    """Measured kernel times that cannot be read as the layout says."""


class BadSettings(ServingError):
    """Engine settings that cannot be."""


class BadTrace(ServingError):
    """A row of a trace of calls breaks a rule."""


class DoesNotFit(ServingError):
    """Weights, or one sequence, do not fit the memory of a replica."""


class EmptyDemand(ServingError):
    """Nothing to replay."""


class LongWindow(ServingError):
    """More steps in a window than a log may hold."""


class NoFleet(ServingError):
    """No fleet within the limit meets the service levels."""


class NoGoodput(ServingError):
    """No load meets the target, or every load does."""


class OutsideProfile(ServingError):
    """A step, a call or a setting is larger than what was measured."""


class UnknownCost(ServingError):
    """Nobody said how long a step takes under a kind of step cost."""
