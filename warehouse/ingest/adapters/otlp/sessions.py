"""Whose a record of an OTLP export is: its session, turn and agent, and which events tell of one and the same call."""

from collections.abc import Mapping

import polars as pl

__all__ = ["with_agents", "with_answers", "with_sessions", "with_turns"]

LONGEST_CHAIN = 10_000
FILLED = ("input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens", "reasoning_tokens", "model")


def with_sessions(rows: pl.DataFrame) -> pl.DataFrame:
    """Fills the session: its own conversation, else its trace's, else the trace itself, else one for the whole file."""
    of_trace = pl.col("session").drop_nulls().first().over("trace_id")
    has_trace = pl.col("trace_id").is_not_null()
    session = pl.coalesce("session", pl.when(has_trace).then(of_trace), "trace_id", pl.lit("no-session"))
    return rows.with_columns(
        pl.when(pl.col("is_span") & has_trace).then(pl.coalesce("turn", "trace_id")).otherwise("turn").alias("turn"),
        session=session,
        has_duration=pl.col("is_span") | pl.col("duration_ms").is_not_null(),
        is_codex=pl.col("kind").is_in(["request", "answer"]),
    )


def with_answers(rows: pl.DataFrame) -> pl.DataFrame:
    """Joins Codex's requests with the events that complete them: the request becomes a call, its answer another row.

    An answer belongs to the latest successful request of its session that has none; it carries the counts and the end.
    A request without an answer stays a call with unknown counts; an answer without a request is a call of its own.
    """
    events = rows.filter(pl.col("kind").is_in(["request", "answer"])).sort("end_us", "row_number")
    if events.is_empty():
        return rows
    waiting: dict[str, int] = {}
    request_of: dict[int, int] = {}
    for number, session, kind, ok, code in events.select(
        "row_number", "session", "kind", "ok", "status_code"
    ).iter_rows():
        if kind == "answer" and session in waiting:
            request_of[number] = waiting.pop(session)
        elif kind == "request" and ok and (code or 0) < 400:
            waiting[session] = number
    pairs = pl.DataFrame(
        {"answer": list(request_of), "row_number": list(request_of.values())},
        schema={"answer": pl.Int64, "row_number": pl.Int64},
    )
    counted = rows.select(answer="row_number", _end="end_us", **{f"_{name}": pl.col(name) for name in FILLED})
    joined = rows.join(pairs.join(counted, on="answer"), on="row_number", how="left", maintain_order="left")
    answered = pl.col("answer").is_not_null()
    is_request, is_answer = pl.col("kind") == "request", pl.col("kind") == "answer"
    merged = pl.col("row_number").is_in(list(request_of))
    return joined.with_columns(
        *(pl.coalesce(name, f"_{name}").alias(name) for name in FILLED),
        end_us=pl.coalesce("_end", "end_us"),
        has_duration=(is_request & (answered | ~pl.col("ok"))) | (~is_request & ~is_answer & pl.col("has_duration")),
        kind=pl.when(is_request).then(pl.lit("call")).when(is_answer & ~merged).then(pl.lit("call")).otherwise("kind"),
    ).drop("answer", "_end", *(f"_{name}" for name in FILLED))


def with_turns(rows: pl.DataFrame) -> pl.DataFrame:
    """Numbers the human requests of each session: by turn or prompt id where told, else by the prompts before."""
    ordered = rows.sort("session", "start_us", "row_number", nulls_last=True)
    named = pl.col("turn").is_not_null()
    fresh = (named & pl.struct("session", "turn").is_first_distinct()).cast(pl.Int64)
    prompts = (pl.col("kind") == "prompt").cast(pl.Int64)
    any_named = named.any().over("session")
    step = pl.when(any_named).then(fresh).otherwise(prompts)
    so_far = (step.cum_sum().over("session") - 1).clip(lower_bound=0)
    return (
        ordered.with_columns(so_far.alias("_count"))
        .with_columns(turn_id=pl.when(named).then(pl.col("_count").min().over("session", "turn")).otherwise("_count"))
        .drop("_count")
        .sort("row_number")
    )


def with_agents(rows: pl.DataFrame) -> pl.DataFrame:
    """Adds agent_id, parent_agent_id, in_cycle and is_wrapper, by walking the parents of each span.

    The outermost agent of a trace is the main agent (null). A span of a call that holds another span of a call is a
    wrapper, and no call.
    """
    spans = rows.filter(pl.col("is_span") & pl.col("span_id").is_not_null())
    columns = ("trace_id", "span_id", "parent_span_id", "kind", "agent", "row_number")
    known = {
        (trace, span): (parent, kind, agent, number)
        for trace, span, parent, kind, agent, number in spans.select(columns).iter_rows()
    }
    found: list[tuple[int, str | None, str | None, bool]] = []
    wrappers: set[int] = set()
    for (trace, span), (_, kind, _, number) in known.items():
        agents, above, in_cycle = _ancestors(known, trace, span)
        wrappers |= above if kind == "call" else set()
        inner = agents[0] if len(agents) > 1 else None
        outer = agents[1] if len(agents) > 2 else None
        found.append((number, inner, outer, in_cycle))
    schema = {"row_number": pl.Int64, "agent_id": pl.String, "parent_agent_id": pl.String, "in_cycle": pl.Boolean}
    agents_of = pl.DataFrame(found, schema=schema, orient="row")
    wrapper = pl.col("row_number").is_in(list(wrappers)) & (pl.col("kind") == "call")
    return rows.join(agents_of, on="row_number", how="left", maintain_order="left").with_columns(
        pl.col("in_cycle").fill_null(value=False),
        is_wrapper=wrapper,
        kind=pl.when(wrapper).then(pl.lit("other")).otherwise("kind"),
    )


Known = Mapping[tuple[str | None, str], tuple[str | None, str, str | None, int]]


def _ancestors(known: Known, trace: str | None, span: str) -> tuple[list[str], set[int], bool]:
    """Agents around a span from the inside out, rows of the calls around it, and whether it lies on a cycle."""
    agents: list[str] = []
    calls: set[int] = set()
    seen = {span}
    at = known[trace, span][0]
    for _ in range(LONGEST_CHAIN):
        if at is None or (trace, at) not in known:
            return agents, calls, False
        if at in seen:
            return agents, set(), at == span
        seen.add(at)
        parent, kind, agent, number = known[trace, at]
        if kind == "agent":
            agents.append(agent or at)
        elif kind == "call":
            calls.add(number)
        at = parent
    return agents, calls, False
