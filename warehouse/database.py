"""What the lake's catalogue and the ledger share about databases: one clear line when one cannot be reached."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError, DatabaseError, NoSuchModuleError

from warehouse.errors import UnreachableDatabase


@contextmanager
def reached(url: str) -> Iterator[None]:
    """Turns what goes wrong while a database is opened into one line that never shows the password.

    Raises:
        UnreachableDatabase: if the URL is wrong, lacks its driver, or its database does not answer.
    """
    try:
        yield
    except (ArgumentError, NoSuchModuleError, ImportError, DatabaseError) as error:
        reason = " ".join(str(getattr(error, "orig", None) or error).split())
        raise UnreachableDatabase(
            f"cannot open the database {_without_password(url)}: {reason}; "
            "check the URL (like sqlite:////absolute/path.db), its driver and that it runs"
        ) from error


def _without_password(url: str) -> str:
    try:
        return make_url(url).render_as_string(hide_password=True)
    except ArgumentError:
        return "(not a URL)"
