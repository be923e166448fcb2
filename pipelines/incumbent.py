"""The chip in service: one of the catalogue, or a design that an earlier run recommended."""

from hwmodel.catalog import CatalogError, ChipDesign, design_of, load_catalog
from pipelines.errors import BadInput
from warehouse.ledger import Ledger

MARK = ":"
"""Between run and rank, `RUN:RANK`; no chip of the catalogue has it in its id."""


def is_recommended_design(text: str) -> bool:
    """Whether this names a recommended design and not a chip."""
    return MARK in text


def incumbent_design(text: str, ledger: Ledger, *, allow_estimates: bool) -> ChipDesign:
    """The design of a chip id, or of `RUN:RANK`.

    Args:
        text: What a person gave as baseline.
        ledger: Knows the recommended designs.
        allow_estimates: Let numbers of a chip that nobody published stand in.

    Raises:
        CatalogError: No such chip, or it cannot be a design.
        NotRecorded: No such run or recommendation.
        BadInput: The design was written by another version.
    """
    if not is_recommended_design(text):
        return design_of(load_catalog().chip(text), allow_estimates=allow_estimates)
    run_id, _, rank = text.rpartition(MARK)
    ledger.run(run_id)
    parameters = ledger.design_of(run_id, rank).parameters
    try:
        return ChipDesign(**parameters)  # type: ignore[arg-type] # the design checks its own numbers
    except (TypeError, CatalogError) as error:
        raise BadInput(f"design {text} was written by another version ({error}); run its loop again") from error
