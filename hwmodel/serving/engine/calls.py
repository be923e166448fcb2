"""Calls as both schedulers take them: who starts when, asks for what, shares whose prefix, and when it leaves."""

from dataclasses import dataclass, fields
from typing import Self

import numpy as np
from jaxtyping import Int

from hwmodel.serving.errors import BadCalls

NONE = -1
NEVER = 2**62
"""A time that does not come, ns."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineCalls:
    """Columns of calls; every array has one entry per call. Indices are -1 for none."""

    start_ns: Int[np.ndarray, "calls"]
    """Request time; used where `after` is none."""
    after: Int[np.ndarray, "calls"]
    """Call that must end first; the request comes `gap_ns` after its end."""
    gap_ns: Int[np.ndarray, "calls"]
    input_tokens: Int[np.ndarray, "calls"]
    output_tokens: Int[np.ndarray, "calls"]
    parent: Int[np.ndarray, "calls"]
    """Earlier call whose prompt and answer begin with the same `shared_tokens` tokens."""
    shared_tokens: Int[np.ndarray, "calls"]
    """Shared with `parent`, or with every call of the same `system`; the last prompt token is never shared."""
    system: Int[np.ndarray, "calls"]
    """Group of calls with one system prompt; read where `parent` is none."""
    loaded_tokens: Int[np.ndarray, "calls"]
    """First prompt tokens whose cache comes from outside: they take room but no computing."""
    priority: Int[np.ndarray, "calls"]
    """Lower goes first; first come first served ignores it."""
    patience_ns: Int[np.ndarray, "calls"]
    """The user gives up, and the session ends, where the first token has not come this long after the request."""
    stop_ns: Int[np.ndarray, "calls"]
    """The user stops the call, and goes on, this long after the request."""
    retries_count: Int[np.ndarray, "calls"]
    """How often giving up is followed by asking again instead."""
    backoff_ns: Int[np.ndarray, "calls"]
    """Time to the first retry; it doubles with each."""

    def __post_init__(self) -> None:
        count = self.start_ns.size
        for field in fields(self):
            column = getattr(self, field.name)
            if column.shape != (count,) or column.dtype != np.int64:
                raise BadCalls(
                    f"column {field.name} has shape {column.shape} and type {column.dtype}; give {count} int64"
                )
        self._refuse(self.input_tokens < 1, "input_tokens", "a prompt has at least one token")
        self._refuse(self.output_tokens < 1, "output_tokens", "an answer has at least one token")
        earlier = np.arange(count)
        self._refuse(self.after >= earlier, "after", "a call can only follow an earlier row")
        self._refuse(self.parent >= earlier, "parent", "a prefix can only come from an earlier row")
        for name in ("start_ns", "gap_ns", "shared_tokens", "loaded_tokens", "patience_ns", "stop_ns"):
            self._refuse(getattr(self, name) < 0, name, "it cannot be negative")
        self._refuse(self.priority < 0, "priority", "it cannot be negative")

    def __len__(self) -> int:
        return int(self.start_ns.size)

    @classmethod
    def of(cls, **columns: Int[np.ndarray, "calls"]) -> Self:
        """Calls from the columns that matter; the rest says: alone, nothing shared, endless patience, no retry.

        Raises:
            BadCalls: A column has another length or a value that cannot be.
        """
        size = np.asarray(columns["input_tokens"]).size
        rest = {"start_ns": 0, "gap_ns": 0, "shared_tokens": 0, "loaded_tokens": 0, "priority": 0, "retries_count": 0}
        rest |= {"backoff_ns": 0, "patience_ns": NEVER, "stop_ns": NEVER, "after": NONE, "parent": NONE, "system": NONE}
        whole = {name: np.full(size, value, dtype=np.int64) for name, value in rest.items()}
        return cls(**(whole | {name: np.asarray(column, dtype=np.int64) for name, column in columns.items()}))

    def _refuse(self, is_bad: np.ndarray, name: str, why: str) -> None:
        if is_bad.any():
            row = int(np.flatnonzero(is_bad)[0])
            raise BadCalls(f"call {row} has {name} = {getattr(self, name)[row]}: {why}")
