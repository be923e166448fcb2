"""The questions of the features as DuckDB SQL over the same Parquet files: the rival that our functions race.

Views `calls`, `tools`, `sessions` and `policy` hold the columns of the contracts. Each query answers at least the
columns that it returns, under our names; joins, aggregates and exact quantiles are written as DuckDB does them fastest
(a join with a grouped minimum beat a window, for one). `abandonment_curve`, `prefix_reuse` and `demand_calls` ask less
of DuckDB than of ours: no survival estimate, no cost of a lost cache, no completion of cut counts. Weights of calls
that were never made are left out on both sides.
"""
# ruff: noqa: S608 - every query is put together from constants of this module and of featurize

from collections.abc import Mapping
from types import MappingProxyType

from featurize import STALL_LIMITS
from featurize.portable import AGENT_SURFACES, WAITS

_AGENTS = ", ".join(f"'{surface}'" for surface in AGENT_SURFACES)

_LINKED = f"""
turns AS (SELECT session_id, turn_id, min(step_index) AS first_step FROM calls GROUP BY ALL),
linked AS (
  SELECT c.*, p.call_id AS previous_call_id, c.step_index = t.first_step AS is_human_driven,
    c.surface IN ({_AGENTS}) AS is_agent,
    coalesce(c.gap_s, CASE WHEN p.duration_s IS NOT NULL THEN
      greatest((epoch_us(c.requested_at) - epoch_us(p.requested_at)) / 1e6 - p.duration_s, 0) END) AS known_gap_s,
    coalesce(p.status = 'rate_limited' AND p.turn_id = c.turn_id AND p.agent_id IS NOT DISTINCT FROM c.agent_id
      AND p.input_tokens IS NOT DISTINCT FROM c.input_tokens, false) AS is_retry
  FROM calls c
  LEFT JOIN calls p ON c.starts_after_call_id = p.call_id
  JOIN turns t ON t.session_id = c.session_id AND t.turn_id = c.turn_id)"""

_WAITS = f"""{_LINKED},
spans AS (
  SELECT call_id,
    (max(epoch_us(started_at) + CAST(round(duration_s * 1e6) AS BIGINT)) - min(epoch_us(started_at))) / 1e6
      AS tool_span_s
  FROM tools GROUP BY call_id),
spanned AS (
  SELECT l.*, tool_span_s, queue_s AS queue_wait_s, CASE WHEN is_retry THEN known_gap_s END AS backoff_s,
    coalesce(ttft_s, CASE WHEN status <> 'ok' AND output_tokens = 0 THEN duration_s END) AS first_token_s,
    CASE WHEN is_retry THEN NULL WHEN tool_span_s IS NOT NULL THEN least(tool_span_s, known_gap_s)
      WHEN is_agent AND NOT is_human_driven THEN known_gap_s END AS tool_wait_s
  FROM linked l LEFT JOIN spans s ON l.starts_after_call_id = s.call_id),
split AS (
  SELECT *,
    CASE WHEN first_token_s IS NOT NULL THEN greatest(first_token_s - coalesce(queue_s, 0), 0) END AS prefill_wait_s,
    CASE WHEN duration_s IS NOT NULL AND ttft_s IS NOT NULL THEN greatest(duration_s - ttft_s, 0) END AS decode_wait_s,
    CASE WHEN first_token_s IS NULL AND duration_s IS NOT NULL
      THEN greatest(duration_s - coalesce(queue_s, 0), 0) END AS service_wait_s,
    CASE WHEN known_gap_s IS NOT NULL THEN greatest(known_gap_s - coalesce(tool_wait_s, 0), 0) END AS left_s
  FROM spanned),
waits AS (
  SELECT *, CASE WHEN (is_human_driven OR (tool_span_s IS NOT NULL AND left_s > 1e-3)) AND NOT is_retry THEN left_s END
    AS human_wait_s
  FROM split)"""

_SHARED = """sources AS (
  SELECT source_id, bool_or(shared_prefix_tokens IS NOT NULL) AS reports FROM calls GROUP BY source_id)"""

_SHARED_TOKENS = "CASE WHEN reports THEN coalesce(shared_prefix_tokens, 0) END AS shared_tokens"

