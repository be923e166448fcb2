"""The replay loop as compiled code, cached on disk under a stamp of all files that it is compiled from."""

import zlib
from pathlib import Path
from typing import Any

from numba import njit

from hwmodel.serving.loop import run
from hwmodel.serving.state import Machine


def run_compiled(machine: Machine) -> int:
    """`loop.run`; the first call on a machine, or after an edit, compiles it."""
    steps_count, _ = _run(machine)
    return int(steps_count)


def _compiled_run(sources_stamp: int) -> Any:
    """Numba renews a cached function when its own file changes, not when a file that it calls changes.

    A captured variable is part of the key, and the functions in the other files are not cached by themselves.
    """

    @njit(cache=True, nogil=True)
    def stamped(machine: Any) -> tuple[int, int]:
        return run(machine), sources_stamp

    return stamped


def _sources_stamp() -> int:
    """Checksum of this package's files."""
    sources = sorted(Path(__file__).parent.glob("*.py"))
    return zlib.crc32(b"".join(path.read_bytes() for path in sources))


_run = _compiled_run(_sources_stamp())
