"""The command line: each command a thin call; what is heavy is imported inside the command that needs it."""

from pipelines.cli.app import app, main

__all__ = ["app", "main"]
