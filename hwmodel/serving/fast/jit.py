"""How the parts of the replay loop are compiled.

They pass the whole machine around, some thirty arrays in a tuple. Numba would count a reference at each access to an
array of it, by an atomic instruction: most of the time of such code. Nothing here keeps or makes an array, so counting
is off. And nothing here is called from Python, so the wrappers for that, slow to compile for so large a tuple, are left
out.
"""

from typing import Any

from numba import njit

UNCOUNTED: dict[str, Any] = {"nogil": True, "_nrt": False}
"""Options without reference counts."""
_INNER: dict[str, Any] = {**UNCOUNTED, "no_cpython_wrapper": True, "no_cfunc_wrapper": True}

compiled = njit(**_INNER)
"""For what happens rarely."""
inlined = njit(**_INNER, forceinline=True)
"""For what happens in every step, or with every call."""
