"""What the lake holds already, as the source of a pass: days, seed and refused rows, and no way to make more."""

from datetime import date
from pathlib import Path

import pytest

from pipelines.errors import BadInput
from pipelines.resources import LakeResource
from pipelines.run_loop import RunSummary, run_loop
from pipelines.stored import Wanted, stored_source
from tests.pipelines.homes import FIRST, request_in

DAYS = (FIRST, date(2026, 6, 2))


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, RunSummary]:
    """A lake with the features of two small days."""
    home = tmp_path_factory.mktemp("home")
    return home, run_loop(request_in(home, day_count=2, calls_per_day=300, seed=11))


def test_all_days_and_the_last_runs_seed_are_taken_unless_told_otherwise(filled: tuple[Path, RunSummary]) -> None:
    home, summary = filled
    source = stored_source(home, Wanted())
    assert (source.dataset, source.seed, tuple(source.days())) == ("synthetic", 11, DAYS)
    of_run = stored_source(home, Wanted(run_id=summary.run_id))
    assert (of_run.dataset, of_run.seed, of_run.days()) == (source.dataset, source.seed, source.days())
    assert stored_source(home, Wanted(seed=4)).seed == 4
    assert stored_source(home, Wanted(days_count=1)).days() == [DAYS[1]]
    assert source.quarantine().is_empty()


def test_a_lake_without_features_is_refused_and_left_as_it_was(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="holds no lake"):
        stored_source(tmp_path / "none", Wanted())
    assert not (tmp_path / "none").exists()
    with LakeResource(home=str(tmp_path)).opened():
        pass
    with pytest.raises(BadInput, match="holds no features of any day"):
        stored_source(tmp_path, Wanted())
