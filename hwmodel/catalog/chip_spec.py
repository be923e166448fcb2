"""A chip of the catalogue: every number with its unit, source and kind, and a refusal where one is not public."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from hwmodel.catalog.chip_fields import FIELDS_BY_NAME
from hwmodel.catalog.errors import MissingSpec, UnknownId
from warehouse.contracts.vocabulary import EvidenceKind


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """One number: SI value (None = not public), SI unit, kind of evidence, source keys (`Catalog.sources`)."""

    value: float | None
    unit: str
    kind: EvidenceKind | None
    """None exactly where the value is None."""
    source: str | None
    note: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Where numbers come from."""

    key: str
    what: str
    url: str | None
    kind: str
    date: str | None


class Purpose(StrEnum):
    """What a chip is in the catalogue for."""

    FLEET = "fleet"
    """A fleet could be built of it."""
    YARDSTICK = "yardstick"
    """Its kernels were measured: it judges the chip model, and reports about fleets leave it out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChipSpec:
    """One chip as published. `facts` has every name of `FIELDS_BY_NAME`, in SI; `estimates` only a few."""

    id: str
    vendor: str
    lane: str
    status: str
    purpose: Purpose
    memory_type: str | None
    topology: str | None
    process: str | None
    units: str | None
    matrix_unit: str | None
    node: str | None
    """Logic process, short; None where no microarchitecture is on file. `DESIGN_NODES` are those of designs."""
    fabric: str | None
    """How a scale-up domain is joined, one of `FABRICS`; None where no microarchitecture is on file."""
    absent_dtypes: frozenset[str]
    """Number formats that the matrix units (vector lanes where there are none) are known to lack."""
    facts: Mapping[str, Fact]
    estimates: Mapping[str, Fact]
    """Numbers nobody published, kind assumed; used only when the caller allows estimates."""
    notes: str | None

    def fact(self, name: str) -> Fact:
        """The fact of this name, its value possibly None.

        Raises:
            UnknownId: No chip has a number of this name.
        """
        if name not in self.facts:
            raise UnknownId(f"no chip number is called {name!r}; known: {', '.join(sorted(FIELDS_BY_NAME))}")
        return self.facts[name]

    def require(self, name: str, *, allow_estimates: bool = False) -> float:
        """The SI value of this name.

        Raises:
            MissingSpec: The number is not public, or only an estimate exists and estimates are not allowed.
        """
        value = self.known(name, allow_estimates=allow_estimates).value
        if value is None:
            raise MissingSpec(
                f"chip {self.id}: {name}: {self.refusal(name)}{self._noted()}; or take a chip that publishes it"
            )
        return value

    def known(self, name: str, *, allow_estimates: bool) -> Fact:
        """The fact, or its estimate where the fact is null and estimates are allowed."""
        fact = self.fact(name)
        if fact.value is None and allow_estimates and name in self.estimates:
            return self.estimates[name]
        return fact

    def refusal(self, name: str) -> str:
        """Why a null number cannot be used, and whether an estimate would stand in."""
        field = FIELDS_BY_NAME[name]
        text = f"{field.meaning} (`{field.key}`) is not public"
        if name in self.estimates:
            estimate = self.estimates[name]
            value = (estimate.value or 0.0) / field.si_factor
            text += f"; --allow-estimates takes {value:g} ({estimate.source}, assumed)"
        return text

    def _noted(self) -> str:
        return f" [notes: {self.notes}]" if self.notes else ""
