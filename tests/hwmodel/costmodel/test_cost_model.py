"""The cost model of several targets, and a stamp that changes with everything that it was trained on."""

import numpy as np
import pytest

from hwmodel.costmodel import CostModel, Training, fit_cost_model, sampling_sd
from hwmodel.costmodel.residual import SAMPLE_SD

INPUTS = np.random.default_rng(0).normal(size=(14, 4))
CLOSED = {"value": np.full(14, 2.0), "wait_s": np.full(14, 0.5)}
REPLAYED = {"value": 2.0 * np.exp(0.1 * INPUTS[:, 0]), "wait_s": 0.5 * np.exp(-0.2 * INPUTS[:, 1])}


def fitted(**changes: object) -> CostModel:
    asked: dict[str, object] = {"scenario": "today", "snapshot": "abc", "inputs": INPUTS} | changes
    return fit_cost_model(Training(closed=CLOSED, replayed=REPLAYED, **asked))  # type: ignore[arg-type]


def test_every_target_is_told_in_its_own_unit() -> None:
    found = fitted().predict(INPUTS, CLOSED)
    assert found["value"].mean == pytest.approx(REPLAYED["value"], rel=0.03)
    assert found["wait_s"].mean == pytest.approx(REPLAYED["wait_s"], rel=0.03)


def test_equal_training_has_an_equal_stamp_and_any_change_another() -> None:
    first = fitted().stamp.version
    assert fitted().stamp.version == first
    others = [fitted(snapshot="xyz"), fitted(scenario="p90"), fitted(sample_sd=0.1)]
    moved = fitted(inputs=INPUTS + 1e-9)
    assert len({first, *(one.stamp.version for one in [*others, moved])}) == 5


def test_the_error_of_the_sample_is_what_two_samples_differ_by_over_the_root_of_two() -> None:
    differences = np.random.default_rng(1).normal(0.0, 0.2 * np.sqrt(2.0), 5_000)
    assert sampling_sd(differences) == pytest.approx(0.2, rel=0.05)
    assert sampling_sd(np.empty(0)) == pytest.approx(SAMPLE_SD)
    assert sampling_sd(np.zeros(3)) < SAMPLE_SD < sampling_sd(np.full(3, 0.5))