_SHARED_RATIO = """sum(shared_tokens) FILTER (input_tokens IS NOT NULL)
  / nullif(sum(input_tokens) FILTER (shared_tokens IS NOT NULL), 0) AS shared_ratio"""

_BAND = """CASE WHEN input_tokens IS NULL THEN 'unknown' WHEN input_tokens >= 262144 THEN '>=256K'
  WHEN input_tokens >= 131072 THEN '128-256K' WHEN input_tokens >= 65536 THEN '64-128K'
  WHEN input_tokens >= 16384 THEN '16-64K' WHEN input_tokens >= 4096 THEN '4-16K' ELSE '<4K' END"""


def _lowest_edge(column: str, edges: tuple[float, ...]) -> str:
    return "CASE " + " ".join(f"WHEN {column} >= {edge} THEN {edge}::DOUBLE" for edge in reversed(edges)) + " END"


_CAUSES = {
    "model": "coalesce(decode_wait_s, service_wait_s)",
    "tool": "tool_wait_s",
    "queue": "queue_wait_s",
    "cache_miss": "cache_miss_s",
    "rate_limit": "backoff_s",
}

_SESSION_FEATURES = f"""WITH {_WAITS}, {_SHARED},
told AS (SELECT w.*, {_SHARED_TOKENS} FROM waits w JOIN sources USING (source_id)),
grouped AS (
  SELECT session_id, count(DISTINCT turn_id) AS turn_count, count(*) AS call_count,
    arg_min_null(input_tokens, step_index) AS first_input_tokens,
    arg_max_null(input_tokens, step_index) AS last_input_tokens,
    max(input_tokens) AS peak_input_tokens, CAST(sum(output_tokens) AS BIGINT) AS output_tokens, {_SHARED_RATIO},
    count(*) FILTER (status <> 'ok') AS cut_count, {", ".join(f"sum({wait}_wait_s) AS {wait}_s" for wait in WAITS)}
  FROM told GROUP BY session_id)
SELECT s.session_id, s.surface, s.service_tier, s.started_at, s.outcome, s.paid, s.day,
  (epoch_us(ended_at) - epoch_us(started_at)) / 1e6 AS span_s, g.* EXCLUDE (session_id)
FROM sessions s JOIN grouped g USING (session_id)"""

_STATISTICS = ", ".join(
    f"count({wait}_wait_s) AS n_{wait}, sum({wait}_wait_s) AS t_{wait}, "
    f"quantile_cont({wait}_wait_s, [0.5, 0.95]) AS q_{wait}"
    for wait in WAITS
)
_WAIT_ROWS = " UNION ALL ".join(
    f"SELECT surface, phase, context_band, '{wait}' AS wait, day, n_{wait} AS call_count, t_{wait} AS total_s, "
    f"q_{wait}[1] AS p50_s, q_{wait}[2] AS p95_s FROM grouped WHERE n_{wait} > 0"
    for wait in WAITS
)
_WAIT_PROFILE = f"""WITH {_WAITS},
grouped AS (
  SELECT surface, coalesce(phase, 'any') AS phase, {_BAND} AS context_band, day, {_STATISTICS} FROM waits GROUP BY ALL)
{_WAIT_ROWS}"""

_STALLS = ", ".join(
    f"count(*) FILTER ({_CAUSES[limit.cause]} > {limit.limit_s}) AS n_{limit.cause}, "
    f"sum({_CAUSES[limit.cause]}) FILTER ({_CAUSES[limit.cause]} > {limit.limit_s}) AS t_{limit.cause}"
    for limit in STALL_LIMITS
)
_STALL_ROWS = " UNION ALL ".join(
    f"SELECT surface, day, '{limit.cause}' AS cause, n_{limit.cause} AS stall_count, t_{limit.cause} AS stalled_s "
    f"FROM grouped WHERE n_{limit.cause} > 0"
    for limit in STALL_LIMITS
)
_STALL_PROFILE = f"""WITH {_WAITS},
missed AS (
  SELECT *, CASE WHEN cache_read_tokens < 0.5 * shared_prefix_tokens AND input_tokens > cache_read_tokens
    THEN prefill_wait_s * ((shared_prefix_tokens - cache_read_tokens) / (input_tokens - cache_read_tokens)) END
    AS cache_miss_s
  FROM waits WHERE is_agent),
grouped AS (SELECT surface, day, {_STALLS} FROM missed GROUP BY ALL)
SELECT *, stalled_s / sum(stalled_s) OVER (PARTITION BY surface, day) AS share_ratio FROM ({_STALL_ROWS})"""

