"""Steps as the sum of their kernels."""

import numpy as np
import pytest

from hwmodel.catalog import Deployment, DesignTable
from hwmodel.kernels import kernel_inventory
from hwmodel.timing import step_time_s, time_kernels
from tests.hwmodel.kernels.steps import llm, states
from tests.hwmodel.timing.random_cases import random_designs


def test_step_time_is_the_sum_over_kernels_and_layers_and_the_host() -> None:
    designs = random_designs(np.random.default_rng(1), 3)
    kernels = kernel_inventory(
        llm("gpt-oss-120b"), Deployment(tp_count=2), states((0, 0, 8, 800), (0, 0, 0, 0), (64, 0, 8, 800))
    )
    timing = time_kernels(designs, kernels)
    steps = step_time_s(timing, kernels, 3, host_s=0.25)
    for design in range(3):
        for state in (0, 2):
            chosen = kernels.state == state
            by_hand = (timing.latency_s[design] * kernels.repeat_count)[chosen].sum()
            assert steps[design, state] == pytest.approx(by_hand + 0.25)
        assert steps[design, 1] == 0.0


def test_longer_context_and_more_sequences_never_shorten_a_step() -> None:
    designs = random_designs(np.random.default_rng(2), 20)
    rows = [(0.0, 0.0, float(b), float(b * kv)) for b in (1, 2, 8, 32, 128) for kv in (100, 1000, 10_000, 100_000)]
    for llm_id in ("llama-3.1-70b", "deepseek-r1", "gpt-oss-120b"):
        kernels = kernel_inventory(llm(llm_id), Deployment(tp_count=8), states(*rows))
        steps = step_time_s(time_kernels(designs, kernels), kernels, len(rows), host_s=0.0).reshape(20, 5, 4)
        assert (np.diff(steps, axis=1) >= -1e-12).all()
        assert (np.diff(steps, axis=2) >= -1e-12).all()


def test_designs_are_kept_in_their_order() -> None:
    designs = random_designs(np.random.default_rng(3), 5)
    kernels = kernel_inventory(llm("llama-3.1-70b"), Deployment(tp_count=1), states((0, 0, 8, 800)))
    steps = step_time_s(time_kernels(designs, kernels), kernels, 1, host_s=0.0)
    for index in range(5):
        alone = DesignTable.of([designs.row(index)])
        assert step_time_s(time_kernels(alone, kernels), kernels, 1, host_s=0.0)[0, 0] == steps[index, 0]
