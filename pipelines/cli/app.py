"""The application: its commands by panel, and the entry point of the console script."""

import sys

import typer

from pipelines.cli import chip, fit, housekeeping, kernels, loop, measure, serve, telemetry
from pipelines.cli.exits import BAD_INPUT, INTERRUPTED, tell
from pipelines.errors import one_line

HELP = """Where do users of served LLMs wait, which kernels cost it, and which chip change would pay?

Start with [bold]scoville run[/bold]; then [bold]scoville ui[/bold] shows what it did. State lies under
[bold]SCOVILLE_HOME[/bold] (default: .scoville in this folder).
"""

app = typer.Typer(
    name="scoville",
    help=HELP,
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
)
for part in (loop, telemetry, fit, serve, chip, kernels, measure, housekeeping):
    part.register(app)


def main() -> None:
    """Runs the command line; a mistake in the arguments is told in one line, like every other one."""
    try:
        status = app(standalone_mode=False)
    except typer.TyperException as error:
        tell(usage_line(error))
        sys.exit(BAD_INPUT)
    except typer.Abort:
        sys.exit(INTERRUPTED)
    sys.exit(status if isinstance(status, int) else 0)


def usage_line(error: typer.TyperException) -> str:
    """What is wrong with the arguments, and where to read how they go, on one line."""
    message = getattr(error, "format_message", lambda: str(error))()
    context = getattr(error, "ctx", None)
    command = context.command_path if context else "scoville"
    return f"{one_line(ValueError(message)).rstrip('.')}; `{command} --help` shows how it goes"