_WAIT_EDGES_S = (0.0, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0)
_ABANDONMENT = f"""WITH timed AS (SELECT source_id FROM calls GROUP BY source_id HAVING bool_or(ttft_s IS NOT NULL)),
endured AS (
  SELECT c.surface, c.day, ttft_s IS NULL AS waiting,
    s.outcome = 'abandoned' AND c.step_index + 1 = s.call_count AS gone,
    coalesce(ttft_s, CASE WHEN status <> 'ok' AND output_tokens = 0 THEN duration_s END) AS wait_s
  FROM calls c JOIN timed USING (source_id) JOIN sessions s USING (session_id) WHERE s.outcome IS NOT NULL),
banded AS (
  SELECT surface, {_lowest_edge("wait_s", _WAIT_EDGES_S)} AS wait_low_s, day, count(*) AS ended_count,
    count(*) FILTER (gone) AS left_count, count(*) FILTER (gone AND waiting) AS left_waiting_count
  FROM endured WHERE wait_s IS NOT NULL GROUP BY ALL)
SELECT surface, wait_low_s, day, left_count, left_waiting_count, ended_count - left_waiting_count AS answered_count,
  CAST(sum(ended_count) OVER (PARTITION BY surface, day ORDER BY wait_low_s DESC) AS BIGINT) AS at_risk_count
FROM banded"""

_GROWTH = f"""WITH grouped AS (
  SELECT surface, day, count(*) AS call_count, quantile_cont(input_tokens, [0.5, 0.9]) AS q,
    quantile_cont(input_tokens - shared_prefix_tokens, [0.5, 0.9]) AS added,
    CAST(floor(log2(CASE WHEN surface IN ({_AGENTS}) THEN step_index ELSE turn_id END + 1)) AS BIGINT) AS step_order
  FROM calls WHERE agent_id IS NULL GROUP BY ALL)
SELECT surface, step_order, day, call_count, q[1] AS input_p50_tokens, q[2] AS input_p90_tokens,
  added[1] AS added_p50_tokens, added[2] AS added_p90_tokens
FROM grouped"""

_MIX = f"""WITH {_SHARED},
visits AS (SELECT surface, day, session_id, count(*) AS calls FROM calls GROUP BY ALL),
of_sessions AS (
  SELECT surface, day, count(*) AS session_count, quantile_cont(calls, 0.5) AS calls_per_session_p50_count
  FROM visits GROUP BY ALL),
told AS (SELECT c.*, {_SHARED_TOKENS} FROM calls c JOIN sources USING (source_id)),
grouped AS (
  SELECT surface, day, CAST(sum(input_tokens) AS BIGINT) AS input_tokens,
    CAST(sum(output_tokens) AS BIGINT) AS output_tokens,
    quantile_cont(input_tokens, [0.5, 0.9, 0.99]) AS i, quantile_cont(output_tokens, [0.5, 0.9, 0.99]) AS o,
    quantile_cont(ttft_s, [0.5, 0.95]) AS t, count(*) AS call_count, {_SHARED_RATIO},
    CAST(sum(shared_tokens) AS BIGINT) AS shared_prefix_tokens,
    avg(CASE WHEN status <> 'ok' THEN 1.0 ELSE 0.0 END) AS cut_ratio
  FROM told GROUP BY ALL)
SELECT * EXCLUDE (i, o, t), call_count / sum(call_count) OVER (PARTITION BY day) AS call_share_ratio,
  i[1] AS input_p50_tokens, i[2] AS input_p90_tokens, i[3] AS input_p99_tokens,
  o[1] AS output_p50_tokens, o[2] AS output_p90_tokens, o[3] AS output_p99_tokens,
  t[1] AS ttft_p50_s, t[2] AS ttft_p95_s
FROM grouped JOIN of_sessions USING (surface, day)"""

