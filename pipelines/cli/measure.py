"""Command that measures kernels on the GPU at hand."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from pipelines.cli.exits import told
from pipelines.cli.lists import names_of

PANEL = "Hardware"
EVERY_FAMILY = "gemm,attn_prefill,attn_decode,quantise"


class Device(StrEnum):
    """Where kernels run."""

    CUDA = "cuda"
    CPU = "cpu"


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command("measure", rich_help_panel=PANEL)(measure)


@told
def measure(
    out: Annotated[Path, typer.Option(help="Folder that gets a table per family; others may lie beside them.")],
    families: Annotated[str, typer.Option(help="What to measure, by comma.")] = EVERY_FAMILY,
    device: Annotated[
        Device, typer.Option(help="A CPU only tries the measuring out: no calibration takes its rows.")
    ] = Device.CUDA,
    chip: Annotated[
        str | None, typer.Option(help="Id of the GPU in the catalogue (default: by the driver's name).")
    ] = None,
    flush_cache: Annotated[
        bool, typer.Option("--flush-cache", help="Overwrite the L2 cache before each call.")
    ] = False,
) -> None:
    """Time kernels on the GPU at hand into tables that a calibration reads (needs torch: the extra `measure`)."""
    from pipelines.errors import BadInput  # noqa: PLC0415 - keeps --help fast
    from pipelines.measure import FAMILIES, Plan, measure_to  # noqa: PLC0415
    from pipelines.measure.grid import SERVING, TRIAL  # noqa: PLC0415
    from pipelines.measure.torch_machine import torch_machine  # noqa: PLC0415

    names = names_of(families)
    unknown = [name for name in names if name not in FAMILIES]
    if unknown or not names:
        raise BadInput(f"--families {families!r}: nothing like it is measured; take some of {', '.join(FAMILIES)}")
    machine = torch_machine(device.value, chip)
    sizes = TRIAL if device is Device.CPU else SERVING
    measure_to(out, machine, names, sizes, Plan(is_flushed=flush_cache), told=typer.echo)
