"""How the ledger reaches its database: waits for locks, keeps foreign keys, upgrades the schema, refuses changes."""

import json
from functools import partial
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection, Engine, create_engine, event, make_url, text
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.orm import Mapper, ORMExecuteState, Session, object_session
from sqlalchemy.pool import ConnectionPoolEntry

from warehouse.errors import ImmutableRow, NewerLedger
from warehouse.ledger.rows import EvaluationRow, PredictionRow, Row

LOCK_WAIT_S = 60
"""How long a connection waits for another process's lock on a SQLite file before it gives up."""

UPGRADE_LOCK = 740_115_802
"""Number of the PostgreSQL advisory lock that two upgrades at once queue for; any constant serves."""

NEVER_CHANGED: tuple[type[Row], ...] = (PredictionRow, EvaluationRow)


class LedgerSession(Session):
    """A session that refuses changes of the rows that may never change."""


def make_engine(url: str) -> Engine:
    """An engine on any SQLAlchemy URL; a SQLite file's folder is made."""
    target = make_url(url)
    dumps = partial(json.dumps, allow_nan=False, sort_keys=True)
    if target.get_backend_name() != "sqlite":
        return create_engine(target, json_serializer=dumps)
    if target.database:
        Path(target.database).parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(target, json_serializer=dumps, connect_args={"timeout": LOCK_WAIT_S})
    event.listen(engine, "connect", _set_up_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def for_writing(engine: Engine) -> Engine:
    """The same engine, whose transactions take SQLite's write lock at once instead of failing to upgrade to it."""
    return engine.execution_options(sqlite_begin="IMMEDIATE")


def upgrade(engine: Engine) -> None:
    """Brings the schema to the newest migration; two processes at once queue.

    Raises:
        NewerLedger: if the database was upgraded by newer code than this.
    """
    with for_writing(engine).begin() as connection:
        if engine.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": UPGRADE_LOCK})
        config = migration_config(connection)
        present = MigrationContext.configure(connection).get_current_revision()
        if present == ScriptDirectory.from_config(config).get_current_head():
            return
        try:
            command.upgrade(config, "head")
        except CommandError as error:
            where = engine.url.render_as_string(hide_password=True)
            raise NewerLedger(
                f"the ledger {where} is at revision {present}, which this code does not know: "
                "update the code, or name another ledger"
            ) from error


def migration_config(connection: Connection) -> Config:
    """Alembic's settings for an open connection; `alembic.command.revision` takes them too."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
    config.attributes["connection"] = connection
    return config


def _set_up_sqlite(connection: DBAPIConnection, _: ConnectionPoolEntry) -> None:
    """Transactions begin where we say, and foreign keys hold."""
    connection.isolation_level = None
    cursor = connection.cursor()
    cursor.execute("PRAGMA foreign_keys=ON")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    mode = connection.get_execution_options().get("sqlite_begin", "DEFERRED")
    connection.exec_driver_sql(f"BEGIN {mode}")


def _refuse_change(_: Mapper[Row], __: Connection, row: Row) -> None:
    session = object_session(row)
    if session is None or row in session.deleted or session.is_modified(row):
        raise ImmutableRow(f"{row.__tablename__} rows are never changed or deleted: add a row under a new run instead")


def _refuse_bulk_change(state: ORMExecuteState) -> None:
    if (state.is_update or state.is_delete) and any(mapper.class_ in NEVER_CHANGED for mapper in state.all_mappers):
        raise ImmutableRow("predictions and evaluations are never changed or deleted: add rows under a new run instead")


for _kind in NEVER_CHANGED:
    event.listen(_kind, "before_update", _refuse_change)
    event.listen(_kind, "before_delete", _refuse_change)
event.listen(LedgerSession, "do_orm_execute", _refuse_bulk_change)
