"""A PostgreSQL server of the tests' own: made, started, stopped and removed by them.

It is as durable as one in production (fsync, full commits): durability is what the tests are about. Only this machine
reaches it, over loopback and a socket in its own folder. `KVOTA_TEST_POSTGRES` names another server to use instead, one
on which databases may be created.
"""

import contextlib
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg
from psycopg import sql

START_SECONDS = 60
STOP_SECONDS = 30
# The same disk as real data would have: /tmp may be memory. Short, because a socket's path is limited to 107 bytes, and
# open to the server's user, as root's home is not.
PARENT = "/var/tmp"  # noqa: S108 - mkdtemp makes a private folder in it


class PostgresUnusableError(Exception):
    """There is no server to test with; the message says what helps."""


def binaries() -> Path:
    """The folder of the newest PostgreSQL: the distribution's (`/usr/lib/postgresql/15/bin`), or the one on `PATH`."""
    installed = [path.parent for path in Path("/usr/lib/postgresql").glob("*/bin/initdb")]
    if installed:
        return max(installed, key=lambda folder: float(folder.parent.name))
    if on_path := shutil.which("initdb"):
        return Path(on_path).resolve().parent
    raise PostgresUnusableError("PostgreSQL is not installed. This helps: sudo apt-get install -y postgresql")


def environment() -> dict[str, str]:
    """The environment for processes that call `psql`."""
    if shutil.which("psql"):
        return dict(os.environ)
    return {**os.environ, "PATH": f"{binaries()}:{os.environ['PATH']}"}


@contextlib.contextmanager
def server() -> Iterator[str]:
    """The URL of a running server, on which databases may be created."""
    if named := os.environ.get("KVOTA_TEST_POSTGRES"):
        yield named
        return
    programs = binaries()
    with tempfile.TemporaryDirectory(prefix="kvota-postgres-", dir=PARENT, ignore_cleanup_errors=True) as name:
        folder = Path(name)
        if os.geteuid() == 0:
            shutil.chown(folder, _owner().pw_uid, _owner().pw_gid)
        _make_cluster(programs, folder)
        process, url = _start(programs, folder)
        try:
            yield url
        finally:
            _stop(process)


@contextlib.contextmanager
def database(server_url: str) -> Iterator[str]:
    """The URL of a new, empty database on that server, dropped afterwards whoever is still connected."""
    name = f"kvota_test_{uuid.uuid4().hex[:12]}"
    _execute(server_url, sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    try:
        yield urlunsplit(urlsplit(server_url)._replace(path=f"/{name}"))
    finally:
        _execute(server_url, sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


def _execute(url: str, statement: sql.Composed) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(statement)


def _owner() -> pwd.struct_passwd:
    """Whom to run as: PostgreSQL refuses root."""
    if os.geteuid() != 0:
        return pwd.getpwuid(os.geteuid())
    try:
        return pwd.getpwnam("postgres")
    except KeyError:
        return pwd.getpwnam("nobody")


def _unprivileged() -> list[str]:
    """The beginning of a command that runs as `_owner` and is told to stop when the tests end, even by a kill."""
    command = ["setpriv", "--pdeathsig", "INT"]
    if os.geteuid() == 0:
        command += [f"--reuid={_owner().pw_uid}", f"--regid={_owner().pw_gid}", "--init-groups"]
    return command


def _make_cluster(programs: Path, folder: Path) -> None:
    command = [*_unprivileged(), programs / "initdb", "--pgdata", folder / "data", "--username=postgres"]
    options = ["--auth=trust", "--encoding=UTF8", "--no-locale", "--no-sync"]  # no-sync is for initdb alone
    made = subprocess.run([*command, *options], cwd=folder, capture_output=True, text=True, check=False)
    if made.returncode:
        raise PostgresUnusableError(f"initdb failed:\n{made.stdout}{made.stderr}")


def _start(programs: Path, folder: Path) -> tuple[subprocess.Popen[bytes], str]:
    log = folder / "server.log"
    for _ in range(3):  # somebody may take the port between our look and PostgreSQL's start
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        settings = {
            "listen_addresses": "127.0.0.1",
            "port": port,
            "unix_socket_directories": folder,
            "max_connections": 200,
        }
        command = [*_unprivileged(), programs / "postgres", "-D", folder / "data"]
        for key, value in settings.items():
            command += ["-c", f"{key}={value}"]
        with log.open("ab") as output:
            # A session of its own: Ctrl-C is for the tests, which then stop the server in order.
            process = subprocess.Popen(command, cwd=folder, stdout=output, stderr=output, start_new_session=True)
        url = f"postgresql://postgres@127.0.0.1:{port}/postgres"
        try:
            if _is_ready(process, url):
                return process, url
        except BaseException:
            _stop(process)
            raise
        _stop(process)
    raise PostgresUnusableError(f"PostgreSQL did not start:\n{log.read_text(errors='replace')[-4000:]}")


def _is_ready(process: subprocess.Popen[bytes], url: str) -> bool:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(psycopg.OperationalError), psycopg.connect(url):
            return process.poll() is None
        time.sleep(0.05)
    return False


def _stop(process: subprocess.Popen[bytes]) -> None:
    for how in (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL):  # fast shutdown, immediate, by force
        process.send_signal(how)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(STOP_SECONDS)
            return
