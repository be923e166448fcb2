"""Models of calls: declared shares, one per session but for switches, the smallest for sub-agents."""

import numpy as np

from telemetry_sim.behaviour.draft import Ragged
from telemetry_sim.behaviour.models import choose_models
from telemetry_sim.laws import Codes
from telemetry_sim.parameters import MODELS, Models
from telemetry_sim.streams import child_keys, root_key

SESSIONS, CALLS = 4_000, 10
ROW_COUNT = np.full(SESSIONS, CALLS)
ROWS = Ragged.of(ROW_COUNT)
SHARES = (0.2, 0.5, 0.3)
NOBODY = np.zeros(SESSIONS * CALLS, np.bool_)


def chosen(switch_ratio: float, subagent: np.ndarray = NOBODY, small: float = 0.0) -> Codes:
    keys = child_keys(root_key(2), np.arange(SESSIONS))
    models = Models(share_ratio=SHARES, switch_ratio=switch_ratio, subagent_small_ratio=small)
    return choose_models(models, keys, ROWS.row_keys(keys), ROWS, ROW_COUNT, ROWS.step, subagent)


def test_sessions_ask_for_models_by_their_shares_and_keep_them() -> None:
    models = chosen(0.0).reshape(SESSIONS, CALLS)
    assert np.all(models == models[:, :1])
    found = np.bincount(models[:, 0], minlength=len(MODELS)) / SESSIONS
    assert np.allclose(found, SHARES, atol=0.03)


def test_a_switch_chooses_anew_at_a_turn() -> None:
    models = chosen(0.1).reshape(SESSIONS, CALLS)
    changed = np.mean(models[:, 1:] != models[:, :-1])
    assert abs(changed - 0.1 * (1.0 - sum(share**2 for share in SHARES))) < 0.01


def test_subagents_run_on_the_smallest_model_where_declared() -> None:
    helpers = ROWS.step >= 5
    models = chosen(0.0, helpers, small=1.0)
    assert np.all(models[helpers] == len(MODELS) - 1)
    assert np.all(models[~helpers] == chosen(0.0)[~helpers])
