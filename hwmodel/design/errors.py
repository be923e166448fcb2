"""Errors of the design room.

DesignError
├── NoDesign        no legal design is left
├── NoDeployment    an LLM fits no replica of a design within its scale-up domain
└── BadSpace        a design space that contradicts its baseline
"""


class DesignError(Exception):
    """Base of every expected error of the design room."""


class NoDesign(DesignError):
    """No legal design is left."""


class NoDeployment(DesignError):
    """An LLM fits no replica of a design within its scale-up domain."""


class BadSpace(DesignError):
    """A design space that contradicts its baseline."""
