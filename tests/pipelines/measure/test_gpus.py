"""Names of GPUs lead to chips of the catalogue, or to a refusal that says which names would."""

import pytest

from hwmodel.silicon.tables import CHIP_OF_GPU
from pipelines.errors import BadInput
from pipelines.measure.gpus import GPU_OF_DEVICE, gpu_of


def test_every_driver_name_leads_to_a_gpu_that_tables_can_name() -> None:
    assert set(GPU_OF_DEVICE.values()) == set(CHIP_OF_GPU)


def test_a_gpu_goes_by_the_name_of_its_driver_unless_a_chip_is_named() -> None:
    assert gpu_of("NVIDIA H200", None) == "h200_sxm"
    assert gpu_of("NVIDIA H200 NVL", "h200-sxm") == "h200_sxm"
    assert gpu_of("NVIDIA GeForce RTX 4090", None) == "rtx_4090"


def test_a_gpu_that_nobody_named_is_refused_with_the_way_out() -> None:
    with pytest.raises(BadInput, match=r"Quadro 1 is no GPU known by its name; say with --chip .*h100-sxm"):
        gpu_of("Quadro 1", None)
    with pytest.raises(BadInput, match=r"'mi300x'; known: .*h100-sxm"):
        gpu_of("NVIDIA H200", "mi300x")
