"""Calls drawn from what ServeGen tells of its clients: as many as each window counted, spread by its law of gaps."""

import hashlib
from dataclasses import dataclass

import numpy as np
import polars as pl

__all__ = ["CALL_CAP", "Span", "busiest_span", "draw_arrivals", "draw_lengths", "like_clients"]

CALL_CAP = 500_000
"""Most calls drawn of one model: the public traces hold up to 1.4 billion, of which none was published."""
LONGEST_SPAN_S = 3600.0
TICK_S = 1e-6
"""Times are kept in microseconds: the last place of a window is one before its end."""
GIVER_COUNT = 8
"""Assumed: how many clients stand in for the lengths of one that tells none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """The stretch of a trace that calls are drawn for, seconds since it began."""

    start_s: float
    end_s: float
    expected_count: float


def busiest_span(windows: pl.DataFrame, window_s: float, cap: int = CALL_CAP) -> Span:
    """The busiest run of whole windows that holds at most `cap` calls and lasts at most an hour.

    It grows from the busiest window to the busier neighbour. Where that window alone exceeds the cap, the span is its
    beginning, as much of it as the cap allows: fewer calls at a time would not be the same traffic.
    """
    total = windows.group_by("window_start_s").agg(pl.col("rate_per_s").sum()).sort("window_start_s")
    start, count = total["window_start_s"].to_numpy(), total["rate_per_s"].to_numpy() * window_s
    low = high = int(np.argmax(count))
    if count[low] > cap:
        return Span(start_s=start[low], end_s=start[low] + window_s * cap / count[low], expected_count=float(cap))
    held = float(count[low])
    while (high - low + 2) * window_s <= LONGEST_SPAN_S:
        sides = [
            (count[at], at)
            for at, next_to in ((low - 1, low), (high + 1, high))
            if 0 <= at < len(count) and abs(abs(start[at] - start[next_to]) - window_s) < 1e-6
        ]
        if not sides or held + max(sides)[0] > cap:
            break
        added, at = max(sides)
        held += float(added)
        low, high = min(low, at), max(high, at)
    return Span(start_s=start[low], end_s=start[high] + window_s, expected_count=held)


def draw_arrivals(windows: pl.DataFrame, span: Span, source_id: str) -> pl.DataFrame:
    """Calls of the windows in a span: client_id, window_start_s and at_s, in order of client and time.

    A window of n = rate x length calls gets exactly n: n + 1 gaps of its law are drawn and scaled to fill it. For Gamma
    gaps that is the renewal process given its count; the stated scale only sets the mean, which the count sets better
    (Weibull fits of the public data miss their own rate by 17 % in the median). Gaps are kept as logarithms: shapes go
    down to 0.01, whose draws underflow.
    """
    inside = windows.filter(
        pl.col("rate_per_s") > 0,
        pl.col("window_start_s") < span.end_s,
        pl.col("window_start_s") + pl.col("window_s") > span.start_s,
    ).sort("client_id", "window_start_s")
    clients: list[np.ndarray] = []
    starts: list[np.ndarray] = []
    times: list[np.ndarray] = []
    wanted = ("client_id", "window_start_s", "window_s", "rate_per_s", "gap_law", "gap_shape_ratio")
    for client, start, length, rate, law, shape in inside.select(wanted).iter_rows():
        count = round(rate * length)
        rng = _generator("arrivals", source_id, client, start)
        at = start + (length - TICK_S) * _places(rng, count, law, shape)
        kept = at[(at >= span.start_s) & (at < span.end_s)]
        clients.append(np.full(len(kept), len(times)))
        starts.append(np.full(len(kept), start))
        times.append(kept)
    names = inside["client_id"]
    index = np.concatenate(clients) if clients else np.empty(0, dtype=np.int64)
    return pl.DataFrame(
        {
            "client_id": names.gather(pl.Series(index, dtype=pl.UInt32)),
            "window_start_s": np.concatenate(starts) if starts else np.empty(0),
            "at_s": np.concatenate(times) if times else np.empty(0),
        }
    )


def _places(rng: np.random.Generator, count: int, law: str, shape: float) -> np.ndarray:
    """Places of `count` arrivals in a window of length 1."""
    if law == "gamma":
        logs = np.log(rng.standard_gamma(shape + 1.0, count + 1)) + np.log1p(-rng.random(count + 1)) / shape
    else:
        logs = np.log(rng.standard_exponential(count + 1)) / shape
    gaps = np.exp(logs - logs.max())
    return np.asarray(np.cumsum(gaps)[:-1] / gaps.sum())


def like_clients(windows: pl.DataFrame, lengths: pl.DataFrame) -> dict[str, tuple[str, ...]]:
    """For each client without lengths the clients of its model that have some and are nearest in mean rate (logarithm).

    Several, because the biggest clients are those without: one giver would make one client's lengths most of the trace.
    """
    rates = windows.group_by("model", "client_id").agg(pl.col("rate_per_s").mean()).sort("model", "client_id")
    told = set(lengths["client_id"].unique())
    found: dict[str, tuple[str, ...]] = {}
    for _, of_model in rates.group_by("model", maintain_order=True):
        names, rate = of_model["client_id"].to_list(), np.log(of_model["rate_per_s"].to_numpy() + 1e-12)
        givers = np.array([at for at, name in enumerate(names) if name in told], dtype=np.int64)
        for at, name in enumerate(names):
            if name not in told and len(givers):
                nearest = givers[np.argsort(np.abs(rate[at] - rate[givers]), kind="stable")[:GIVER_COUNT]]
                found[name] = tuple(names[giver] for giver in nearest)
    return found


def draw_lengths(
    arrivals: pl.DataFrame, lengths: pl.DataFrame, givers: dict[str, tuple[str, ...]], source_id: str
) -> dict[str, np.ndarray]:
    """Amounts of each call by field, NaN where its client tells nothing of the field.

    Each call draws from the histogram of its client in the latest span that began before its window (or the first one
    that tells something), each field on its own: the trace tells no joint law. A call of a client without lengths draws
    one of its givers first. `image_tokens` are of one image, so as many are added up as `image_count` says.
    """
    fields = lengths["field"].unique().sort().to_list()
    found = {field: np.full(arrivals.height, np.nan) for field in fields}
    tables = {
        key: group.sort("window_start_s")
        for key, group in lengths.partition_by("client_id", "field", as_dict=True, maintain_order=True).items()
    }
    groups = arrivals.with_row_index("at").group_by("client_id", "window_start_s", maintain_order=True).agg("at")
    for client, start, members in groups.iter_rows():
        rng = _generator("lengths", source_id, client, start)
        lent = givers.get(client, (client,))
        chosen = rng.integers(len(lent), size=len(members))
        for which, giver in enumerate(lent):
            at = np.asarray(members)[chosen == which]
            of_giver = {field: tables[giver, field] for field in fields if (giver, field) in tables}
            for field, amounts in _draw_fields(of_giver, start, len(at), rng).items():
                found[field][at] = amounts
    return found


def _draw_fields(
    tables: dict[str, pl.DataFrame], start: float, count: int, rng: np.random.Generator
) -> dict[str, np.ndarray]:
    """Amounts of `count` calls by field, out of one client's histograms."""
    drawn = {field: _quantiles(table, start, rng.random(count)) for field, table in tables.items()}
    if "image_tokens" in drawn and "image_count" in drawn:
        images = drawn["image_count"].astype(np.int64)
        each = _quantiles(tables["image_tokens"], start, rng.random(int(images.sum())))
        drawn["image_tokens"] = np.bincount(np.repeat(np.arange(count), images), each, minlength=count)
    return drawn


def _quantiles(table: pl.DataFrame, start: float, uniform: np.ndarray) -> np.ndarray:
    """Draws from the histogram in force: the latest that began by `start`, else the first."""
    begins = table["window_start_s"].to_numpy()
    in_force = max(begins[begins <= start], default=begins[0])
    bins = table.filter(pl.col("window_start_s") == in_force).sort("amount_count")
    cumulative = np.cumsum(bins["probability_ratio"].to_numpy())
    at = np.searchsorted(cumulative / cumulative[-1], uniform, side="right")
    return np.asarray(bins["amount_count"].to_numpy()[np.minimum(at, len(cumulative) - 1)])


def _generator(what: str, source_id: str, client: str, start: float) -> np.random.Generator:
    """Random numbers of one client and window of one content, whatever else is drawn."""
    name = f"{what}/{source_id}/{client}/{start:.3f}".encode()
    return np.random.default_rng(int.from_bytes(hashlib.sha256(name).digest()[:16], "big"))
