"""The learned residual: finds a smooth ratio, falls back to the median far away, and its intervals cover."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hwmodel.costmodel import fit_residual

DIMENSIONS = 8


def smooth(points: np.ndarray) -> np.ndarray:
    """A log ratio that depends on two of the parameters, as a replay does on bandwidth and cores."""
    return np.asarray(0.1 + 0.15 * np.sin(points[:, 0]) - 0.10 * points[:, 1] ** 2)


def points_of(seed: int, count: int) -> np.ndarray:
    return np.random.default_rng(seed).uniform(-1.0, 1.0, (count, DIMENSIONS))


@pytest.fixture(autouse=True)
def _same_sample(monkeypatch: pytest.MonkeyPatch) -> None:
    """Planted ratios are learned and judged on the same sample."""
    monkeypatch.setattr("hwmodel.costmodel.residual.SAMPLE_SD", 0.0)


def test_a_planted_smooth_ratio_is_recovered() -> None:
    points, held_out = points_of(0, 40), points_of(1, 200)
    closed = np.random.default_rng(2).uniform(50.0, 150.0, 40)
    model = fit_residual(points, closed, closed * np.exp(smooth(points)))
    found = model.predict(held_out, np.full(200, 100.0))
    error = np.log(found.mean / 100.0) - smooth(held_out)
    assert np.sqrt(np.mean(error**2)) < 0.5 * smooth(held_out).std()


def test_predictions_are_in_proportion_to_the_closed_form() -> None:
    points = points_of(0, 12)
    model = fit_residual(points, np.ones(12), np.exp(smooth(points)))
    one, ten = model.predict(points, np.ones(12)), model.predict(points, np.full(12, 10.0))
    assert ten.mean == pytest.approx(10.0 * one.mean)
    assert ten.high / ten.low == pytest.approx(one.high / one.low)


def test_a_closed_form_that_is_right_up_to_a_factor_is_only_scaled() -> None:
    points = points_of(3, 15)
    model = fit_residual(points, np.full(15, 2.0), np.full(15, 3.0))
    assert model.predict(points_of(4, 50), np.full(50, 10.0)).mean == pytest.approx(np.full(50, 15.0))


def test_far_from_every_replay_the_median_ratio_is_predicted_with_a_wide_interval() -> None:
    points = points_of(0, 25)
    ratio = np.exp(smooth(points))
    model = fit_residual(points, np.ones(25), ratio)
    near = model.predict(points, np.ones(25))
    far = model.predict(np.full((1, DIMENSIONS), 1000.0), np.ones(1))
    assert far.mean[0] == pytest.approx(np.median(ratio), rel=1e-3)
    assert far.sd_log[0] > 1.5 * near.sd_log.max()
    assert far.low[0] < ratio.min() < ratio.max() < far.high[0]


@pytest.mark.parametrize("train_count", [12, 20])
def test_ninety_per_cent_intervals_cover_held_out_designs(train_count: int) -> None:
    inside = []
    for seed in range(6):
        weights = np.random.default_rng(100 + seed).normal(0.0, 1.0, (DIMENSIONS, 3))
        every = points_of(seed, train_count + 60)
        truth = 0.06 * np.cos(every @ weights).sum(axis=1) + np.random.default_rng(seed).normal(0.0, 0.01, len(every))
        train, held = every[:train_count], every[train_count:]
        model = fit_residual(train, np.ones(train_count), np.exp(truth[:train_count]))
        found = model.predict(held, np.ones(60))
        ratio = np.exp(truth[train_count:])
        inside.append(((found.low <= ratio) & (ratio <= found.high)).mean())
    assert np.mean(inside) >= 0.85


def test_intervals_are_widened_where_a_left_out_replay_was_missed() -> None:
    points = points_of(5, 16)
    quiet = smooth(points)
    struck = quiet.copy()
    struck[3] += 1.0
    narrow, wide = (fit_residual(points, np.ones(16), np.exp(ratio)) for ratio in (quiet, struck))
    assert narrow.spread_ratio >= 1.0
    assert wide.spread_ratio > 2.0
    held_out = points_of(6, 50)
    assert wide.predict(held_out, np.ones(50)).sd_log.mean() > 2.0 * narrow.predict(held_out, np.ones(50)).sd_log.mean()


@settings(max_examples=6)
@given(st.integers(0, 10_000))
def test_no_prediction_leaves_the_range_seen_in_training(seed: int) -> None:
    points = points_of(seed, 8)
    ratio = np.exp(np.random.default_rng(seed).normal(0.0, 0.3, 8))
    found = fit_residual(points, np.ones(8), ratio).predict(points_of(seed + 1, 50) * 5.0, np.ones(50))
    assert (found.mean >= ratio.min() * (1.0 - 1e-9)).all()
    assert (found.mean <= ratio.max() * (1.0 + 1e-9)).all()
    assert (found.low < found.mean).all()
    assert (found.mean < found.high).all()


@pytest.mark.parametrize("ratio", [[1.0, 1.0], [0.5, 2.0], [1e-3, 1e3]])
@pytest.mark.parametrize("same", [True, False])
def test_two_replays_are_enough_even_of_the_same_point(ratio: list[float], same: bool) -> None:
    points = np.zeros((2, DIMENSIONS))
    points[1, 0] = 0.0 if same else 1.0
    found = fit_residual(points, np.ones(2), np.array(ratio)).predict(points_of(0, 5), np.ones(5))
    for values in (found.mean, found.low, found.high, found.sd_log):
        assert np.isfinite(values).all()
    assert (found.sd_log > 0.0).all()


def test_fitting_twice_gives_the_same_predictions() -> None:
    points = points_of(0, 14)
    first, second = (fit_residual(points, np.ones(14), np.exp(smooth(points))) for _ in range(2))
    assert (first.predict(points, np.ones(14)).mean == second.predict(points, np.ones(14)).mean).all()
    assert first.training_count == 14


def test_the_error_of_the_sample_adds_in_squares(monkeypatch: pytest.MonkeyPatch) -> None:
    points = points_of(0, 14)
    model = fit_residual(points, np.ones(14), np.exp(smooth(points)))
    alone = model.predict(points, np.ones(14))
    monkeypatch.setattr("hwmodel.costmodel.residual.SAMPLE_SD", 0.2)
    wider = model.predict(points, np.ones(14))
    assert wider.sd_log == pytest.approx(alone.sd_log)
    assert np.log(wider.high / wider.mean) == pytest.approx(1.645 * np.sqrt(alone.sd_log**2 + 0.04))
