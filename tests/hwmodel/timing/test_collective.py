"""How the chips of a domain are joined decides which collective is fast."""

from dataclasses import replace

import numpy as np
import pytest

from hwmodel.catalog import FABRICS, BadSpec, DesignTable
from hwmodel.kernels import KernelBatch
from hwmodel.timing import time_kernels
from hwmodel.timing.collective import collective_code
from tests.hwmodel.timing.batches import batch_of
from tests.hwmodel.timing.random_cases import h100

SIZES = np.geomspace(256.0, 1e10, 60)


def seconds(fabric: str, kernels: KernelBatch) -> np.ndarray:
    return np.asarray(time_kernels(DesignTable.of([replace(h100(), fabric=fabric)]), kernels).latency_s[0])


def kernels_of(name: str, ranks: float = 8.0, sizes: np.ndarray = SIZES) -> KernelBatch:
    return replace(batch_of("collective", sizes.size, link_bytes=sizes, ranks_count=ranks), names=(name,))


def test_operations_are_told_by_the_end_of_their_names() -> None:
    names = ("ffn_all_reduce", "logits_all_gather", "expert_dispatch_all_to_all", "reduce_scatter")
    assert [collective_code(name) for name in names] == [0.0, 1.0, 2.0, 1.0]


def test_a_switch_that_adds_up_is_never_slower_and_wins_where_messages_are_large() -> None:
    kernels = kernels_of("all_reduce")
    plain, reducing = seconds("switch", kernels), seconds("reducing_switch", kernels)
    assert (reducing <= plain).all()
    assert reducing[-1] < 0.8 * plain[-1]
    assert (reducing == plain)[:20].all()


@pytest.mark.parametrize("name", ["all_gather", "all_to_all"])
def test_reduction_in_the_switch_does_nothing_for_operations_that_reduce_nothing(name: str) -> None:
    np.testing.assert_array_equal(seconds("switch", kernels_of(name)), seconds("reducing_switch", kernels_of(name)))


@pytest.mark.parametrize("name", ["all_reduce", "all_gather", "all_to_all"])
def test_a_torus_is_never_faster_than_a_switch_and_pays_hops_in_an_all_to_all(name: str) -> None:
    torus, switch = seconds("torus", kernels_of(name, 64.0)), seconds("switch", kernels_of(name, 64.0))
    assert (torus >= switch * (1.0 - 1e-12)).all()
    if name == "all_to_all":
        assert torus[-1] / switch[-1] == pytest.approx(3.0, rel=0.05)  # 3/4 of the cube root of 64


@pytest.mark.parametrize("fabric", FABRICS)
@pytest.mark.parametrize("name", ["all_reduce", "all_gather", "all_to_all"])
def test_more_bytes_more_ranks_and_slower_links_never_save_time(fabric: str, name: str) -> None:
    ranks = np.arange(2.0, 73.0)
    by_size = seconds(fabric, kernels_of(name))
    by_ranks = np.stack([seconds(fabric, kernels_of(name, count)) for count in ranks.tolist()])
    assert (np.diff(by_size) >= 0.0).all()
    assert (np.diff(by_ranks, axis=0) >= -1e-15).all()
    slow = replace(h100(), fabric=fabric, link_bytes_per_s=h100().link_bytes_per_s / 2.0)
    slower = time_kernels(DesignTable.of([slow]), kernels_of(name)).latency_s[0]
    assert (slower >= by_size).all()


def test_an_unknown_fabric_is_refused_by_name() -> None:
    with pytest.raises(BadSpec, match="hypercube"):
        replace(h100(), fabric="hypercube")
