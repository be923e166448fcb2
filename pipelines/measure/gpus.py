"""Names of GPUs: what a driver calls them, what tables call them, which chip of the catalogue they are."""

from collections.abc import Mapping
from types import MappingProxyType

from hwmodel.silicon.tables import CHIP_OF_GPU
from pipelines.errors import BadInput

GPU_OF_DEVICE: Mapping[str, str] = MappingProxyType(
    {
        "NVIDIA A100-SXM4-80GB": "a100_sxm",
        "NVIDIA H100 80GB HBM3": "h100_sxm",
        "NVIDIA H200": "h200_sxm",
        "NVIDIA B200": "b200_sxm",
        "NVIDIA B300 SXM6 AC": "b300_sxm",
        "NVIDIA GB200": "gb200",
        "NVIDIA GB300": "gb300",
        "NVIDIA L40S": "l40s",
        "NVIDIA RTX PRO 6000 Blackwell Server Edition": "rtx_pro_6000_server",
        "NVIDIA A40": "a40",
        "NVIDIA A800-SXM4-80GB": "a800_sxm",
        "NVIDIA H20": "h20",
        "NVIDIA H800": "h800",
        "NVIDIA L4": "l4",
        "NVIDIA L20": "l20",
        "NVIDIA L40": "l40",
        "NVIDIA GeForce RTX 4090": "rtx_4090",
        "NVIDIA RTX 6000 Ada Generation": "rtx_6000_ada",
        "NVIDIA RTX A6000": "rtx_a6000",
    }
)
"""Name in the tables by the driver's name; the first nine as the package's tables pair them, the others after the
names that these products are sold under."""


def gpu_of(device: str, chip: str | None) -> str:
    """Name in the tables of the GPU at hand.

    Args:
        device: What the driver calls it.
        chip: Which chip of the catalogue it is said to be; None to go by the driver's name.

    Raises:
        BadInput: The driver's name is not known, or no table names that chip.
    """
    gpus = {known: gpu for gpu, known in CHIP_OF_GPU.items()}
    if chip is None:
        if device not in GPU_OF_DEVICE:
            raise BadInput(
                f"{device} is no GPU known by its name; say with --chip which of these it is: {', '.join(gpus)}"
            )
        return GPU_OF_DEVICE[device]
    if chip not in gpus:
        raise BadInput(f"no table can name the chip {chip!r}; known: {', '.join(gpus)}")
    return gpus[chip]
