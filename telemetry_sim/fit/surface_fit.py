"""Fits a whole surface to a trace of model calls: laws, session effects, prefixes, server times, words."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import polars as pl

from telemetry_sim.errors import SettingsError
from telemetry_sim.fidelity.queue import BASE_S, OUTPUT_S_PER_TOKEN, UNCACHED_S_PER_TOKEN
from telemetry_sim.fit.arrivals import fit_arrivals
from telemetry_sim.fit.calls import laid_out
from telemetry_sim.fit.conversations import strung
from telemetry_sim.fit.course import course_of, fit_course
from telemetry_sim.fit.dependence_fit import dependence_of
from telemetry_sim.fit.effects import (
    Scores,
    memory_of,
    regressed,
    residual_covariance,
    spread_of,
    step_correlations,
)
from telemetry_sim.fit.ending import fit_contexts
from telemetry_sim.fit.mixture_fit import fit_law
from telemetry_sim.fit.pace import paced_law
from telemetry_sim.fit.prefix_fit import fit_prefix
from telemetry_sim.fit.service_fit import fit_finish, fit_models, fit_service
from telemetry_sim.fit.tuning import tuned, with_window
from telemetry_sim.fit.turns import turns_of_sessions
from telemetry_sim.fitted.arrivals import ArrivalLaw
from telemetry_sim.fitted.mixture import MixtureLaw
from telemetry_sim.fitted.surface import EFFECTS, Course, Driver, FittedSurface, Provenance, SessionEffects
from telemetry_sim.laws import Floats

LEAST_VALUES = 30
"""Below this a driver's law is fitted to all drivers together."""
LOOKBACK_SPANS = 1.0
"""Assumed: conversations that began this many spans before the trace still reach into it."""
CLOCK_GRIDS_S = (1.0, 0.1, 0.01, 0.001)


def fit_surface(calls: pl.DataFrame, *, name: str, arrivals: ArrivalLaw | None = None) -> FittedSurface:
    """The surface that a trace tells of.

    Args:
        calls: A `ModelCalls` frame.
        name: Name of the surface, the stem of its ids.
        arrivals: Law of the starts, where one is known already; by default it is fitted.

    Raises:
        SettingsError: if no call tells both its tokens.
    """
    found = strung(calls)
    trace = laid_out(calls) if found is None else laid_out(found.calls, found.end_ratio)
    main = trace.main
    if main.height == 0:
        raise SettingsError(f"{name}: none of {calls.height} calls tells its input and output tokens; nothing to fit")
    requested = calls["requested_at"]
    span_s = max((requested.max() - requested.min()).total_seconds(), 1.0)  # type: ignore[operator, union-attr]
    sessions = main.group_by("session", maintain_order=True).agg(
        pl.col("calls_count").first(),
        first=pl.col("input_tokens").first(),
        start_s=(pl.col("requested_at").first() - pl.lit(requested.min())).dt.total_microseconds() / 1e6,
    )
    first_law = fit_law(_array(sessions["first"]) if found is None else found.first_tokens)
    output = _laws(main, "output_tokens", (Driver.OPENING, Driver.TOOL, Driver.HUMAN))
    contexts = fit_contexts(main)
    first = _array(sessions["first"])
    main = _second_of_fresh(main, first, contexts.parted_at[0])
    growing = main.filter(pl.col("growth_tokens") > 0)
    growth = _laws(growing, "growth_tokens", (Driver.OPENING, Driver.TOOL, Driver.HUMAN), "growth_driver")
    gap = _laws(main.filter(pl.col("gap_s").is_not_null()), "gap_s", (Driver.TOOL, Driver.HUMAN))
    if found is not None:
        gap = {Driver.HUMAN: fit_law(found.gaps_s, grid=grid_of(found.gaps_s))}
    turns = turns_of_sessions(main)
    turn_law = fit_law(_array(turns["len"])) if turns.height and main["turn_id"].max() != 0 else None
    regressors = np.column_stack((first_law.scores(sessions["first"]), contexts.is_large.astype(np.float64)))
    columns = _score_columns(main, output, growth, gap)
    course = fit_course(
        first, contexts.parted_at, main["session"].to_numpy(), main["place"].to_numpy(), list(columns.values())
    )
    surface = FittedSurface(
        name=name,
        product=str(main["surface"][0]),
        tier=str(main["service_tier"][0]),
        provenance=Provenance(
            source_name=name,
            source_id=str(main["source_id"][0]),
            calls_count=calls.height,
            sessions_count=calls["session_id"].n_unique(),
            first_day=str(requested.min().date()),  # type: ignore[union-attr]
            span_s=span_s,
            not_told=tuple(sorted(set(calls.columns) - trace.told)),
        ),
        arrivals=arrivals or _arrivals(main, sessions, span_s),
        ending=contexts.ending,
        classes=contexts.classes,
        contexts=contexts.contexts,
        kept_ratio=contexts.kept_ratio,
        course=course,
        first_input=first_law,
        output=output,
        growth=growth,
        gap=gap,
        calls_per_turn=turn_law,
        effects=_effects(main, first, course, columns, turns, turn_law, regressors),
        prefix=fit_prefix(trace),
        service=fit_service(trace),
        finish=fit_finish(trace),
        model=fit_models(trace, edges := _model_edges(sessions)),
        model_edges_tokens=edges,
        lookback_s=None if found is None else LOOKBACK_SPANS * span_s,
    )
    if main.height == sessions.height and surface.prefix is None:
        return _of_single_calls(surface, main, sessions, has_pace=arrivals is not None)
    if found is not None:
        return with_window(tuned(surface, None))
    told = calls.drop_nulls(["input_tokens", "output_tokens"])
    return tuned(surface, told.height / sessions.height)


