"""Charts as PNG pictures for orchestrator metadata, made without a browser."""

import json
import struct
import textwrap
import zlib
from typing import Any

import altair as alt
import vl_convert

from pipelines.report.charts.frame import INK
from pipelines.report.errors import PictureTooLarge

PICTURE_LIMIT_BYTES = 100_000
"""Metadata is stored in the orchestrator's event log; larger pictures would swell it."""

_WIDTH = 720
_TITLE_CHARACTERS = 96
_PAPER, _PRINT = "#ffffff", "#1f2430"


def chart_png(chart: alt.LayerChart) -> bytes:
    """The chart as a PNG of 720 pixels' width on white paper, with its sentence as the title.

    Raises:
        PictureTooLarge: if it exceeds 100 kB even at scale 0.5.
    """
    spec = chart_spec(chart)
    spec["title"] = {"text": textwrap.wrap(str(spec.get("title", "")), _TITLE_CHARACTERS), "anchor": "start"}
    spec["width"] = _WIDTH
    spec["autosize"] = {"type": "fit-x", "contains": "padding"}
    spec.setdefault("config", {})["background"] = _PAPER
    text = json.dumps(spec).replace(f'"{INK}"', f'"{_PRINT}"')
    for scale in (1.5, 1.0, 0.75, 0.5):
        png = _repacked(bytes(vl_convert.vegalite_to_png(text, scale=scale)))
        if len(png) <= PICTURE_LIMIT_BYTES:
            return png
    raise PictureTooLarge(
        f"picture of {len(png):,} bytes is over the limit of {PICTURE_LIMIT_BYTES:,}: draw fewer points"
    )


def chart_spec(chart: alt.LayerChart) -> dict[str, Any]:
    """The Vega-Lite specification of a chart as plain values."""
    spec: dict[str, Any] = chart.to_dict(validate=False)
    return spec


def _repacked(png: bytes) -> bytes:
    """The same pixels with the strongest deflate: the converter's own is fast and three times as large."""
    packed, rest, position = b"", b"", 8
    while position < len(png):
        (size,) = struct.unpack(">I", png[position : position + 4])
        chunk = png[position : position + 12 + size]
        if chunk[4:8] == b"IDAT":
            packed += chunk[8:-4]
        elif chunk[4:8] != b"IEND":
            rest += chunk
        position += 12 + size
    data = b"IDAT" + zlib.compress(zlib.decompress(packed), 9)
    body = struct.pack(">I", len(data) - 4) + data + struct.pack(">I", zlib.crc32(data))
    end = b"IEND"
    return png[:8] + rest + body + struct.pack(">I", 0) + end + struct.pack(">I", zlib.crc32(end))
