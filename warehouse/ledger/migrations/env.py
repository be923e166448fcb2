"""How Alembic runs our migrations: on the connection that it is handed, in that connection's transaction."""

from alembic import context

from warehouse.ledger.rows import Row

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Row.metadata,
    transactional_ddl=True,
    render_as_batch=True,
    compare_type=True,
)
context.run_migrations()
