"""Draws by name: uniform, independent of order, and unlike between neighbours."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import kstest

from telemetry_sim.streams import child_keys, normals, root_key, uniforms

KEYS = child_keys(root_key(7, 2), np.arange(50_000))


def test_uniform_draws_are_uniform_in_every_draw_number() -> None:
    for draw in (0, 1, 2, 17):
        assert kstest(uniforms(KEYS, draw), "uniform").pvalue > 1e-3


def test_normal_draws_are_standard_normal() -> None:
    assert kstest(normals(KEYS, 3), "norm").pvalue > 1e-3


def test_neighbouring_streams_and_draws_are_uncorrelated() -> None:
    first, second = uniforms(KEYS, 0), uniforms(KEYS, 1)
    limit = 4.0 / np.sqrt(len(KEYS))
    assert abs(np.corrcoef(first, second)[0, 1]) < limit
    assert abs(np.corrcoef(first[:-1], first[1:])[0, 1]) < limit
    assert abs(np.corrcoef(first, uniforms(child_keys(root_key(8, 2), np.arange(50_000)), 0))[0, 1]) < limit


@given(seed=st.integers(0, 2**63 - 1), numbers=st.lists(st.integers(0, 2**40), min_size=1, max_size=4, unique=True))
def test_a_stream_does_not_depend_on_who_else_draws(seed: int, numbers: list[int]) -> None:
    together = uniforms(child_keys(root_key(seed), np.asarray(numbers)), 5)
    alone = [float(uniforms(child_keys(root_key(seed), number), 5)) for number in numbers]
    assert together.tolist() == alone
    assert ((together > 0.0) & (together < 1.0)).all()


def test_keys_of_different_paths_differ() -> None:
    paths = [root_key(1, a, b) for a in range(60) for b in range(60)] + [root_key(1, a) for a in range(60)]
    assert len(set(paths)) == len(paths)


def test_a_known_key_gives_its_known_draws() -> None:
    """Snapshot: a change of these numbers changes all telemetry of all seeds."""
    assert [round(float(uniforms(root_key(7, 1, 2), draw)), 12) for draw in range(2)] == SNAPSHOT


SNAPSHOT = [0.550358867994, 0.725186417975]
