"""Who explores for a run: its baseline, its budget, and the ledger that listens."""

import logging
from collections.abc import Callable
from functools import partial

from pipelines.exploration.explore import Explorer
from pipelines.exploration.keeping import LedgerLog, ToldProgress
from pipelines.incumbent import incumbent_design
from pipelines.resources import LoopResource
from warehouse.ledger import Ledger

PROGRESS_LOG = logging.getLogger("scoville.progress")


def explorer_of(loop: LoopResource, ledger: Ledger, *, run_id: str, seed: int, tell: Callable[[str], None]) -> Explorer:
    """The explorer of a run.

    Raises:
        CatalogError: The baseline is unknown, or cannot be a design.
        NotRecorded: The baseline is a recommendation that the ledger does not know.
    """
    return Explorer(
        baseline=incumbent_design(loop.baseline, ledger, allow_estimates=loop.allow_estimates),
        log=LedgerLog(ledger=ledger, run_id=run_id, scenario="today"),
        progress=ToldProgress(tell=partial(_tell_all, tell)),
        seed=seed,
        allow_estimates=loop.allow_estimates,
    )


def _tell_all(tell: Callable[[str], None], text: str, done: int, total: int) -> None:
    """Dagster's log keeps it; a terminal that listens to this logger shows it as it happens."""
    tell(text)
    PROGRESS_LOG.info(text, extra={"done_count": done, "total_count": total})
