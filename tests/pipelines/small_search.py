"""The command line with a small space, few replays and small cells: what a test can start, kill and start again."""

from dataclasses import replace
from functools import partial
from unittest.mock import patch

from hwmodel.catalog import ChipDesign
from hwmodel.design import CellSize, DesignSpace, SearchPlan, space_around
from pipelines.cli import main
from pipelines.exploration import Explorer
from pipelines.exploration.explaining import ExplainPlan

CELL = CellSize(window_s=60.0, lead_in_s=10.0, replicas_count=2.0, widths_count=1, most_calls_count=2_000)
PLAN = SearchPlan(
    first_count=4, rounds_count=2, least_rounds_count=2, batch_count=3, finalists_count=2, elsewhere_replicas_count=2.0
)
EXPLAINED = ExplainPlan(ablated_count=1, case_replicas_count=1.0, flips_confirmed_count=0)


def two_changes_around(baseline: ChipDesign) -> DesignSpace:
    return replace(space_around(baseline), most_changes_count=2)


def small_main() -> None:
    explorer = partial(Explorer, plan=PLAN, search_cell=CELL, full_cell=CELL, explain_plan=EXPLAINED)
    with (
        patch("pipelines.exploration.explore.space_around", two_changes_around),
        patch("pipelines.exploration.explorer.Explorer", explorer),
    ):
        main()


if __name__ == "__main__":
    small_main()
