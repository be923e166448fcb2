"""Loops compiled for each kind of step cost, on first use, and kept on disk where that is safe."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from hwmodel.serving.step_cost import law_of
from hwmodel.sources import sources_stamp


class PerCost:
    """A compiled loop by kind of cost.

    Numba renews a cached function when its own file changes, not when a file that it calls changes. A captured
    variable is part of the key: a stamp of all these files, that of the cost's law included. All kinds share one
    index on disk, which whoever reads it must be able to load: laws outside the product are not kept.
    """

    def __init__(self, compiled: Callable[[int, bool], Any]) -> None:
        """Takes what compiles the loop: from a stamp to capture, and whether to keep it on disk."""
        self._compiled = compiled
        self._loops: dict[type, Any] = {}

    def of(self, kind: type) -> Any:
        """The loop under a kind of cost.

        Raises:
            UnknownCost: Nobody said how long a step takes under it.
        """
        if kind not in self._loops:
            compiled_law: Any = law_of(kind)
            law = compiled_law.py_func
            stamp = sources_stamp(Path(__file__).parent, Path(law.__code__.co_filename))
            self._loops[kind] = self._compiled(stamp, law.__module__.startswith("hwmodel."))
        return self._loops[kind]
