"""Chips of the catalogue as rows for people: numbers with kind and source, and what the physical model says."""

from collections.abc import Sequence

import numpy as np

from hwmodel.catalog import (
    FIELDS_BY_NAME,
    CatalogError,
    ChipSpec,
    DesignTable,
    design_of,
    load_catalog,
    timed_design_of,
)
from hwmodel.physical import all_in_power_w, die_area, module_cost, peak_power_w, tco
from pipelines.errors import one_line

Row = dict[str, str]
PREFIXES = ((1e15, "P"), (1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"))
SCALED = ("FLOP/s", "byte", "byte/s", "Hz")
"""Units that are shown with a prefix."""


def chip_rows() -> list[Row]:
    """One row per chip of the catalogue."""
    return [
        {
            "chip": spec.id,
            "vendor": spec.vendor,
            "lane": spec.lane,
            "status": spec.status,
            "can be a design": _ability(spec),
        }
        for spec in load_catalog().chips.values()
    ]


def fact_rows(chip_id: str, *, allow_estimates: bool) -> list[Row]:
    """One row per number of a chip that is known, and one per estimate if they are allowed.

    Raises:
        UnknownId: No such chip.
    """
    spec = load_catalog().chip(chip_id)
    rows = []
    for name, field in FIELDS_BY_NAME.items():
        fact = spec.known(name, allow_estimates=allow_estimates)
        if fact.value is not None:
            rows.append(
                {
                    "number": field.meaning,
                    "value": shown(fact.value, fact.unit),
                    "kind": fact.kind.value if fact.kind else "",
                    "source": fact.source or "",
                }
            )
    return rows


def unknown_numbers(chip_id: str, *, allow_estimates: bool) -> list[str]:
    """What is not public of a chip; the rates of formats that it lacks are not among it.

    Raises:
        UnknownId: No such chip.
    """
    spec = load_catalog().chip(chip_id)
    lacking = {f"{dtype}_{what}" for dtype in spec.absent_dtypes for what in ("flop_per_s", "rate_ratio")}
    return [
        field.meaning
        for name, field in FIELDS_BY_NAME.items()
        if name not in lacking and spec.known(name, allow_estimates=allow_estimates).value is None
    ]


def comparison_rows(chip_ids: Sequence[str], *, allow_estimates: bool) -> list[Row]:
    """One row per number that at least one of the chips has; `*` marks what is not published.

    Raises:
        UnknownId: No such chip.
    """
    specs = [load_catalog().chip(chip_id) for chip_id in chip_ids]
    rows = []
    for name, field in FIELDS_BY_NAME.items():
        facts = {spec.id: spec.known(name, allow_estimates=allow_estimates) for spec in specs}
        if any(fact.value is not None for fact in facts.values()):
            values = {
                chip: "-"
                if fact.value is None
                else shown(fact.value, fact.unit) + ("*" if fact.kind == "assumed" else "")
                for chip, fact in facts.items()
            }
            rows.append({"number": field.meaning, **values})
    return rows


def physical_rows(chip_ids: Sequence[str], *, allow_estimates: bool) -> tuple[list[Row], list[str]]:
    """Area, power and cost by the physical model.

    Returns:
        One row per quantity, and why each chip that cannot be a design cannot.

    Raises:
        UnknownId: No such chip.
    """
    rows: dict[str, Row] = {}
    refusals: list[str] = []
    for chip_id in chip_ids:
        spec = load_catalog().chip(chip_id)
        try:
            design = design_of(spec, allow_estimates=allow_estimates)
        except CatalogError as error:
            refusals.append(one_line(error))
            continue
        for name, value in _physical(DesignTable.of([design])).items():
            rows.setdefault(name, {"number": name})[chip_id] = value
    return list(rows.values()), refusals


def shown(value: float, unit: str) -> str:
    """A number with its unit, for people: `3.35 Tbyte/s`."""
    if unit == "m2":
        return f"{value * 1e6:,.0f} mm2"
    if unit == "s":
        return f"{value * 1e6:,.3g} us"
    for factor, prefix in PREFIXES if unit in SCALED else ():
        if abs(value) >= factor:
            return f"{value / factor:,.4g} {prefix}{unit}"
    return f"{value:,.6g}" + (f" {unit}" if unit != "1" else "")


def _physical(designs: DesignTable) -> Row:
    cost, owned = module_cost(designs), tco(designs)
    low, typical, high = (_only(usd) for usd in (cost.low_usd, cost.typical_usd, cost.high_usd))
    return {
        "modelled: compute silicon": shown(_only(die_area(designs).package_m2), "m2"),
        "modelled: peak power": shown(_only(peak_power_w(designs)), "W"),
        "modelled: all-in power": shown(_only(all_in_power_w(designs)), "W"),
        "modelled: module cost": f"{typical:,.0f} USD ({low:,.0f} to {high:,.0f})",
        "modelled: cost of ownership": f"{_only(owned.typical_usd_per_chip_h):,.2f} USD/h",
    }


def _only(values: np.ndarray) -> float:
    return float(np.asarray(values)[0])


def _ability(spec: ChipSpec) -> str:
    for allowed, answer in ((False, "yes"), (True, "with --allow-estimates")):
        try:
            design_of(spec, allow_estimates=allowed)
        except CatalogError:
            continue
        return answer
    try:
        timed_design_of(spec)
    except CatalogError:
        return "no: numbers are not public"
    return "no: only timed"
