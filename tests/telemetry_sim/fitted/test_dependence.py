"""The table of dependence: the second quantity stays uniform and follows the first one as told."""

import numpy as np
import pytest

from telemetry_sim.fitted.dependence import shares_given

TABLE = ((0.8, 0.2), (0.2, 0.8))


def test_the_second_quantity_stays_uniform_and_depends_as_the_table_says() -> None:
    generator = np.random.default_rng(1)
    given, drawn = generator.random(200_000), generator.random(200_000)
    made = shares_given(TABLE, given, drawn)
    assert np.quantile(made, [0.1, 0.25, 0.5, 0.75, 0.9]) == pytest.approx([0.1, 0.25, 0.5, 0.75, 0.9], abs=0.005)
    assert ((made < 0.5) == (given < 0.5)).mean() == pytest.approx(0.8, abs=0.005)


def test_an_even_table_leaves_the_draw_as_it_is() -> None:
    drawn = np.linspace(0.01, 0.99, 99)
    even = ((1 / 3,) * 3,) * 3
    assert shares_given(even, drawn[::-1], drawn) == pytest.approx(drawn)