_IDLE_EDGES_S = (0.0, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0, 3600.0, 14400.0)
_REUSE = f"""WITH switched AS (
  SELECT c.call_id, c.model <> p.model AS is_model_switch
  FROM (SELECT * FROM calls WHERE model IS NOT NULL) c JOIN calls p ON c.parent_call_id = p.call_id)
SELECT surface, {_lowest_edge("gap_s", _IDLE_EDGES_S)} AS idle_low_s,
  coalesce(is_model_switch, false) AS is_model_switch,
  day, count(*) AS call_count, CAST(sum(input_tokens) AS BIGINT) AS input_tokens,
  CAST(sum(shared_prefix_tokens) AS BIGINT) AS shared_tokens,
  CAST(coalesce(sum(cache_read_tokens), 0) AS BIGINT) AS cached_tokens,
  CAST(coalesce(sum(greatest(shared_prefix_tokens - cache_read_tokens, 0)), 0) AS BIGINT) AS lost_tokens
FROM calls LEFT JOIN switched USING (call_id)
WHERE parent_call_id IS NOT NULL AND shared_prefix_tokens IS NOT NULL GROUP BY ALL"""

_SAME = "PARTITION BY session_id, agent_id, turn_id, input_tokens"
_DEMAND = f"""WITH {_LINKED},
numbered AS (
  SELECT *, sum(CASE WHEN is_retry THEN 0 ELSE 1 END) OVER ({_SAME} ORDER BY step_index, call_id) AS attempt_group
  FROM linked WHERE is_retry OR status = 'rate_limited'),
attempts AS (
  SELECT *, first(call_id) OVER ({_SAME}, attempt_group ORDER BY step_index, call_id) AS intended_call_id
  FROM numbered),
answers AS (
  SELECT intended_call_id, arg_max_null(output_tokens, step_index) AS answered_tokens,
    arg_max(status, step_index) AS answered
  FROM attempts GROUP BY ALL),
renamed AS (SELECT call_id, intended_call_id FROM attempts WHERE is_retry),
intended AS (
  SELECT l.*, coalesce(start.intended_call_id, l.previous_call_id) AS start_id,
    coalesce(parent.intended_call_id, l.parent_call_id) AS parent_id,
    CASE WHEN answered IS NULL THEN l.status ELSE answered END AS last_status,
    CASE WHEN answered IS NULL THEN l.output_tokens ELSE answered_tokens END AS last_output_tokens
  FROM linked l
  ANTI JOIN renamed gone ON l.call_id = gone.call_id
  LEFT JOIN answers ON l.call_id = answers.intended_call_id
  LEFT JOIN renamed start ON l.previous_call_id = start.call_id
  LEFT JOIN renamed parent ON l.parent_call_id = parent.call_id),
started AS (
  SELECT *, CASE WHEN known_gap_s IS NOT NULL AND start_id <> call_id THEN start_id END AS after_id,
    NOT (input_tokens IS NOT NULL AND last_status = 'ok' AND last_output_tokens IS NOT NULL) AS imputed
  FROM intended)
SELECT i.call_id, i.session_id, i.turn_id, i.step_index, after_id AS starts_after_call_id,
  CASE WHEN after_id IS NULL THEN 0.0 ELSE known_gap_s END AS gap_s, i.requested_at, i.surface,
  i.service_tier, i.tenant_id,
  parent_id AS parent_call_id, greatest(i.input_tokens, 1) AS input_tokens,
  least(coalesce(shared_prefix_tokens, 0), greatest(i.input_tokens, 1)) AS shared_prefix_tokens,
  greatest(last_output_tokens, 1) AS output_tokens, coalesce(image_tokens, 0) AS image_tokens, llm, patience_class,
  value_usd_per_token, s.paid, imputed, i.day
FROM started i
LEFT JOIN policy p ON i.surface = p.surface AND i.service_tier = p.service_tier
LEFT JOIN sessions s ON i.session_id = s.session_id
ORDER BY i.session_id, i.step_index, i.call_id"""

QUERIES: Mapping[str, str] = MappingProxyType(
    {
        "session_features": _SESSION_FEATURES,
        "wait_profile": _WAIT_PROFILE,
        "stall_profile": _STALL_PROFILE,
        "abandonment_curve": _ABANDONMENT,
        "context_growth": _GROWTH,
        "workload_mix": _MIX,
        "prefix_reuse": _REUSE,
        "demand_calls": _DEMAND,
    }
)
"""SQL by feature."""
