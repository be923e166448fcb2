"""Fits how mean scores change along a session, by band of its first prompt and of the step."""

import numpy as np

from telemetry_sim.fit.effects import Scores, spread_of
from telemetry_sim.fitted.surface import Course
from telemetry_sim.laws import Bools, Floats, Ints

STEP_EDGES = (0.0, 1.0, 2.0, 4.0, 8.0, 40.0)
"""Assumed: steps 0, 1, 2, 3 to 4, 5 to 8, 9 to 40, later."""
PRIOR_CALLS = 5.0
"""Assumed: a cell's mean is drawn towards 0 by this many calls."""
LEAST_SESSIONS = 40
LATE_STEP = 8
"""Assumed: after so many steps a session shows its own pace."""
SPREAD_LIMITS = (0.4, 2.5)


def fit_course(first: Floats, parted_at: Floats, session: Ints, step: Ints, scores: list[Floats]) -> Course:
    """Mean and spread of the scores by cell.

    Args:
        first: First prompt of each session.
        parted_at: Edges that part kinds of sessions by their first prompt; infinite ones part nothing.
        session: Session of each row.
        step: Place of each row in its session.
        scores: Normal scores by effect, NaN where there is none.
    """
    if len(first) < LEAST_SESSIONS or step.max() == 0:
        flat = tuple(((0.0,),) for _ in scores)
        return Course(
            step_edges_count=(),
            first_edges_tokens=(),
            shift=flat,
            spread=tuple(((1.0,),) for _ in scores),
            reach=tuple(((1.0,),) for _ in scores),
        )
    inner = parted_at[np.isfinite(parted_at)]
    opening = first[first <= inner[0]] if len(inner) else first
    edges = np.unique(np.append(inner, np.median(opening)))
    steps = np.array([edge for edge in STEP_EDGES if edge < step.max()])
    cell = np.searchsorted(edges, first)[session] * (len(steps) + 1) + np.searchsorted(steps, step)
    cells = (len(edges) + 1) * (len(steps) + 1)
    band = np.searchsorted(edges, first)[session]
    shift, spread, reach = [], [], []
    for score in scores:
        told = np.isfinite(score)
        total = np.bincount(cell[told], score[told], cells)
        mean = total / (np.bincount(cell[told], minlength=cells) + PRIOR_CALLS)
        parts = [_parted(score - mean[cell], session, told & (band == own)) for own in range(len(edges) + 1)]
        whole = _parted(score - mean[cell], session, told)
        share = _early_share(score - mean[cell], session, step, told, steps, whole[1])
        among = np.outer([part[1] for part in parts], share**2).ravel()
        squares = np.bincount(cell[told], (score[told] - mean[cell[told]]) ** 2, cells)
        count = np.bincount(cell[told], minlength=cells) + PRIOR_CALLS
        inside = np.repeat([part[0] for part in parts], len(steps) + 1)
        ratio = np.sqrt(np.maximum((squares + PRIOR_CALLS * (inside + among)) / count - among, 0.0) / whole[0])
        own = np.clip(np.sqrt([part[1] / max(whole[1], 1e-6) for part in parts]), *SPREAD_LIMITS)
        reach.append(tuple(tuple(float(x) for x in row) for row in np.outer(own, share)))
        shift.append(mean.reshape(len(edges) + 1, len(steps) + 1))
        spread.append(np.clip(ratio, *SPREAD_LIMITS).reshape(len(edges) + 1, len(steps) + 1))
    return Course(
        step_edges_count=tuple(float(edge) for edge in steps),
        first_edges_tokens=tuple(float(edge) for edge in edges),
        shift=tuple(tuple(tuple(float(x) for x in row) for row in table) for table in shift),
        spread=tuple(tuple(tuple(float(x) for x in row) for row in table) for table in spread),
        reach=tuple(reach),
    )


def _early_share(score: Floats, session: Ints, step: Ints, told: Bools, steps: Floats, between: float) -> Floats:
    """How much of a session's effect shows at each band of steps: its covariance with the later mean."""
    share = np.ones(len(steps) + 1)
    late = told & (step > LATE_STEP)
    if between <= 0.0 or late.sum() < LEAST_SESSIONS:
        return share
    count = np.bincount(session[late], minlength=int(session.max()) + 1)
    later = np.bincount(session[late], score[late], len(count)) / np.maximum(count, 1)
    spread = float(np.average((later[count > 0]) ** 2, weights=np.minimum(count[count > 0], LATE_STEP)))
    band = np.searchsorted(steps, step)
    for place in np.flatnonzero(np.append(steps, np.inf) <= LATE_STEP):
        mine = told & (band == place) & (count[session] > LATE_STEP)
        if mine.sum() >= LEAST_SESSIONS:
            found = float(np.mean(score[mine] * (later[session[mine]] - later[count > 0].mean())) / spread)
            share[place] = np.clip(found, 0.0, 1.0)
    return share


def _parted(score: Floats, session: Ints, mask: Bools) -> tuple[float, float]:
    """Variance inside and between sessions of some rows' scores."""
    if mask.sum() < LEAST_SESSIONS:
        return 1.0, 0.0
    found = spread_of(Scores(session=session[mask], score=score[mask]), int(session.max()) + 1)
    return max(found.within_variance, 1e-3), found.between_variance


def course_of(course: Course, first: Floats, session: Ints, step: Ints) -> tuple[Floats, Floats]:
    """The mean scores of rows and their relative spread inside a session. Shapes (effects, rows)."""
    band = np.searchsorted(course.first_edges_tokens, first)[session]
    place = np.searchsorted(course.step_edges_count, step)
    return np.asarray(course.shift)[:, band, place], np.asarray(course.spread)[:, band, place]
