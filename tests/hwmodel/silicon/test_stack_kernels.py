"""Which kernel a stack runs: the one that it ran at shapes like the one asked for, and none of another stack."""

import numpy as np
import polars as pl
import pytest

from hwmodel.silicon.stack_kernels import KernelChoices, fit_kernel_choices

ROWS = 300


def ran(seed: int = 0) -> tuple[pl.DataFrame, np.ndarray]:
    """One stack takes `long` above 0.6 of the second feature; another has one kernel."""
    features = np.random.default_rng(seed).uniform(0.0, 1.0, (2 * ROWS, 2)).astype(np.float32)
    kernel = np.where(features[:, 1] > 0.6, "long", "brief")
    kernel[ROWS:] = "only"
    return pl.DataFrame({"backend": ["one"] * ROWS + ["other"] * ROWS, "kernel": kernel, "dtype": "fp8"}), features


@pytest.fixture(scope="module")
def choices() -> KernelChoices:
    return fit_kernel_choices(*ran())


def test_the_kernel_of_shapes_that_were_not_seen_is_found(choices: KernelChoices) -> None:
    rows, features = ran(seed=1)
    told = choices.kernels(rows, features)
    right = np.array(told) == rows["kernel"].to_numpy()
    assert right.mean() > 0.98
    assert set(told[ROWS:]) == {"only"}


def test_a_backend_or_a_format_that_was_not_measured_runs_no_known_kernel(choices: KernelChoices) -> None:
    rows, features = ran()
    for change in ({"backend": "third"}, {"dtype": "bfloat16"}):
        changed = rows.with_columns(**{name: pl.lit(value) for name, value in change.items()})
        assert choices.kernels(changed, features) == [None] * len(rows)
