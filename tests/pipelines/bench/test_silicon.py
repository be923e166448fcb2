"""The suite `timing-speed`: distinct kernels are counted, and each promise has a row with its limit."""

import pytest

from pipelines.bench import silicon


def test_a_grid_is_of_as_many_distinct_kernels_as_it_says_and_has_time_and_memory_beside_their_limits(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(silicon, "DESIGNS_COUNT", 3)
    rows = silicon.timing_speed()
    assert [(row.unit, row.against_value) for row in rows] == [
        ("evaluations/CPU-s", 5e5),
        ("CPU-s", 1.0),
        ("GB at the peak", 2.0),
    ]
    assert [row.case for row in rows[1:]] == ["3 designs x 300 distinct kernels"] * 2
    assert all(row.value > 0.0 for row in rows)
