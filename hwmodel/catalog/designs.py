"""From a chip of the catalogue to a design: every number that the models need, or a refusal that names all gaps."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from hwmodel.catalog.chip_design import DESIGN_NODES, NUMERIC_FIELDS, RATIO_FIELDS, ChipDesign
from hwmodel.catalog.chip_fields import MICROARCHITECTURE_FIELDS
from hwmodel.catalog.chip_spec import ChipSpec, Fact
from hwmodel.catalog.errors import MissingSpec
from hwmodel.catalog.index import LIST_COMMAND, load_catalog
from warehouse.contracts.vocabulary import EvidenceKind

SAME_NAME = (
    "cores_count",
    "matrix_flop_per_clk",
    "vector_flop_per_clk",
    "exponent_per_clk",
    "smem_bytes",
    "l2_bytes_per_clk",
    "link_bytes_per_s",
    "link_world_count",
    "collective_latency_s",
    "launch_latency_s",
    "overlap_exponent",
    "tdp_w",
)
"""Design fields that are a fact of the same name."""

MICROARCHITECTURE = frozenset({field.name for field in MICROARCHITECTURE_FIELDS} | {"dies_count"}) - RATIO_FIELDS
"""Design fields that only the microarchitecture file can give."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DesignOrigin:
    """A design and where each of its numbers comes from."""

    design: ChipDesign
    facts: Mapping[str, Fact]
    """One per numeric field of `ChipDesign`; a derived number has the weakest kind of its inputs."""

    @property
    def assumed_fields(self) -> tuple[str, ...]:
        """Numeric fields that rest on an assumption."""
        return tuple(name for name, fact in self.facts.items() if fact.kind is EvidenceKind.ASSUMED)


def design_of(spec: ChipSpec, *, allow_estimates: bool = False) -> ChipDesign:
    """The chip as a design whose bf16 peak is the published one.

    Args:
        spec: A chip of the catalogue.
        allow_estimates: Let numbers that nobody published stand in (kind assumed).

    Raises:
        MissingSpec: Numbers are not public; the message lists every one.
    """
    return design_origin(spec, allow_estimates=allow_estimates).design


def design_origin(spec: ChipSpec, *, allow_estimates: bool = False) -> DesignOrigin:
    """Same as `design_of`, with the evidence behind each number.

    Raises:
        MissingSpec: As `design_of`.
    """
    return _origin(spec, allow_estimates, _outside_the_space(spec, allow_estimates), "cannot be a design")


def timed_design_of(spec: ChipSpec, *, allow_estimates: bool = False) -> ChipDesign:
    """The chip as the numbers that kernel times need, be it a design or not (GDDR, old processes, fp16 for bf16).

    Area, cost and power of the result mean nothing unless `design_of` gives the same chip; its clock is the sheet's.

    Args:
        spec: A chip of the catalogue.
        allow_estimates: Let numbers that nobody published stand in (kind assumed).

    Raises:
        MissingSpec: Numbers are not public; the message lists every one.
    """
    return _origin(spec, allow_estimates, {}, "cannot be timed").design


def _origin(spec: ChipSpec, allow: bool, barred: dict[str, str], cannot: str) -> DesignOrigin:
    """The numbers with their evidence, unless the chip is barred or one of them is not known."""
    facts = _design_facts(spec, allow)
    gaps = barred | _gaps(facts)
    if gaps or spec.node is None or spec.fabric is None:
        raise MissingSpec(_refusal(spec, gaps, cannot))
    numbers = {name: facts[name].value for name in NUMERIC_FIELDS}
    design = ChipDesign(name=spec.id, node=spec.node, fabric=spec.fabric, **numbers)  # type: ignore[arg-type] # no None here
    return DesignOrigin(design=design, facts=facts)


def _outside_the_space(spec: ChipSpec, allow: bool) -> dict[str, str]:
    """What no design may be, by the name of the number that says so."""
    found = {}
    if spec.known("bf16_flop_per_s", allow_estimates=allow).value is None:
        lacking = "bf16" in spec.absent_dtypes
        found["bf16_flop_per_s"] = "bf16 is not built in" if lacking else spec.refusal("bf16_flop_per_s")
    if (spec.memory_type or "").startswith("GDDR"):
        found["memory_type"] = f"{spec.memory_type}, where area, power and cost of a design are those of HBM stacks"
    if spec.node is not None and spec.node not in DESIGN_NODES:
        found["node"] = f"{spec.node}, where area, energy and cost are known of {', '.join(sorted(DESIGN_NODES))}"
    return found


