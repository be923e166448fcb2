import pytest

from telemetry_sim import DEFAULT_SURFACE_SHARES, Drift, SettingsError, SimulationSettings
from warehouse.contracts import Surface


def test_the_default_mix_names_every_surface_and_sums_to_one() -> None:
    assert set(DEFAULT_SURFACE_SHARES) == set(Surface)
    assert sum(DEFAULT_SURFACE_SHARES.values()) == pytest.approx(1.0)


def test_an_absent_surface_has_no_calls() -> None:
    settings = SimulationSettings(surface_shares={Surface.API_BURST: 1.0})
    assert settings.calls_of(Surface.CODEX_LOOP) == 0.0
    assert settings.calls_of(Surface.API_BURST) == 72_000


def test_shares_that_do_not_sum_to_one_are_refused_with_their_sum() -> None:
    with pytest.raises(SettingsError, match=r"sum to 0\.400000"):
        SimulationSettings(surface_shares={Surface.API_BURST: 0.4})


def test_a_negative_or_undefined_share_is_refused() -> None:
    with pytest.raises(SettingsError, match="negative"):
        SimulationSettings(surface_shares={Surface.API_BURST: 1.5, Surface.MULTIMODAL: -0.5})
    with pytest.raises(SettingsError, match="negative"):
        SimulationSettings(surface_shares={Surface.API_BURST: float("nan")})


def test_zero_calls_a_negative_seed_and_a_wild_growth_are_refused() -> None:
    with pytest.raises(SettingsError, match="calls_per_day 0"):
        SimulationSettings(calls_per_day=0)
    with pytest.raises(SettingsError, match="seed -1"):
        SimulationSettings(seed=-1)
    with pytest.raises(SettingsError, match="context_growth_ratio"):
        Drift(context_growth_ratio=11.0)