def _arrivals(main: pl.DataFrame, sessions: pl.DataFrame, span_s: float) -> ArrivalLaw:
    sizes = _array(main["output_tokens"]) if main.height == sessions.height else None
    return fit_arrivals(_array(sessions["start_s"]), span_s, sizes=sizes)


def _of_single_calls(
    surface: FittedSurface, main: pl.DataFrame, sessions: pl.DataFrame, *, has_pace: bool
) -> FittedSurface:
    """Calls that stand alone: the answer depends on the prompt by a table, and on its time by a pace."""
    first, output = _array(main["input_tokens"]), _array(main["output_tokens"])
    dependence = dependence_of(surface.first_input, first, surface.output[Driver.OPENING], output)
    if not dependence:
        return tuned(surface, None)
    if has_pace:
        return replace(surface, dependence=dependence)
    work_s = BASE_S + UNCACHED_S_PER_TOKEN * first + OUTPUT_S_PER_TOKEN * output
    arrivals = paced_law(surface.arrivals, _array(sessions["start_s"]), output, work_s, surface.provenance.span_s)
    return replace(surface, dependence=dependence, arrivals=arrivals)


def _model_edges(sessions: pl.DataFrame) -> tuple[float, ...]:
    found = {float(sessions["first"].quantile(share)) for share in (0.25, 0.5, 0.75)}  # type: ignore[arg-type]
    return tuple(sorted(found))


def _second_of_fresh(main: pl.DataFrame, first: Floats, resumed_from: float) -> pl.DataFrame:
    """Adds growth_driver: the second call of a fresh session, which reads the surroundings, has a law of its own."""
    fresh = pl.Series(first[main["session"].to_numpy()] <= resumed_from)
    second = (pl.col("place") == 1) & fresh
    if main.filter(second).height < LEAST_VALUES:
        return main.with_columns(growth_driver="driver")
    return main.with_columns(growth_driver=pl.when(second).then(pl.lit(Driver.OPENING.value)).otherwise("driver"))


def _array(column: pl.Series) -> Floats:
    return column.to_numpy().astype(np.float64)


def grid_of(values: Floats) -> float:
    """Step that most of the values are rounded to: the coarsest of 1 s to 1 ms that 95 % of them lie on."""
    for grid in CLOCK_GRIDS_S:
        if np.mean(np.abs(values / grid - np.rint(values / grid)) < 1e-6) >= 0.95:
            return grid
    return CLOCK_GRIDS_S[-1]


