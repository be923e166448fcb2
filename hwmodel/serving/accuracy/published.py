"""Published serving points, each beside what the engine on the chip model says of the same chip, LLM and load."""

from dataclasses import dataclass, replace
from functools import cache
from statistics import median

from hwmodel.catalog import LlmSpec, load_catalog
from hwmodel.serving.accuracy.best_load import Load, best_load
from hwmodel.serving.accuracy.deployed import chip_named

MEDIAN_BAR = 0.20
CHIPS = {
    "h100": "h100-sxm",
    "h200": "h200-sxm",
    "b200": "b200-sxm",
    "gb200": "gb200-nvl72",
    "gb300": "gb300-nvl72",
    "mi300x": "mi300x",
    "mi325x": "mi325x",
    "mi355x": "mi355x",
}
BLACKWELL = frozenset({"b200", "gb200", "gb300", "mi355x"})
"""Chips on which the published runs multiply in 4 bits; the others in 8."""
LLAMA2_VOCABULARY = 32_000
NOT_EXPRESSED = "one fleet with split prefill, experts over more ranks than a server has: not expressed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """One load of one LLM, published for several chips in output tokens per second and chip."""

    source: str
    llm: str
    workload: str
    load: Load | None
    """None where it cannot be expressed."""
    values: dict[str, float]
    note: str = ""


POINTS = (
    Point(
        source="trtllm",
        llm="gpt-oss-120b",
        workload="1k/1k max load",
        load=Load(input_tokens=1024, output_tokens=1024),
        values={"h100": 4715, "h200": 6798, "b200": 25870, "gb200": 26609},
    ),
    Point(
        source="trtllm",
        llm="llama-3.1-70b",
        workload="1k/1k max load",
        load=Load(input_tokens=1024, output_tokens=1024),
        values={"h100": 2209, "h200": 2582, "b200": 6842, "gb200": 7751},
        note="Llama-3.3-70B, the same layers",
    ),
    Point(
        source="trtllm",
        llm="deepseek-r1",
        workload="1k/1k max load",
        load=Load(input_tokens=1024, output_tokens=1024),
        values={"h200": 1620, "b200": 6430, "gb200": 6924},
    ),
    Point(
        source="mlperf51",
        llm="llama2-70b",
        workload="offline",
        load=Load(input_tokens=294, output_tokens=294),
        values={"h100": 3902, "h200": 4415, "b200": 12864, "gb200": 13015, "mi300x": 3482, "mi325x": 4319},
        note="lengths recalled: means of the MLPerf data set",
    ),
    Point(
        source="mlperf51",
        llm="llama2-70b",
        workload="interactive",
        load=Load(input_tokens=294, output_tokens=294, tpot_limit_s=0.040, ttft_limit_s=0.450),
        values={"h200": 2885, "b200": 7856, "mi325x": 2356},
        note="limits hold for 99 % of published calls, for the mean of ours",
    ),
    Point(
        source="mlperf51",
        llm="deepseek-r1",
        workload="offline",
        load=Load(input_tokens=800, output_tokens=3880),
        values={"b200": 4172, "gb200": 4024, "gb300": 5842},
        note="lengths recalled: means of the MLPerf data set",
    ),
    Point(
        source="mlperf51",
        llm="deepseek-r1",
        workload="server",
        load=Load(input_tokens=800, output_tokens=3880, tpot_limit_s=0.080, ttft_limit_s=2.0),
        values={"b200": 2324, "gb200": 2328, "gb300": 2907},
        note="lengths recalled: means of the MLPerf data set; limits hold for 99 % of published calls, for the mean of "
        "ours",
    ),
    Point(
        source="mlperf51",
        llm="llama-3.1-405b",
        workload="offline",
        load=Load(input_tokens=9428, output_tokens=684),
        values={"h200": 69, "b200": 208, "gb200": 214, "gb300": 224},
        note="lengths recalled: means of the MLPerf data set",
    ),
    Point(
        source="ix",
        llm="gpt-oss-120b",
        workload="1k/8k at 90 tok/s/user",
        load=Load(input_tokens=1024, output_tokens=8192, tpot_limit_s=1.0 / 90.0),
        values={"h100": 1557, "b200": 6076, "mi300x": 1343, "mi355x": 6758},
        note="published per megawatt, times the all-in power of a chip",
    ),
    Point(
        source="dsday6",
        llm="deepseek-r1",
        workload="production day, out tok/s per H800",
        load=None,
        values={"h800": 1850},
        note=NOT_EXPRESSED,
    ),
    Point(
        source="lmsys",
        llm="deepseek-r1",
        workload="2k in, 96 H100, out tok/s per H100",
        load=None,
        values={"h100": 2788},
        note=NOT_EXPRESSED,
    ),
)
"""The table of the research note on hardware lanes, section 6, in output tokens per second and chip."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedRow:
    """One published number and ours."""

    case: str
    source: str
    model: str
    chip: str
    workload: str
    precision: str
    published: float
    """Output tokens per second and chip."""
    ours: float | None
    error: float | None
    """Ours over published, less 1."""
    tp: int | None
    ep: int | None
    attention_dp: int | None
    concurrency: int | None
    note: str


def published_rows() -> list[PublishedRow]:
    """Every point; the last row holds the median error of those that could be run, beside its bar."""
    rows = [_row(point, chip, value) for point in POINTS for chip, value in point.values.items()]
    found = [abs(row.error) for row in rows if row.error is not None]
    middle = median(found)
    summary = PublishedRow(
        case="published",
        source="all",
        model="all",
        chip="all",
        workload=f"median error of {len(found)} of {len(rows)} points",
        precision="",
        published=MEDIAN_BAR,
        ours=middle,
        error=None,
        tp=None,
        ep=None,
        attention_dp=None,
        concurrency=None,
        note="meets the bar" if middle <= MEDIAN_BAR else "misses the bar",
    )
    return [*rows, summary]


def _row(point: Point, chip: str, value: float) -> PublishedRow:
    precision = "fp4" if chip in BLACKWELL or point.llm.startswith("gpt-oss") else "fp8"
    load = point.load
    best = None
    if load is not None:
        best = best_load(_llm(point.llm), chip_named(CHIPS[chip], allow_estimates=True), load, precision=precision)
    return PublishedRow(
        case="published",
        source=point.source,
        model=point.llm,
        chip=chip,
        workload=point.workload,
        precision=precision,
        published=value,
        ours=None if best is None else best.output_tokens_per_s,
        error=None if best is None else best.output_tokens_per_s / value - 1.0,
        tp=None if best is None else best.tp_count,
        ep=None if best is None else best.ep_count,
        attention_dp=None if best is None else best.attention_dp_count,
        concurrency=None if best is None else best.concurrency,
        note=point.note,
    )


@cache
def _llm(name: str) -> LlmSpec:
    """The LLM; Llama 2 70B has the layers of Llama 3.1 70B and a smaller vocabulary."""
    catalog = load_catalog()
    if name == "llama2-70b":
        return replace(catalog.llm("llama-3.1-70b"), id=name, vocab=LLAMA2_VOCABULARY)
    return catalog.llm(name)
