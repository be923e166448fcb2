"""Rules that an adapter holds its rows to: what a rule is, how rows are split by them, how text is made plain."""

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from warehouse.contracts.telemetry import MAX_TOKENS
from warehouse.ingest.ingested import REFUSED_SCHEMA

__all__ = ["Check", "content_note", "line_checks", "plain_text", "split_rows", "token_checks"]

TEXT_LIMIT = 200
"""Characters kept of a name from a trace."""
CONTROL_CHARACTERS = r"[\x00-\x1f\x7f-\x9f\u{2028}\u{2029}\u{200e}\u{200f}\u{202a}-\u{202e}\u{2066}-\u{2069}\u{feff}]"
CONTENT_WORDS = (
    "prompt",
    "text",
    "message",
    "body",
    "content",
    "completion",
    "response",
    "answer",
    "question",
    "query",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """A rule of an adapter: a row where `holds` is not true is refused for `reason`."""

    rule: str
    holds: pl.Expr
    reason: pl.Expr


def plain_text(column: str) -> pl.Expr:
    """A name from a trace as data: kept verbatim but for control characters (replaced) and its length (capped)."""
    return pl.col(column).str.replace_all(CONTROL_CHARACTERS, "\ufffd").str.slice(0, TEXT_LIMIT)


def token_checks(input_column: str, output_column: str) -> list[Check]:
    """Rules that every token count must obey, with the columns named as the trace names them."""
    checks = []
    for column in (input_column, output_column):
        shown = pl.col(column).cast(pl.String)
        checks += [
            Check(
                rule="token_count_is_integer",
                holds=pl.col(column).is_not_null(),
                reason=pl.lit(f"{column} is missing or not a whole number"),
            ),
            Check(
                rule="token_count_not_negative",
                holds=pl.col(column) >= 0,
                reason=pl.format("{} is {}, below 0", pl.lit(column), shown),
            ),
            Check(
                rule="token_count_is_plausible",
                holds=pl.col(column) <= MAX_TOKENS,
                reason=pl.format("{} is {}, above {}", pl.lit(column), shown, pl.lit(MAX_TOKENS)),
            ),
        ]
    zero = Check(
        rule="input_not_empty",
        holds=pl.col(input_column) > 0,
        reason=pl.lit(f"{input_column} is 0: a call without a prompt is no model call"),
    )
    return [*checks, zero]


def line_checks() -> list[Check]:
    """Rules of every CSV line."""
    return [
        Check(
            rule="row_is_complete",
            holds=pl.col("complete"),
            reason=pl.lit("the line has another number of fields than the header (cut short?)"),
        ),
        Check(rule="text_is_utf8", holds=pl.col("utf8"), reason=pl.lit("the line holds bytes that are not UTF-8")),
    ]


def split_rows(frame: pl.DataFrame, checks: Sequence[Check], raw: pl.Expr) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Splits rows into those that obey all rules and the refused ones, each with the first rule it breaks.

    Args:
        frame: needs `row_number`.
        checks: in order of precedence.
        raw: what is shown of a refused row, as JSON; numbers and ids only.
    """
    broken = pl.DataFrame({"rule": [check.rule for check in checks], "at": range(len(checks))}).cast({"at": pl.Int32})
    first = pl.coalesce(
        pl.when(check.holds.fill_null(value=False)).then(None).otherwise(pl.lit(at, dtype=pl.Int32))
        for at, check in enumerate(checks)
    )
    judged = frame.with_columns(first.alias("_broken"))
    if judged["_broken"].null_count() == frame.height:
        return frame.rechunk(), pl.DataFrame(schema=REFUSED_SCHEMA)
    good = judged.filter(pl.col("_broken").is_null()).drop("_broken").rechunk()  # polars 2.1 formats one chunk only
    bad = judged.filter(pl.col("_broken").is_not_null())
    reason = pl.coalesce(
        pl.when(pl.col("_broken") == at).then(check.reason.cast(pl.String).fill_null(pl.lit("a cell of it is missing")))
        for at, check in enumerate(checks)
    )
    refused = bad.with_columns(reason.alias("reason"), raw.alias("raw")).join(
        broken, left_on="_broken", right_on="at", how="left", maintain_order="left"
    )
    return good, refused.select(*REFUSED_SCHEMA).cast(REFUSED_SCHEMA)  # type: ignore[arg-type]


def content_note(columns: Sequence[str]) -> tuple[str, ...]:
    """A note on columns that were not read, naming those that could carry what people wrote."""
    content = [name for name in columns if any(word in name.lower() for word in CONTENT_WORDS)]
    others = [name for name in columns if name not in content]
    notes = []
    if content:
        notes.append(f"dropped columns that could carry what people wrote: {_shown(content)}")
    if others:
        notes.append(f"columns not used: {_shown(others)}")
    return tuple(notes)


def _shown(names: Sequence[str]) -> str:
    whole = [str(name).encode("utf-8", errors="replace").decode("utf-8") for name in names[:20]]
    clean = pl.DataFrame({"name": whole}).select(plain_text("name")).to_series().to_list()
    return ", ".join(clean) + (" ..." if len(names) > 20 else "")
