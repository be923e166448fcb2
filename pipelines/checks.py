"""Asset checks derived from the contracts, and the invariants that no contract can say."""

from collections import Counter
from collections.abc import Iterable, Mapping

import dagster as dg
import polars as pl

from pipelines.tables import TABLES

CALLS_ACCOUNTED = "calls_accounted"
TOKENS_CONSERVED = "tokens_conserved"

INVARIANTS: Mapping[str, Mapping[str, str]] = {
    "model_calls": {
        CALLS_ACCOUNTED: "Every call that the source gave for the day is in the lake, once.",
        TOKENS_CONSERVED: "Cached, shared and reasoning tokens are parts of the counts that hold them.",
    },
    "quarantine": {CALLS_ACCOUNTED: "Rows read are good rows plus refused rows: nothing is dropped in silence."},
    "demand_calls": {TOKENS_CONSERVED: "No call intends fewer output tokens than were observed."},
}
"""Checks beside the contract, by table."""


def check_specs(table: str) -> list[dg.AssetCheckSpec]:
    """The checks of a table: one per rule of its contract, one for all bounds, and its invariants."""
    rules = {rule: _rule_description(table, rule) for rule in TABLES[table].rules}
    return [
        dg.AssetCheckSpec(name=f"{table}__{name}", asset=table, description=text)
        for name, text in {**rules, **INVARIANTS.get(table, {})}.items()
    ]


def contract_results(table: str, rows: pl.DataFrame) -> list[dg.AssetCheckResult]:
    """One result for each rule of the contract on rows as they were read back from the lake."""
    return counted_results(table, broken_counts(table, [rows]))


def broken_counts(table: str, parts: Iterable[pl.DataFrame]) -> Counter[str]:
    """Rows of all parts that break a rule or a bound, by its name; keys are compared inside each part only."""
    total: Counter[str] = Counter()
    for rows in parts:
        _, failure = TABLES[table].schema.filter(rows, cast=True)
        total.update(failure.counts())
    return total


def counted_results(table: str, counts: Mapping[str, int]) -> list[dg.AssetCheckResult]:
    """One result for each rule of the contract, from the number of rows that break it."""
    bounds = {name.replace("|", " "): count for name, count in counts.items() if "|" in name}
    found = {rule: counts.get(rule, 0) for rule in TABLES[table].rules} | {"bounds": sum(bounds.values())}
    return [
        check_result(table, rule, failed_count=count, detail=bounds if rule == "bounds" else {})
        for rule, count in found.items()
    ]


def check_result(
    table: str, name: str, *, failed_count: int, detail: Mapping[str, int] | None = None
) -> dg.AssetCheckResult:
    """A check that holds if nothing failed."""
    return dg.AssetCheckResult(
        asset_key=table,
        check_name=f"{table}__{name}",
        passed=failed_count == 0,
        metadata={"failed_rows": failed_count, **(detail or {})},
    )


def calls_accounted(table: str, *, offered_count: int, found_count: int) -> dg.AssetCheckResult:
    """Whether as many rows were found as were offered."""
    lost = abs(offered_count - found_count)
    counts = {"offered": offered_count, "found": found_count}
    return check_result(table, CALLS_ACCOUNTED, failed_count=lost, detail=counts)


def call_tokens_conserved(calls: pl.DataFrame | pl.LazyFrame) -> dg.AssetCheckResult:
    """Whether cached, shared and reasoning tokens are parts of what holds them."""
    parts = (
        ("cache_read_tokens", "input_tokens"),
        ("shared_prefix_tokens", "input_tokens"),
        ("reasoning_tokens", "output_tokens"),
    )
    more = [(pl.col(part) > pl.col(whole)).sum().alias(part) for part, whole in parts]
    detail: dict[str, int] = calls.lazy().select(more).collect(engine="streaming").row(0, named=True)
    return check_result("model_calls", TOKENS_CONSERVED, failed_count=sum(detail.values()), detail=detail)


def demand_tokens_conserved(demand: pl.DataFrame, calls: pl.DataFrame) -> dg.AssetCheckResult:
    """Whether each intended call has at least the output that was observed of it."""
    observed = calls.select("call_id", observed_tokens="output_tokens")
    short = demand.join(observed, on="call_id").filter(pl.col("output_tokens") < pl.col("observed_tokens"))
    return check_result("demand_calls", TOKENS_CONSERVED, failed_count=short.height)


def _rule_description(table: str, rule: str) -> str:
    if rule == "bounds":
        return "Every column is inside the bounds and the nullability of its contract."
    if rule == "primary_key":
        return f"Rows are unique by {', '.join(TABLES[table].schema.primary_key())}."
    factory = getattr(TABLES[table].schema, rule)
    return (factory.validation_fn.__doc__ or rule.replace("_", " ")).strip()
