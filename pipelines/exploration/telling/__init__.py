"""A run told as a report: what lake, ledger and findings say, the plain words around it, and its rendering."""

from pipelines.exploration.telling.rendering import headline_of, render_again, render_run

__all__ = [
    "headline_of",
    "render_again",
    "render_run",
]
