"""Laws of lengths and times: one lognormal, mixtures and Pareto tails give the distributions they declare."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm

from telemetry_sim.laws import NORMALS, TimeLaw, TokenLaw, drawn_count, drawn_value
from telemetry_sim.streams import child_keys, normals, root_key

DRAWS = normals(child_keys(root_key(11), np.arange(200_000)), 0)


@given(median=st.floats(1.0, 1e6), sigma=st.floats(0.0, 3.0))
def test_a_law_without_parts_is_the_lognormal_itself(median: float, sigma: float) -> None:
    law = TimeLaw(median_s=median, sigma_ratio=sigma)
    some = np.array([-3.0, -0.5, 0.0, 1.25, 2.75])
    assert law.times_s(some) == pytest.approx(median * np.exp(sigma * some), rel=1e-9)


def test_a_mixture_has_the_distribution_of_its_parts() -> None:
    law = TokenLaw(
        median_tokens=100.0,
        sigma_ratio=0.5,
        part_share_ratio=(0.3,),
        part_median_tokens=(5_000.0,),
        part_sigma_ratio=(0.2,),
    )
    drawn = law.tokens(DRAWS)
    for at in (50.0, 100.0, 400.0, 4_000.0, 6_000.0):
        expected = 0.7 * norm.cdf(np.log(at / 100.0) / 0.5) + 0.3 * norm.cdf(np.log(at / 5_000.0) / 0.2)
        assert float((drawn <= at).mean()) == pytest.approx(float(expected), abs=0.006)


def test_a_pareto_tail_falls_by_its_index_and_has_its_share() -> None:
    law = TimeLaw(median_s=1.0, sigma_ratio=0.1, tail_share_ratio=0.2, tail_start_s=10.0, tail_index_ratio=1.5)
    drawn = law.times_s(DRAWS)
    assert float((drawn > 10.0).mean()) == pytest.approx(0.2, abs=0.005)
    assert float((drawn > 40.0).mean()) == pytest.approx(0.2 * 4.0**-1.5, abs=0.003)


def test_compiled_loops_and_arrays_draw_the_same_values() -> None:
    law = TokenLaw(
        median_tokens=30.0,
        sigma_ratio=1.0,
        part_share_ratio=(0.4,),
        part_median_tokens=(900.0,),
        part_sigma_ratio=(0.3,),
    )
    table = law.log_table()
    some = DRAWS[:500]
    assert [drawn_count(table, normal, 1.0) for normal in some] == law.tokens(some).tolist()
    beyond = [drawn_value(table, normal) for normal in (-50.0, 50.0)]
    assert beyond == pytest.approx(np.exp([table[0], table[-1]]), rel=1e-4)


def test_a_quantile_never_falls() -> None:
    law = TimeLaw(
        median_s=2.0,
        sigma_ratio=0.3,
        part_share_ratio=(0.2, 0.1),
        part_median_s=(60.0, 0.1),
        part_sigma_ratio=(1.0, 0.4),
        tail_share_ratio=0.05,
        tail_start_s=100.0,
        tail_index_ratio=1.1,
    )
    assert len(law.log_table()) == len(NORMALS)
    assert np.all(np.diff(law.log_table()) >= 0.0)
