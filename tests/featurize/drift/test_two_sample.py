from datetime import timedelta

import numpy as np
import polars as pl
import pytest
from scipy.stats import false_discovery_control

from featurize import HistoryTooShortError
from featurize.drift import adjusted_p_values, workload_drift
from featurize.drift.two_sample import design_effect, stability_index
from tests.featurize.planted_sessions import START, sessions_over_days
from warehouse.contracts import WorkloadDrift

RECENT = START + timedelta(days=21)


def test_a_shift_is_found_in_the_feature_that_shifted_and_in_no_other() -> None:
    sessions = sessions_over_days(
        np.random.default_rng(1), days=28, per_day=400, unrest=0.02, shift=("output_tokens", 1.4, 21)
    )
    drift = WorkloadDrift.validate(workload_drift(sessions, recent_from=RECENT))
    found = drift.filter("is_drifted")
    assert set(found.select(pl.col("surface").cast(pl.String), "feature").rows()) == {("codex_loop", "output_tokens")}
    assert len(found) == 7
    assert found["median_over_reference_ratio"].to_numpy().mean() == pytest.approx(1.4, rel=0.08)
    assert (found["psi_ratio"] > 0.05).all()


def test_days_that_are_restless_by_themselves_are_no_drift() -> None:
    runs = 0
    for seed in range(12):
        sessions = sessions_over_days(np.random.default_rng(seed), days=28, per_day=200, unrest=0.12)
        drift = workload_drift(sessions, recent_from=RECENT)
        assert drift["design_effect_ratio"].mean() > 1.3  # type: ignore[operator]
        runs += drift["is_drifted"].any()
    assert runs <= 3  # a false discovery in 5 % of runs would be 0.6; without the design effect most runs have one


def test_weekends_are_compared_with_weekends() -> None:
    sessions = sessions_over_days(np.random.default_rng(2), days=28, per_day=300)
    is_weekend = pl.col("day").dt.weekday() >= 6
    longer = sessions.with_columns(pl.when(is_weekend).then(pl.col("span_s") * 3).otherwise("span_s").alias("span_s"))
    assert not workload_drift(longer, recent_from=RECENT)["is_drifted"].any()


def test_the_false_discovery_rate_is_scipys() -> None:
    p_values = np.random.default_rng(3).uniform(size=200) ** 3
    assert adjusted_p_values(p_values) == pytest.approx(false_discovery_control(p_values))


def test_the_stability_index_of_a_shift_of_half_a_deviation_is_about_a_quarter() -> None:
    # Between N(0, 1) and N(s, 1) the symmetrised divergence is s²; ten groups lose a little of it.
    rng = np.random.default_rng(4)
    edges = np.linspace(-5, 6, 200)
    before, now = (np.histogram(rng.normal(mean, 1, 200_000), edges)[0].astype(float) for mean in (0.0, 0.5))
    assert stability_index(before, now) == pytest.approx(0.25, rel=0.12)
    assert stability_index(before, before) == pytest.approx(0.0, abs=1e-9)


def test_drift_without_days_before_it_is_refused() -> None:
    sessions = sessions_over_days(np.random.default_rng(5), days=5, per_day=60)
    with pytest.raises(HistoryTooShortError, match="needs 4 days of sessions before it, found 2"):
        workload_drift(sessions, recent_from=START + timedelta(days=2))


def test_a_law_without_a_middle_still_has_its_unrest_counted() -> None:
    # Almost every session has one call; the share of the others swings from 0.1 to 4 % by day, far beyond chance.
    shares = np.linspace(0.001, 0.04, 12)
    swinging = np.array([[1000 * (1 - share), 1000 * share] for share in shares])
    assert design_effect([swinging]) > 3.0
    steady = np.tile([980.0, 20.0], (12, 1))
    assert design_effect([steady]) == 1.0
