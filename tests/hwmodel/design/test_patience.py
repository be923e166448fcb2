"""What users will bear: hazards pooled by risk, applied inside sessions in the order of time."""

from datetime import date

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hwmodel.design import AbandonmentModel
from warehouse.contracts import SURFACES, AbandonmentCurve

CHAT, CODEX = SURFACES.index("long_context_chat"), SURFACES.index("codex_loop")


def curve(*rows: tuple[str, float, int, int, float]) -> pl.DataFrame:
    """Rows of surface, lower edge, day of the month, calls at risk, hazard."""
    return AbandonmentCurve.validate(
        pl.DataFrame(
            [
                {
                    "surface": surface,
                    "wait_low_s": low,
                    "wait_high_s": None,
                    "day": date(2026, 6, day),
                    "at_risk_count": risk,
                    "left_count": round(risk * hazard),
                    "hazard_ratio": hazard,
                    "hazard_low_ratio": hazard / 2,
                    "hazard_high_ratio": min(1.0, hazard * 2),
                    "answered_count": risk,
                    "left_waiting_count": 0,
                    "survival_ratio": 1.0,
                    "survival_low_ratio": 1.0,
                    "survival_high_ratio": 1.0,
                    "leave_ratio": hazard,
                    "leave_low_ratio": hazard / 2,
                    "leave_high_ratio": min(1.0, hazard * 2),
                }
                for surface, low, day, risk, hazard in rows
            ]
        ),
        cast=True,
    )


CHAT_CURVE = curve(("long_context_chat", 0.0, 1, 100, 0.1), ("long_context_chat", 5.0, 1, 100, 0.5))


def stays(
    model: AbandonmentModel, surface: int, sessions: list[int], times: list[float], waits: list[float]
) -> list[float]:
    found = model.stays(np.full(len(sessions), surface), np.array(sessions), np.array(times), np.array(waits))
    return [float(value) for value in found]


def test_days_are_pooled_by_calls_at_risk() -> None:
    model = AbandonmentModel.of(curve(("codex_loop", 0.0, 1, 300, 0.1), ("codex_loop", 0.0, 2, 100, 0.5)))
    assert model.hazard_at(np.array([CODEX]), np.array([1.0])).tolist() == pytest.approx([0.2])


def test_a_wait_falls_into_the_band_whose_lower_edge_it_reaches() -> None:
    model = AbandonmentModel.of(CHAT_CURVE)
    waits = np.array([0.0, 4.999, 5.0, 1e6])
    assert model.hazard_at(np.full(4, CHAT), waits).tolist() == [0.1, 0.1, 0.5, 0.5]


def test_the_ends_of_the_interval_are_bands_of_their_own() -> None:
    hazards = [
        AbandonmentModel.of(CHAT_CURVE, band=band).hazard_at(np.array([CHAT]), np.array([1.0]))[0]
        for band in ("leave_low_ratio", "leave_ratio", "leave_high_ratio")
    ]
    assert hazards == pytest.approx([0.05, 0.1, 0.2])


def test_a_band_nobody_was_seen_in_makes_nobody_leave() -> None:
    model = AbandonmentModel.of(curve(("codex_loop", 0.0, 1, 0, 0.9)))
    assert model.hazard_at(np.array([CODEX]), np.array([1.0])).tolist() == [0.0]


def test_surfaces_that_telemetry_tells_nothing_about_never_leave() -> None:
    model = AbandonmentModel.of(CHAT_CURVE)
    assert model.hazard_at(np.array([CODEX]), np.array([1e5])).tolist() == [0.0]


def test_a_call_that_is_never_answered_is_left_on_every_surface() -> None:
    for model in (AbandonmentModel.of(CHAT_CURVE), AbandonmentModel.nobody_leaves()):
        assert model.hazard_at(np.array([CHAT, CODEX]), np.full(2, np.nan)).tolist() == [1.0, 1.0]


def test_staying_multiplies_inside_a_session_in_the_order_of_time() -> None:
    model = AbandonmentModel.of(CHAT_CURVE)
    found = stays(model, CHAT, [7, 7, 7], times=[30.0, 10.0, 20.0], waits=[1.0, 9.0, 1.0])
    assert found == pytest.approx([0.5 * 0.9 * 0.9, 0.5, 0.5 * 0.9])


def test_one_session_does_not_tire_another() -> None:
    model = AbandonmentModel.of(CHAT_CURVE)
    found = stays(model, CHAT, [3, 0, 3, 0], times=[1.0, 2.0, 3.0, 4.0], waits=[9.0, 1.0, 9.0, 1.0])
    assert found == pytest.approx([0.5, 0.9, 0.25, 0.81])


def test_a_session_whose_call_is_never_answered_is_over() -> None:
    found = stays(AbandonmentModel.nobody_leaves(), CHAT, [0, 0, 1], times=[1.0, 2.0, 1.0], waits=[np.nan, 1.0, 1.0])
    assert found == pytest.approx([0.0, 0.0, 1.0], abs=1e-9)


def test_a_call_that_was_never_made_comes_last_in_its_session() -> None:
    found = stays(AbandonmentModel.nobody_leaves(), CHAT, [0, 0], times=[np.nan, 1.0], waits=[np.nan, 1.0])
    assert found == pytest.approx([0.0, 1.0], abs=1e-9)


def test_switched_off_everyone_stays() -> None:
    rng = np.random.default_rng(0)
    model = AbandonmentModel.nobody_leaves()
    surface, session = rng.integers(0, len(SURFACES), 200), rng.integers(0, 20, 200)
    assert model.stays(surface, session, rng.random(200), rng.random(200) * 100.0).tolist() == [1.0] * 200


@given(st.lists(st.tuples(st.integers(0, 4), st.floats(0.0, 100.0), st.floats(0.0, 20.0)), min_size=1, max_size=40))
def test_staying_agrees_with_a_walk_through_each_session(calls: list[tuple[int, float, float]]) -> None:
    model = AbandonmentModel.of(CHAT_CURVE)
    sessions, times, waits = (list(column) for column in zip(*calls, strict=True))
    found = stays(model, CHAT, sessions, times, waits)
    left: dict[int, float] = {}
    for at in sorted(range(len(calls)), key=lambda i: times[i]):
        left[sessions[at]] = left.get(sessions[at], 1.0) * (0.5 if waits[at] >= 5.0 else 0.9)
        assert found[at] == pytest.approx(left[sessions[at]])
