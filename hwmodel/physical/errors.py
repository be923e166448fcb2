"""Errors of the physical model.

PhysicalError
├── UnknownNode    a design names a logic process that the constants do not cover
└── UnknownBasis   no such price basis
"""


class PhysicalError(Exception):
    """Base of every expected error of the physical model."""


class UnknownNode(PhysicalError):
    """A design names a logic process that the constants do not cover."""


class UnknownBasis(PhysicalError):
    """No such price basis."""
