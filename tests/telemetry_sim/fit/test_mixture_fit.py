"""Planted laws are found again from rounded samples."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import kstest

from telemetry_sim.fit import fit_law
from telemetry_sim.fitted import ComponentKind


def sample(count: int, mu: float, sigma: float, seed: int = 1) -> np.ndarray:
    return np.rint(np.exp(mu + sigma * np.random.default_rng(seed).standard_normal(count)))


def test_a_planted_lognormal_is_found_again_with_its_parameters() -> None:
    law = fit_law(sample(20_000, 6.0, 0.9))
    assert law.family == "lognormal"
    (only,) = law.components
    assert only.first == pytest.approx(6.0, abs=0.03)
    assert only.second == pytest.approx(0.9, rel=0.03)


def test_two_planted_components_are_found_again() -> None:
    law = fit_law(np.concatenate((sample(6_000, 3.0, 0.4), sample(4_000, 8.0, 0.5, seed=2))))
    assert law.family == "lognormal_mixture_2"
    low, high = sorted(law.components, key=lambda part: part.first)
    assert low.weight_ratio == pytest.approx(0.6, abs=0.02)
    assert [low.first, high.first] == pytest.approx([3.0, 8.0], abs=0.03)
    assert [low.second, high.second] == pytest.approx([0.4, 0.5], rel=0.05)


@pytest.mark.parametrize(
    ("family", "first", "second"), [("weibull", 1.6, 400.0), ("gamma", 2.5, 300.0)], ids=["weibull", "gamma"]
)
def test_a_planted_weibull_or_gamma_is_preferred_to_mixtures(family: str, first: float, second: float) -> None:
    rng = np.random.default_rng(4)
    drawn = second * rng.weibull(first, 8_000) if family == "weibull" else rng.gamma(first, second, 8_000)
    law = fit_law(np.maximum(np.rint(drawn), 1.0))
    assert law.family == family
    assert law.components[0].first == pytest.approx(first, rel=0.06)


def test_standard_sizes_become_points_with_their_share() -> None:
    values = np.concatenate((sample(7_000, 6.0, 1.0), np.full(2_000, 1196.0), np.full(1_000, 252.0)))
    points = {p.first: p.weight_ratio for p in fit_law(values).components if p.kind is ComponentKind.POINT}
    assert points[1196.0] == pytest.approx(0.2, abs=0.01)
    assert points[252.0] == pytest.approx(0.1, abs=0.01)


def test_a_law_holds_a_few_dozen_numbers_however_large_the_sample() -> None:
    rng = np.random.default_rng(8)
    rough = np.concatenate([sample(3_000, mu, 0.1, seed=k) for k, mu in enumerate(rng.uniform(2, 11, 20))])
    assert fit_law(rough).parameter_count <= 60


@given(st.lists(st.integers(0, 10**6), min_size=1, max_size=60))
def test_any_small_sample_gives_a_law_within_its_range(values: list[int]) -> None:
    law = fit_law(np.asarray(values, dtype=np.float64))
    drawn = law.drawn(np.linspace(-4, 4, 101))
    assert drawn.min() >= min(values)
    assert drawn.max() <= max(values)


def test_draws_follow_the_law_and_scores_undo_them() -> None:
    law = fit_law(np.concatenate((sample(6_000, 4.0, 0.6), sample(4_000, 8.0, 0.5, seed=2))))
    normals = np.random.default_rng(9).standard_normal(20_000)
    drawn = law.drawn(normals)
    assert np.all(np.diff(law.drawn(np.linspace(-3, 3, 400))) >= 0)
    assert np.max(np.abs(law.scores(drawn) - normals)[np.abs(normals) < 3]) < 0.2
    assert kstest(law.scores(drawn), "norm").statistic < 0.02
