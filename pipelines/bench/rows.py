"""What a measurement is, and how one is taken."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True, kw_only=True)
class BenchRow:
    """One measurement: the rate, and what it is held against."""

    suite: str
    case: str
    value: float
    unit: str
    against: str
    against_value: float | None
    """Rate of the rival or limit in the same unit; None where there is none in this process."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Spent:
    """Time that a piece of work took: by the clock, and of this process's threads together."""

    wall_s: float
    cpu_s: float


def spent(work: Callable[[], Result]) -> tuple[Spent, Result]:
    """Time that work took, and its result."""
    wall_s, cpu_s = time.perf_counter(), time.process_time()
    result = work()
    return Spent(wall_s=time.perf_counter() - wall_s, cpu_s=time.process_time() - cpu_s), result
