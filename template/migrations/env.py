"""Alembic's environment, for both branches. Run it through `python -m chassis migrate`."""

from importlib import import_module
from typing import Any

from alembic import context
from sqlalchemy import create_engine, pool, text

from chassis.db.base import Base
from chassis.db.migrations import LOCK_TIMEOUT
from chassis.wiring import load_agent

# Tables are registered by being imported.
for module in ("chassis.audit.tables", "chassis.runs.tables", "chassis.runs.model_seen", load_agent().models):
    import_module(module)

# Tables without a model are the audit log's.
OWNERS = dict.fromkeys(Base.metadata.tables, "chassis") | {
    mapper.class_.__tablename__: "chassis" if mapper.class_.__module__.startswith("chassis.") else "agent"
    for mapper in Base.registry.mappers
}
# The checkpointer creates and upgrades these itself.
FOREIGN_TABLES = {"checkpoints", "checkpoint_blobs", "checkpoint_writes", "checkpoint_migrations"}


def include_object(_object: Any, name: str | None, kind: str, _reflected: bool, _compare_to: Any) -> bool:
    """Leave out what Alembic does not own and, while a migration is written, the tables of the other branch."""
    if kind != "table" or name is None:
        return True
    branch = context.config.attributes.get("branch")
    return name not in FOREIGN_TABLES and (branch is None or OWNERS.get(name, branch) == branch)


def run_offline() -> None:
    """Print SQL."""
    context.configure(dialect_name="postgresql", target_metadata=Base.metadata, literal_binds=True)
    with context.begin_transaction():
        context.execute(f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT}'")
        context.execute(f"SET LOCAL statement_timeout = '{LOCK_TIMEOUT}'")
        context.run_migrations()


def run_online(database: str) -> None:
    """Migrate; each migration in a transaction of its own that gives up rather than queue behind a long lock."""
    url = database.replace("postgresql://", "postgresql+psycopg://", 1)
    engine = create_engine(url, poolclass=pool.NullPool)
    with engine.connect() as connection:
        connection.execute(text(f"SET lock_timeout = '{LOCK_TIMEOUT}'"))
        connection.commit()
        context.configure(
            connection=connection,
            target_metadata=Base.metadata,
            include_object=include_object,
            compare_server_default=True,
            transaction_per_migration=True,
        )
        with context.begin_transaction():
            context.run_migrations()


if context.is_offline_mode():
    run_offline()
else:
    run_online(context.config.attributes["database"])
