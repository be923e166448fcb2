"""What measuring needs of a machine: its kernels, a clock, and a way to forget what its caches hold."""

from collections.abc import Callable, Mapping
from typing import Protocol

Run = Callable[[], None]
"""Runs a kernel, several times in a row if it was prepared so."""
Row = Mapping[str, int | str]
"""Names a kernel: the key columns of its family and the `kernel` that a machine offers for it."""


class Machine(Protocol):
    """A device with a library of kernels. Everything it says of itself stays as it is."""

    @property
    def gpu(self) -> str:
        """Name in the tables: one of `CHIP_OF_GPU`, or `cpu`."""

    @property
    def device_kind(self) -> str:
        """`cuda`, or `cpu`."""

    @property
    def library(self) -> str:
        """Version of what the kernels come from."""

    @property
    def timing(self) -> str:
        """`cuda_graph` where kernels run inside a captured graph; `eager` where the host starts each."""

    @property
    def memory_bytes(self) -> int:
        """What kernels may take."""

    @property
    def dtypes(self) -> frozenset[str]:
        """Formats that matrices can be multiplied in, as tables name them."""

    def kernels(self, family: str) -> tuple[str, ...]:
        """Names of the kernels that are offered for a family."""

    def prepared(self, family: str, row: Row, calls_count: int) -> Run:
        """A kernel with its inputs in place.

        Args:
            family: One of `grid.FAMILIES`.
            row: The keys and the kernel's name.
            calls_count: How often a run calls it.

        Raises:
            NotOffered: The machine has no such kernel, or no memory for it.
        """

    def seconds(self, run: Run) -> float:
        """How long one run took."""

    def forget(self) -> None:
        """Overwrites the caches."""
