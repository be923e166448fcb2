"""Errors of the kernel inventory.

KernelError
├── BadStates       step states that no scheduler can produce
└── BadDeployment   a layout that an LLM cannot have
"""


class KernelError(Exception):
    """Base of every expected error of the kernel inventory."""


class BadStates(KernelError):
    """Step states are negative, not finite, of unequal length, or hold KV without sequences."""


class BadDeployment(KernelError):
    """A layout over ranks asks for what the LLM does not have."""
