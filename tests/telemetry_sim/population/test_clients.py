import numpy as np
import polars as pl
import pytest

from telemetry_sim import SimulationSettings, simulate_day, surface_parameters
from telemetry_sim.population.clients import blended, make_clients
from tests.shared_data import shared_path
from tests.telemetry_sim.strategies import TUESDAY, only
from warehouse.contracts import Surface

API = surface_parameters(Surface.API_BURST)


def rank_share(
    rate: np.ndarray[tuple[int, ...], np.dtype[np.float64]],
) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    ordered = np.sort(rate[rate > 0.0])[::-1]
    return np.asarray(np.cumsum(ordered) / ordered.sum(), dtype=np.float64)


@pytest.mark.parametrize("tenants", [43, 162, 5000])
def test_tenants_have_the_skew_of_servegen(tenants: int) -> None:
    """ServeGen: log-log slope of rate against rank -1.7 to -2.9 (research note, section 2)."""
    clients = make_clients(3, Surface.API_BURST, API.volume, tenants * 120.0)
    rate = np.sort(clients.rate_ratio)[::-1]
    slope = np.polyfit(np.log(np.arange(1, tenants + 1)), np.log(rate), 1)[0]
    assert -2.9 < slope < -1.7


@pytest.mark.slow
def test_the_rank_share_curve_lies_on_that_of_servegen_m_large() -> None:
    windows = pl.read_parquet(shared_path("data/traces/servegen_client_windows.parquet"))
    real = windows.filter(pl.col("model") == "m-large").group_by("client_id").agg(pl.col("rate").sum())["rate"]
    expected = rank_share(real.to_numpy())
    clients = make_clients(3, Surface.API_BURST, API.volume, len(expected) * 120.0)
    assert np.abs(rank_share(clients.rate_ratio) - expected).max() < 0.08


def test_traits_of_a_client_do_not_depend_on_how_many_there_are() -> None:
    few, many = (make_clients(3, Surface.CODEX_LOOP, API.volume, count * 120.0) for count in (50, 5000))
    for column in ("key", "region", "tier", "paid", "input_normal", "output_normal"):
        assert np.array_equal(getattr(few, column), getattr(many, column)[:50])


def test_blended_normals_keep_the_law_and_split_its_variance() -> None:
    rng = np.random.default_rng(1)
    own = rng.standard_normal(200_000)
    client = np.repeat(rng.standard_normal(2000), 100)
    mixed = blended(client, own, 0.7).reshape(2000, 100)
    assert mixed.std() == pytest.approx(1.0, abs=0.02)
    assert mixed.mean(axis=1).var() == pytest.approx(0.7 + 0.3 / 100, abs=0.05)
    assert mixed.var(axis=1, ddof=1).mean() == pytest.approx(0.3, abs=0.01)


def test_lengths_of_one_tenant_lie_near_its_own_median() -> None:
    """ServeGen: per-client CV of inputs 0.3 to 0.5; the spread between clients is larger."""
    calls = simulate_day(only(Surface.API_BURST, 60_000), TUESDAY).model_calls
    by_tenant = (
        calls.filter(pl.col("status") == "ok")
        .group_by("client_id")
        .agg(
            cv=pl.col("input_tokens").std() / pl.col("input_tokens").mean(),
            log_mean=pl.col("input_tokens").log().mean(),
            count=pl.len(),
        )
        .filter(pl.col("count") > 100)
    )
    assert len(by_tenant) > 50
    assert 0.15 < np.median(by_tenant["cv"].to_numpy()) < 0.5
    assert by_tenant["log_mean"].to_numpy().std() > 0.45


def test_tenants_are_active_in_30_to_46_per_cent_of_their_windows() -> None:
    """ServeGen: 30 to 46 % of client-windows have requests; counted where a tenant is large enough to be seen."""
    sessions = simulate_day(
        SimulationSettings(seed=3, calls_per_day=200_000, first_day=TUESDAY, surface_shares={Surface.API_BURST: 1.0}),
        TUESDAY,
    ).sessions
    windows = sessions.select("client_id", window=pl.col("started_at").dt.truncate("10m"))
    seen = windows.group_by("client_id").agg(active=pl.col("window").n_unique() / 144, count=pl.len())
    large = seen.sort("count", descending=True).head(100)["active"].to_numpy()
    assert 0.25 < large.mean() < 0.46
