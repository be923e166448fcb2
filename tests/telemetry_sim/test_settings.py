from dataclasses import replace
from datetime import date, timedelta

import pytest

from telemetry_sim import (
    DEFAULT_SURFACE_SHARES,
    Drift,
    FlashCrowd,
    SettingsError,
    SimulationSettings,
    simulate_day,
    surface_parameters,
)
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


def test_parameters_given_replace_those_shipped_and_no_others() -> None:
    chat = surface_parameters(Surface.LONG_CONTEXT_CHAT)
    changed = replace(chat, volume=replace(chat.volume, mean_calls_per_session_count=6.5))
    settings = SimulationSettings(surfaces={Surface.LONG_CONTEXT_CHAT: changed})
    assert settings.parameters_of(Surface.LONG_CONTEXT_CHAT) is changed
    assert settings.parameters_of(Surface.MULTIMODAL) is surface_parameters(Surface.MULTIMODAL)
    assert settings.sessions_of(Surface.LONG_CONTEXT_CHAT) == pytest.approx(72_000 * 0.12 / 6.5)


def test_the_incumbent_follows_the_parameters_given() -> None:
    chat = surface_parameters(Surface.LONG_CONTEXT_CHAT)
    slow = replace(chat, latency=replace(chat.latency, fixed_s=40.0))
    shares = {Surface.LONG_CONTEXT_CHAT: 1.0}
    settings = SimulationSettings(calls_per_day=2000, surface_shares=shares, abandonment=False)
    day = date(2026, 6, 2)
    usual, changed = (
        simulate_day(each, day).model_calls["ttft_s"].drop_nulls().to_numpy()
        for each in (settings, replace(settings, surfaces={Surface.LONG_CONTEXT_CHAT: slow}))
    )
    assert changed.mean() > usual.mean() + 30.0


def test_parameters_of_another_surface_are_refused() -> None:
    with pytest.raises(SettingsError, match="codex_loop is given multimodal"):
        SimulationSettings(surfaces={Surface.CODEX_LOOP: surface_parameters(Surface.MULTIMODAL)})


def test_planted_crowds_reach_their_surface_on_their_day_and_the_next() -> None:
    day = date(2026, 6, 2)
    crowd = FlashCrowd(surface=Surface.CODEX_LOOP, day=day, onset_s=80_000.0, height_ratio=3.0)
    settings = SimulationSettings(crowds=(crowd,))
    reached = [crowd in settings.crowds_of(Surface.CODEX_LOOP, day + timedelta(days=shift)) for shift in (-1, 0, 1, 2)]
    assert reached == [False, True, True, False]
    assert crowd not in settings.crowds_of(Surface.API_BURST, day)
