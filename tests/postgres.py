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
import subprocess
import tempfile
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg
from psycopg import sql

from tests.ports import free_port

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
    with cluster() as running:
        yield running.url


@contextlib.contextmanager
def cluster(parent: Path | str = PARENT, **settings: str | int) -> Iterator["Cluster"]:
    """A running server of the caller's own, which it may kill and start again, with its data in a folder there."""
    programs = binaries()
    with tempfile.TemporaryDirectory(prefix="kvota-postgres-", dir=parent, ignore_cleanup_errors=True) as name:
        folder = Path(name)
        if os.geteuid() == 0:
            shutil.chown(folder, _owner().pw_uid, _owner().pw_gid)
        _make_cluster(programs, folder)
        made = Cluster(programs, folder, settings)
        try:
            made.start()
            yield made
        finally:
            made.stop()


@contextlib.contextmanager
def database(server_url: str, like: str | None = None) -> Iterator[str]:
    """The URL of a new database on that server, dropped afterwards whoever is still connected.

    It is empty, or a copy of the one whose URL is ``like``, to which nobody may be connected meanwhile.
    """
    name = f"kvota_test_{uuid.uuid4().hex[:12]}"
    template = "template1" if like is None else urlsplit(like).path[1:]
    create = sql.SQL("CREATE DATABASE {} TEMPLATE {}")
    _execute(server_url, create.format(sql.Identifier(name), sql.Identifier(template)))
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


class Cluster:
    """A server with its data; killed and started again, it is reached at the same place."""

    def __init__(self, programs: Path, folder: Path, settings: dict[str, str | int]) -> None:
        self._settings = settings
        self._programs, self._folder, self._log = programs, folder, folder / "server.log"
        self._process: subprocess.Popen[bytes] | None = None
        self._port: int | None = None

    @property
    def url(self) -> str:
        """Of the database that every server has."""
        return f"postgresql://postgres@127.0.0.1:{self._port}/postgres"

    def start(self) -> None:
        """Start it and wait until it can be connected to, which after a kill includes its recovery.

        Some tries: somebody may take the port between our look and the start, and after a kill the old processes
        may take a moment to go.
        """
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            port = self._port or free_port()
            self._spawn(port)
            try:
                if self._is_ready(port, deadline):
                    self._port = port
                    return
            except BaseException:
                self.stop()
                raise
            self.stop()
            time.sleep(0.1)
        raise PostgresUnusableError(f"PostgreSQL did not start:\n{self._log.read_text(errors='replace')[-4000:]}")

    def kill(self) -> None:
        """SIGKILL of the postmaster, as when the machine runs out of memory; its children see it and go."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    @contextlib.contextmanager
    def frozen(self) -> Iterator[None]:
        """While the block runs it is there and does nothing: connections stay, and nobody answers."""
        assert self._process is not None
        postmaster = self._process.pid
        children = Path(f"/proc/{postmaster}/task/{postmaster}/children").read_text().split()
        everybody = [postmaster, *map(int, children)]
        for process in everybody:
            os.kill(process, signal.SIGSTOP)
        try:
            yield
        finally:
            for process in everybody:
                os.kill(process, signal.SIGCONT)

    def demote(self) -> None:
        """Stop in order and start as a hot standby, which only reads; ``SELECT pg_promote()`` ends that."""
        self.stop()
        (self._folder / "data" / "standby.signal").touch()
        self.start()

    def restart_if_ended(self) -> None:
        """As whoever supervises it does."""
        assert self._process is not None
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(2)
            self.start()

    def stop(self) -> None:
        """Fast shutdown, then immediate, then by force."""
        if self._process is None:
            return
        for how in (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL):
            self._process.send_signal(how)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(STOP_SECONDS)
                return

    def _spawn(self, port: int) -> None:
        settings = {
            "listen_addresses": "127.0.0.1",
            "port": port,
            "unix_socket_directories": self._folder,
            "max_connections": 200,
            **self._settings,
        }
        command = [*_unprivileged(), self._programs / "postgres", "-D", self._folder / "data"]
        for key, value in settings.items():
            command += ["-c", f"{key}={value}"]
        with self._log.open("ab") as output:
            # A session of its own: Ctrl-C is for the tests, which then stop the server in order.
            self._process = subprocess.Popen(
                command, cwd=self._folder, stdout=output, stderr=output, start_new_session=True
            )

    def _is_ready(self, port: int, deadline: float) -> bool:
        assert self._process is not None
        url = f"postgresql://postgres@127.0.0.1:{port}/postgres"
        while time.monotonic() < deadline and self._process.poll() is None:
            with contextlib.suppress(psycopg.OperationalError), psycopg.connect(url):
                return self._process.poll() is None
            time.sleep(0.05)
        return False
