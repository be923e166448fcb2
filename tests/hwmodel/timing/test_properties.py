"""Properties that the timing model must keep on any design and any kernel."""

from dataclasses import fields, replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hwmodel.catalog import DesignTable
from hwmodel.timing import KernelTiming, time_kernels
from tests.hwmodel.timing.random_cases import (
    FAMILIES,
    LARGER_IS_BETTER,
    SMALLER_IS_BETTER,
    random_designs,
    rows_of,
    with_column,
)
from warehouse.contracts.vocabulary import BindingResource

TOLERANCE = 1.0 + 1e-9
DESIGNS, KERNELS = 12, 60
seeds = st.integers(0, 2**32 - 1)
dtypes = st.integers(0, 4)
growths = st.one_of(st.just(1.0), st.floats(1.0, 1.2), st.floats(1.0, 8.0))


@pytest.mark.parametrize("family", FAMILIES)
@given(seed=seeds, dtype_code=dtypes, growth=growths)
def test_more_of_any_resource_is_never_slower(family: str, seed: int, dtype_code: int, growth: float) -> None:
    rng = np.random.default_rng(seed)
    designs = random_designs(rng, DESIGNS)
    sizes_of, kernels_of = FAMILIES[family]
    kernels = kernels_of(sizes_of(rng, KERNELS), dtype_code)
    before = time_kernels(designs, kernels).latency_s
    for name in LARGER_IS_BETTER:
        after = time_kernels(with_column(designs, name, _grown(getattr(designs, name), growth, name)), kernels)
        assert (after.latency_s <= before * TOLERANCE).all(), name
    for name in SMALLER_IS_BETTER:
        after = time_kernels(with_column(designs, name, getattr(designs, name) / growth), kernels)
        assert (after.latency_s <= before * TOLERANCE).all(), name


def _grown(values: np.ndarray, growth: float, name: str) -> np.ndarray:
    return np.ceil(values * growth) if name == "cores_count" else values * growth


@pytest.mark.parametrize("family", FAMILIES)
@given(seed=seeds, dtype_code=dtypes, growth=growths)
def test_more_work_is_never_faster(family: str, seed: int, dtype_code: int, growth: float) -> None:
    rng = np.random.default_rng(seed)
    designs = random_designs(rng, DESIGNS)
    sizes_of, kernels_of = FAMILIES[family]
    sizes = sizes_of(rng, KERNELS)
    before = time_kernels(designs, kernels_of(sizes, dtype_code)).latency_s
    for name, values in sizes.items():
        for larger in (np.ceil(values * growth), values + 1.0):
            after = time_kernels(designs, kernels_of({**sizes, name: np.maximum(larger, values)}, dtype_code))
            assert (after.latency_s * TOLERANCE >= before).all(), name


@pytest.mark.parametrize("family", FAMILIES)
@given(seed=seeds, dtype_code=dtypes)
def test_latency_is_finite_and_at_least_the_bound_and_every_part(family: str, seed: int, dtype_code: int) -> None:
    timing = _random_timing(family, seed, dtype_code)
    for field in fields(KernelTiming):
        values = getattr(timing, field.name)
        assert np.isfinite(values).all()
        assert (values >= 0).all(), field.name
    assert (timing.bound_s <= timing.latency_s).all()
    for name in ("matrix_s", "vector_s", "exponent_s", "l2_s", "hbm_s", "link_s", "fixed_s"):
        assert (getattr(timing, name) <= timing.latency_s * TOLERANCE).all(), name


@pytest.mark.parametrize("family", FAMILIES)
@given(seed=seeds, dtype_code=dtypes)
def test_the_binding_resource_is_the_largest_part(family: str, seed: int, dtype_code: int) -> None:
    timing = _random_timing(family, seed, dtype_code)
    part_of = {resource: f"{resource.value}_s" for resource in BindingResource} | {BindingResource.LATENCY: "fixed_s"}
    parts = np.stack([getattr(timing, part_of[resource]) for resource in BindingResource])
    chosen = np.take_along_axis(parts, timing.binding_code[None], axis=0)[0]
    np.testing.assert_array_equal(chosen, parts.max(axis=0))


def _random_timing(family: str, seed: int, dtype_code: int) -> KernelTiming:
    rng = np.random.default_rng(seed)
    sizes_of, kernels_of = FAMILIES[family]
    return time_kernels(random_designs(rng, DESIGNS), kernels_of(sizes_of(rng, KERNELS), dtype_code))


@pytest.mark.parametrize("family", FAMILIES)
@given(seed=seeds, dtype_code=dtypes)
def test_a_table_equals_one_design_and_one_kernel_at_a_time(family: str, seed: int, dtype_code: int) -> None:
    rng = np.random.default_rng(seed)
    designs = random_designs(rng, 3)
    sizes_of, kernels_of = FAMILIES[family]
    kernels = kernels_of(sizes_of(rng, 5), dtype_code)
    table = time_kernels(designs, kernels)
    for design in range(3):
        for kernel in range(5):
            alone = time_kernels(DesignTable.of([designs.row(design)]), rows_of(kernels, np.array([kernel])))
            for field in fields(KernelTiming):
                assert getattr(alone, field.name)[0, 0] == getattr(table, field.name)[design, kernel], field.name


@pytest.mark.parametrize("family", FAMILIES)
@given(seed=seeds, dtype_code=dtypes)
def test_permuted_kernels_give_permuted_times(family: str, seed: int, dtype_code: int) -> None:
    rng = np.random.default_rng(seed)
    designs = random_designs(rng, 4)
    sizes_of, kernels_of = FAMILIES[family]
    kernels = kernels_of(sizes_of(rng, KERNELS), dtype_code)
    kernels = replace(kernels, state=rng.integers(0, 9, KERNELS))
    order = rng.permutation(KERNELS)
    straight, permuted = time_kernels(designs, kernels), time_kernels(designs, rows_of(kernels, order))
    np.testing.assert_allclose(permuted.latency_s, straight.latency_s[:, order], rtol=1e-12)
