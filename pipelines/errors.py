"""Errors of the pipeline.

PipelineError
├── BadInput        something a person gave cannot be used; exit code 2
├── NotOffered      a machine has no such kernel, or no memory for it; measuring goes on without it
└── FailedCheck     the run ended, but a check did not hold; exit code 1
"""


class PipelineError(Exception):
    """Base of every expected error of the pipeline."""


class BadInput(PipelineError):
    """Something a person gave cannot be used: what, where, how to fix."""


class NotOffered(PipelineError):
    """A machine has no such kernel, or no memory for it."""


class FailedCheck(PipelineError):
    """The run ended, but a check did not hold."""


def one_line(error: BaseException) -> str:
    """The error on one line, without control characters."""
    text = " ".join(str(error).split()) or type(error).__name__
    return "".join(character if character.isprintable() else "\ufffd" for character in text)
