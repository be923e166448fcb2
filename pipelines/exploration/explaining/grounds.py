"""Chips whose kernels were measured, looked up in the catalogue."""

from functools import cache

from hwmodel.catalog import ChipDesign, load_catalog, timed_design_of
from hwmodel.design.explain import MEASURED_CHIPS


@cache
def measured_chips() -> dict[str, ChipDesign]:
    """Chips whose kernels were measured, as designs by name."""
    catalog = load_catalog()
    return {name: timed_design_of(catalog.chip(name)) for name in MEASURED_CHIPS}