def _laws(rows: pl.DataFrame, column: str, drivers: Sequence[Driver], by: str = "driver") -> dict[Driver, MixtureLaw]:
    """A law per driver that has rows; a driver with few rows takes the law of all."""
    if rows.height == 0:
        return {}
    grid = grid_of(_array(rows[column])) if column == "gap_s" else 1.0
    laws: dict[Driver, MixtureLaw] = {}
    pooled: MixtureLaw | None = None
    for driver in drivers:
        mine = rows.filter(pl.col(by) == driver.value)
        if mine.height >= LEAST_VALUES:
            laws[driver] = fit_law(_array(mine[column]), grid=grid)
        elif mine.height:
            pooled = pooled or fit_law(_array(rows[column]), grid=grid)
            laws[driver] = pooled
    return laws


def _scores(rows: pl.DataFrame, column: str, laws: dict[Driver, MixtureLaw]) -> Floats:
    """Normal scores of a column, by driver's law; NaN where there is no value or no law."""
    values = rows[column].cast(pl.Float64).fill_null(float("nan")).to_numpy()
    driver = rows["growth_driver" if column == "growth_tokens" else "driver"].to_numpy()
    found = np.full(len(values), np.nan)
    for word, law in laws.items():
        mask = (driver == word.value) & np.isfinite(values)
        if column == "growth_tokens":
            mask &= values > 0
        found[mask] = law.scores(values[mask])
    return found


def _score_columns(
    main: pl.DataFrame,
    output: dict[Driver, MixtureLaw],
    growth: dict[Driver, MixtureLaw],
    gap: dict[Driver, MixtureLaw],
) -> dict[str, Floats]:
    """Normal scores by effect, NaN where a row has none."""
    z_gap = _scores(main, "gap_s", gap)
    human = main["driver"].to_numpy() == Driver.HUMAN.value
    return {
        "output": _scores(main, "output_tokens", output),
        "growth": _scores(main, "growth_tokens", growth),
        "tool_gap": np.where(human, np.nan, z_gap),
        "human_gap": np.where(human, z_gap, np.nan),
    }


def _effects(
    main: pl.DataFrame,
    first: Floats,
    course: Course,
    raw: dict[str, Floats],
    turns: pl.DataFrame,
    turn_law: MixtureLaw | None,
    regressors: Floats,
) -> SessionEffects:
    session = main["session"].to_numpy()
    shift, spread = course_of(course, first, session, main["place"].to_numpy())
    columns = {name: (raw[name] - shift[j]) / spread[j] for j, name in enumerate(EFFECTS[:-1])}
    scores = [_told(session, columns[name]) for name in EFFECTS[:-1]]
    turn_score = turn_law.scores(turns["len"]) if turn_law is not None else np.zeros(0)
    scores.append(Scores(session=turns["session"].to_numpy()[: len(turn_score)], score=turn_score))
    spreads = [spread_of(each, len(regressors)) for each in scores]
    fits = [regressed(each, regressors) for each in spreads]
    covariance = residual_covariance(spreads, [f[1] for f in fits], [f[2] for f in fits])
    residual = {
        name: columns[name] - spread.means[session] for name, spread in zip(EFFECTS[:-1], spreads[:-1], strict=True)
    }
    before = np.where(main["place"].to_numpy() > 0, np.roll(residual["output"], 1), np.nan)
    tie = step_correlations([residual["tool_gap"], residual["output"]])[0, 1]
    steps = step_correlations([before, residual["tool_gap"], residual["growth"]])
    return SessionEffects(
        intercept=tuple(float(f[0][0]) for f in fits),
        first_slope=tuple(float(f[0][1]) for f in fits),
        large_shift=tuple(float(f[0][2]) for f in fits),
        residual_covariance=tuple(tuple(float(x) for x in row) for row in covariance),
        within_sigma_ratio=tuple(float(np.sqrt(s.within_variance)) for s in spreads),
        memory_ratio=tuple(memory_of(scores[i], spreads[i]) for i in (0, 2, 1)),
        gap_output_correlation_ratio=float(np.clip(tie, -0.9, 0.9)),
        step_correlation=tuple(tuple(float(x) for x in row) for row in steps),
    )


def _told(session: np.ndarray, score: Floats) -> Scores:
    kept = np.isfinite(score)
    return Scores(session=session[kept], score=score[kept])
