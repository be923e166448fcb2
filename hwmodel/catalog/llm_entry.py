"""An LLM as listed: its architecture where the kernel inventory can express it, and why not where it cannot."""

from collections.abc import Mapping
from dataclasses import dataclass

from hwmodel.catalog.errors import MissingSpec
from hwmodel.catalog.llm import LlmSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class LlmEntry:
    """One LLM of the catalogue."""

    id: str
    stands_for: str
    kind: str
    """`config` (from a stored config file) or `partly-recalled`."""
    source: str
    spec: LlmSpec | None
    """None exactly where `refused` says why."""
    refused: str | None
    caveat: str | None
    """What the kernel inventory leaves out of this LLM, if anything."""
    derived: Mapping[str, float]
    """Totals computed by the research notes: parameters and cached elements."""
    published_params: str | None

    def require(self) -> LlmSpec:
        """The architecture.

        Raises:
            MissingSpec: The entry is listed, but its kernels cannot be told.
        """
        if self.spec is None:
            raise MissingSpec(f"LLM {self.id} is listed but cannot be served: {self.refused}; take another LLM")
        return self.spec
