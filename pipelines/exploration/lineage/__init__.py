"""What a run has before and after it: days of history, past runs, its generation, what it hands to the next one."""

from pipelines.exploration.lineage.generation_facts import CHIP_SCHEMA, SURFACE_SCHEMA, with_generations
from pipelines.exploration.lineage.handover import handover_frame
from pipelines.exploration.lineage.history import TABLES_AS_OF_A_DAY, history_of
from pipelines.exploration.lineage.past_runs import history_rows, render_history_page

__all__ = [
    "CHIP_SCHEMA",
    "SURFACE_SCHEMA",
    "TABLES_AS_OF_A_DAY",
    "handover_frame",
    "history_of",
    "history_rows",
    "render_history_page",
    "with_generations",
]
