"""What a bill justifies."""

import polars as pl
import pytest

from hwmodel.design.explain import justifications
from hwmodel.design.explain.shift import CARRIES_RATIO, Justification


def bill(**shares: tuple[float, float]) -> pl.DataFrame:
    return pl.DataFrame(
        [
            {
                "dimension": "binding_resource",
                "name": name,
                "baseline_time_ratio": before,
                "design_time_ratio": after,
                "baseline_cost_ratio": before,
                "design_cost_ratio": after,
            }
            for name, (before, after) in shares.items()
        ]
    )


def judged(parameter: str, change: tuple[float, float], **shares: tuple[float, float]) -> Justification:
    return justifications({parameter: change}, bill(**shares))[0]


def test_more_memory_rate_is_justified_where_memory_carries_time() -> None:
    found = judged("hbm_generation", (0.0, 1.0), hbm=(0.7, 0.5), latency=(0.3, 0.5))
    assert (found.reason, found.is_justified, found.gives) == ("relieves", True, True)
    assert (found.before_ratio, found.after_ratio) == pytest.approx((0.7, 0.5))


def test_a_limiter_that_carries_no_time_justifies_nothing() -> None:
    found = judged("link_bytes_per_s", (1.0, 2.0), link=(CARRIES_RATIO * 0.9, 0.01), hbm=(0.95, 0.99))
    assert (found.reason, found.is_justified) == ("idle", False)


def test_memory_that_no_kernel_waits_for_may_still_give_room() -> None:
    assert judged("hbm_stacks_count", (5.0, 6.0), hbm=(0.01, 0.01), matrix=(0.99, 0.99)).reason == "room"


def test_less_latency_is_more_of_a_resource() -> None:
    found = judged("launch_latency_s", (1.0, 0.5), latency=(0.5, 0.3), hbm=(0.5, 0.7))
    assert (found.reason, found.gives) == ("relieves", True)


def test_taking_from_what_becomes_the_limiter_is_not_justified() -> None:
    shares = {"matrix": (0.2, 0.8), "hbm": (0.8, 0.2)}
    assert judged("matrix_flop_per_clk", (4.0, 2.0), **shares).reason == "starves"
    spare = {"matrix": (0.1, 0.2), "hbm": (0.9, 0.8)}
    assert judged("matrix_flop_per_clk", (4.0, 2.0), **spare).is_justified


def test_a_parameter_that_the_bill_does_not_tell_apart_is_said_to_be_unknown() -> None:
    assert judged("price_of_tea", (1.0, 2.0), hbm=(1.0, 1.0)).reason == "unknown"
