"""Turns cut by a session's end are completed as the whole ones tell."""

import numpy as np
import pytest

from telemetry_sim.fit.calls import laid_out
from telemetry_sim.fit.turns import completed, surviving, turns_of_sessions
from tests.telemetry_sim.fitted.made_traces import loop_trace


def test_the_survival_is_kaplan_and_meiers() -> None:
    values, left = surviving(np.array([1, 2, 2, 3, 4]), np.array([False, False, True, False, True]))
    assert values.tolist() == [1, 2, 3]
    assert left == pytest.approx([0.8, 0.8 * 0.75, 0.8 * 0.75 * 0.5])


def test_cut_lengths_grow_back_to_the_law_they_were_cut_from() -> None:
    rng = np.random.default_rng(1)
    true, limit = rng.geometric(0.1, 20_000), rng.geometric(0.05, 20_000)
    seen, is_cut = np.minimum(true, limit), limit < true
    found = completed(seen, is_cut)
    assert (found >= seen).all()
    assert (found[~is_cut] == seen[~is_cut]).all()
    assert seen.mean() < 0.8 * true.mean()
    assert found.mean() == pytest.approx(true.mean(), rel=0.05)
    assert np.quantile(found, (0.25, 0.5, 0.75, 0.9)) == pytest.approx(np.quantile(true, (0.25, 0.5, 0.75, 0.9)), abs=1)


def test_nothing_is_completed_where_all_or_none_are_cut() -> None:
    lengths = np.array([3, 1, 2])
    for mask in (np.zeros(3, np.bool_), np.ones(3, np.bool_)):
        assert completed(lengths, mask).tolist() == [3, 1, 2]


def test_only_the_last_turn_of_a_session_may_be_longer_than_seen() -> None:
    turns = turns_of_sessions(laid_out(loop_trace(60)).main)
    last = turns["session"].to_numpy() != np.append(turns["session"].to_numpy()[1:], -1)
    assert (turns["len"].to_numpy()[~last] == 4).all()
    assert (turns["len"].to_numpy()[last] == 4).all()
