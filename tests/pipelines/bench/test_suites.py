"""Each benchmark suite runs and says what it is held against; none asserts a time."""

import pytest

from pipelines.bench import SUITES, run_suite
from pipelines.errors import BadInput


@pytest.mark.slow
@pytest.mark.parametrize("suite", SUITES)
def test_a_suite_measures_a_positive_rate_beside_its_rival(suite: str) -> None:
    rows = run_suite(suite)
    assert rows
    assert all(row.suite == suite and row.value > 0.0 and row.unit for row in rows)
    assert any(row.against_value for row in rows)


def test_an_unknown_suite_is_refused_with_the_names_of_the_others() -> None:
    with pytest.raises(BadInput, match="timing-speed"):
        run_suite("nonsense")
