"""Who explores for a run: its baseline, its budget, and the ledger that listens."""

from collections.abc import Callable

from hwmodel.catalog import design_of, load_catalog
from pipelines.exploration.explore import Explorer
from pipelines.exploration.log import LedgerLog, ToldProgress
from pipelines.resources import LoopResource
from warehouse.ledger import Ledger


def explorer_of(loop: LoopResource, ledger: Ledger, *, run_id: str, seed: int, tell: Callable[[str], None]) -> Explorer:
    """The explorer of a run.

    Raises:
        CatalogError: The baseline is unknown, or cannot be a design.
    """
    return Explorer(
        baseline=design_of(load_catalog().chip(loop.baseline), allow_estimates=loop.allow_estimates),
        log=LedgerLog(ledger=ledger, run_id=run_id, scenario="today"),
        progress=ToldProgress(tell=tell),
        seed=seed,
        allow_estimates=loop.allow_estimates,
    )
