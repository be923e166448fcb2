"""Fitting a surface to a trace, judging the fit, and writing what came of it."""

from pipelines.fit.run import FitFiles, FitOutcome, fit_trace, write_fit

__all__ = ["FitFiles", "FitOutcome", "fit_trace", "write_fit"]
