"""The search benchmark: a truth that the code still gives, and rivals that are charged for what they replay."""

from importlib.resources import files

import numpy as np
import polars as pl
import pytest

from hwmodel.design.search import Candidates, hypervolume, pareto_order
from pipelines.bench.search import PACKAGED, read_truth
from pipelines.bench.search_rivals import at_random, in_closed_form_order, rivals
from pipelines.bench.search_truth import DESIGNS_COUNT, MEASURES, chosen_points, replayed, search_case
from pipelines.errors import BadInput

SAMPLED_COUNT = 8


def grid(seed: int = 0) -> tuple[Candidates, np.ndarray]:
    """A hundred designs of two parameters; the closed form knows the objectives up to noise."""
    points = np.stack(np.meshgrid(np.arange(10.0), np.arange(10.0)), axis=-1).reshape(-1, 2)
    values = np.stack([points[:, 0] - 0.2 * points[:, 1], points[:, 1] - 0.2 * points[:, 0]], axis=1) / 10.0
    closed = values + np.random.default_rng(seed).normal(0.0, 0.1, values.shape)
    base = np.zeros((1, 2))
    return Candidates(
        points=points, inputs=points / 5.0, closed=closed, reference=base[0], base_inputs=base, base_closed=base
    ), values


@pytest.mark.slow
def test_the_packaged_truth_is_what_the_replay_gives_for_a_random_sample_of_it() -> None:
    truth, case = read_truth(None), search_case()
    points = chosen_points(case.space)
    assert len(truth) == DESIGNS_COUNT
    assert truth.select(case.space.names).to_numpy() == pytest.approx(points)
    rows = np.random.default_rng(7).choice(DESIGNS_COUNT, SAMPLED_COUNT, replace=False)
    again = pl.DataFrame(replayed(case, points[rows])).select(MEASURES).to_numpy()
    assert again == pytest.approx(truth[rows.tolist()].select(MEASURES).to_numpy(), rel=1e-9)


def test_the_packaged_truth_says_how_it_was_made_and_is_small() -> None:
    path = files("pipelines").joinpath("bench", PACKAGED)
    with path.open("rb") as file:
        assert {"cell", "seed", "calls_per_day", "code_version"} <= set(pl.read_parquet_metadata(file))
    assert len(path.read_bytes()) < 1_000_000


def test_a_truth_that_is_not_there_is_refused_with_how_to_make_it(tmp_path: object) -> None:
    from pathlib import Path

    with pytest.raises(BadInput, match="--full --truth"):
        read_truth(Path(str(tmp_path)) / "none.parquet")


@pytest.mark.parametrize("method", sorted(rivals()))
def test_a_rival_replays_as_many_different_designs_as_it_may(method: str) -> None:
    candidates, values = grid()
    rows = rivals()[method](candidates, values, 40, 3)
    assert len(set(rows)) == len(rows) == 40
    assert rivals()[method](candidates, values, 40, 3) == rows


def test_the_closed_forms_order_does_not_look_at_the_replay() -> None:
    candidates, values = grid()
    rows = in_closed_form_order(candidates, values, 20, 0)
    assert rows == in_closed_form_order(candidates, -values, 20, 1)
    assert rows == pareto_order(candidates.closed)[:20].tolist()
    found, drawn = (
        hypervolume(values[some], candidates.reference) for some in (rows, at_random(candidates, values, 20, 0))
    )
    assert found > drawn
