"""Who may do what in the database: three roles that nobody logs in as, of which logins are made members.

    <database>_app      serve and work: everything but the structure, and of the audit log reading and appending only
    <database>_sealer   audit keep: reads events, appends seals and heads
    <database>_auditor  audit verify, export and tail: reads the log, and appends that it did

`migrate` runs as the owner and applies this again each time, so a table that is new needs no thought.
"""

AUDIT_TABLES = ("audit_event", "audit_unsealed", "audit_seal", "audit_head", "audit_shipment")
READ_ONLY_TABLES = ("alembic_version", "checkpoint_migrations")

AUDIT_GRANTS: dict[str, dict[str, str]] = {
    "app": {"audit_event": "SELECT, INSERT", **dict.fromkeys(AUDIT_TABLES[1:], "SELECT")},
    "sealer": {
        "audit_event": "SELECT",
        "audit_unsealed": "SELECT, DELETE",
        "audit_seal": "SELECT, INSERT",
        "audit_head": "SELECT, INSERT",
        "audit_shipment": "SELECT, INSERT, UPDATE",
    },
    "auditor": {"audit_event": "SELECT, INSERT", **dict.fromkeys(AUDIT_TABLES[1:], "SELECT")},
}


def roles_sql() -> str:
    """Give the statement that creates the roles where they are missing; it needs the right to create roles then."""
    return _for_each_role(
        "IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = role) THEN EXECUTE format('CREATE ROLE %I NOLOGIN', role); END IF;"
    )


def grants_sql() -> str:
    """Give the statement that sets the privileges of the roles to what is written above, whatever they were."""
    lines = [
        _for_each_role(
            "EXECUTE format('REVOKE ALL ON ALL TABLES IN SCHEMA public FROM %I', role); "
            "EXECUTE format('GRANT USAGE ON SCHEMA public TO %I', role);"
        ),
        _for_role("app", "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO %I"),
        _for_role("app", "GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO %I"),
        *(
            _for_role("app", f"REVOKE ALL ON {table} FROM %1$I; GRANT SELECT ON {table} TO %1$I", table)
            for table in READ_ONLY_TABLES
        ),
        *(_for_role("app", f"REVOKE ALL ON {table} FROM %I", table) for table in AUDIT_TABLES),
        *(
            _for_role(role, f"GRANT {privileges} ON {table} TO %I", table)
            for role, grants in AUDIT_GRANTS.items()
            for table, privileges in grants.items()
        ),
    ]
    return "\n".join(lines)


def role_name(database: str, role: str) -> str:
    """Name a role of a database."""
    return f"{database}_{role}"


def _for_each_role(body: str) -> str:
    names = ", ".join(f"current_database() || '_{role}'" for role in AUDIT_GRANTS)
    return f"DO $$ DECLARE role text; BEGIN FOREACH role IN ARRAY ARRAY[{names}] LOOP {body} END LOOP; END $$;"


def _for_role(role: str, statement: str, table: str | None = None) -> str:
    """Execute a statement with the role's name, if the table is there."""
    execute = f"EXECUTE format('{statement}', current_database() || '_{role}');"
    if table is not None:
        execute = f"IF to_regclass('public.{table}') IS NOT NULL THEN {execute} END IF;"
    return f"DO $$ BEGIN {execute} END $$;"