def _gaps(facts: Mapping[str, Fact]) -> dict[str, str]:
    return {name: fact.note or "" for name, fact in facts.items() if fact.value is None}


def _design_facts(spec: ChipSpec, allow: bool) -> dict[str, Fact]:
    def known(name: str) -> Fact:
        fact = spec.known(name, allow_estimates=allow)
        return fact if fact.value is not None else _gap(spec.refusal(name))

    stacks = known("memory_stacks_count")
    cache_fact, clock = known("last_level_cache_bytes"), known("design_clock_hz")
    facts = {name: known(name) for name in SAME_NAME} | {
        "dies_count": known("compute_dies_count"),
        "fp8_rate_ratio": _rate_ratio(spec, "fp8", allow),
        "fp4_rate_ratio": _rate_ratio(spec, "fp4", allow),
        "int8_rate_ratio": _rate_ratio(spec, "int8", allow),
        "l2_bytes": cache_fact if cache_fact.value != 0.0 else known("shared_cache_bytes"),
        "hbm_stacks_count": stacks,
        "hbm_stack_bytes": _quotient(known("memory_bytes"), stacks),
        "hbm_stack_bytes_per_s": _quotient(known("memory_bytes_per_s"), stacks),
        "clock_hz": clock if clock.value is not None else known("sheet_clock_hz"),
    }
    return {name: facts[name] for name in NUMERIC_FIELDS}


def _rate_ratio(spec: ChipSpec, dtype: str, allow: bool) -> Fact:
    if dtype in spec.absent_dtypes:
        return Fact(value=0.0, unit="1", kind=EvidenceKind.ASSUMED, source="recalled", note="format not built in")
    narrow = spec.known(f"{dtype}_flop_per_s", allow_estimates=allow)
    wide = spec.known("bf16_flop_per_s", allow_estimates=allow)
    if narrow.value is not None and wide.value is not None:
        return _quotient(narrow, wide)
    ratio = spec.known(f"{dtype}_rate_ratio", allow_estimates=allow)
    if ratio.value is not None:
        return ratio
    if narrow.value is not None:
        return _gap(spec.refusal("bf16_flop_per_s"))
    by_ratio = f"{dtype}_rate_ratio"
    return _gap(spec.refusal(by_ratio if by_ratio in spec.estimates else f"{dtype}_flop_per_s"))


def _quotient(over: Fact, under: Fact) -> Fact:
    for fact in (over, under):
        if fact.value is None or not under.value:
            return fact
    kinds = tuple(EvidenceKind)
    weakest = max((over, under), key=lambda fact: kinds.index(fact.kind or EvidenceKind.ASSUMED))
    value = (over.value or 0.0) / (under.value or 1.0)
    return Fact(value=value, unit=f"({over.unit})/({under.unit})", kind=weakest.kind, source=weakest.source)


def _gap(reason: str) -> Fact:
    return Fact(value=None, unit="1", kind=None, source=None, note=reason)


@cache
def _complete() -> str:
    """Chips that are designs without estimates."""
    chips = [chip for chip in load_catalog().chips.values() if chip.node is not None]
    inside = [chip for chip in chips if not _outside_the_space(chip, allow=False)]
    return ", ".join(chip.id for chip in inside if not _gaps(_design_facts(chip, allow=False)))


def _refusal(spec: ChipSpec, gaps: Mapping[str, str], cannot: str) -> str:
    inside = [name for name in gaps if name in MICROARCHITECTURE and spec.node is None]
    reasons = [f"{name}: {reason}" for name, reason in gaps.items() if name not in inside]
    if spec.node is None:
        reasons.append(f"no microarchitecture is on file (node, {', '.join(inside)})")
    if spec.node is not None and not _gaps(_design_facts(spec, allow=False)):
        reasons.append("its kernels can be timed all the same")
    notes = f" [notes: {spec.notes}]" if spec.notes else ""
    return (
        f"chip {spec.id} {cannot}: {'; '.join(reasons)}{notes}; "
        f"take one of {_complete()} (`{LIST_COMMAND}` says which are complete)"
    )
