"""``kvota demo``."""

import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec
from cyclopts import Parameter
from cyclopts.validators import Number

from kvota.cli import OK
from kvota.errors import WorldError
from kvota.settings import DEFAULT_PORT, Settings, from_environment

if TYPE_CHECKING:
    import socket

    from kvota.reads import Reads
    from kvota.sign_ins import Role
    from kvota.wiring import Meter

STORE, KEYS, PASSWORD = "kvota-demo.db", "kvota-demo.keys.json", "password"
PORTS_TRIED = 50
MEMORY = Path("/dev/shm")  # noqa: S108 - mkdtemp makes a private folder in it
ROLES = ("operator", "admin", "app", "member")
MEMBER = "anna"
SIGN_INS: dict["Role", str] = {
    "operator": "operator@example.com",
    "admin": "admin@acme.example",
    "member": f"{MEMBER}@acme.example",
}


def demo(
    *,
    folder: Path = Path(),
    host: str = "127.0.0.1",
    port: Annotated[int, Parameter(validator=Number(gte=0, lte=65535))] = DEFAULT_PORT,
) -> int:
    """Serve a demo company with two months of usage, and print sign-ins, keys and calls to try.

    The store is made at the first run (kvota-demo.db, a few seconds) and kept;
    remove it to begin anew.

    For example:

        kvota demo --port 8100

    Parameters
    ----------
    folder
        Where the store and its keys are.
    host
        The address to listen on.
    port
        The port; the next free one if it is taken.
    """
    from kvota.server import serve_on

    store = folder / STORE
    settings = Settings(store=f"sqlite:///{store.resolve()}", log_level=from_environment().log_level)
    if not store.exists():
        folder.mkdir(parents=True, exist_ok=True)
        _make(store)
    keys, password = _secrets(settings, folder / KEYS)
    listening = _listen(host, port)
    serve_on(listening, settings, announce=_say, more=lambda url: _invitation(url, keys, password))
    return OK


def _invitation(url: str, keys: dict[str, str], password: str) -> list[str]:
    """What to try."""
    from kvota.cli.demo_history import COMPANY

    company = f"{url}/v1/companies/{COMPANY}"
    body = '{"action": "site_creation", "quantities": {"images": 3}}'
    to_ask = f"-H 'Content-Type: application/json' -d '{body}'"
    tomorrow = time.strftime("%Y-%m-%d", time.localtime(time.time() + 86_400))
    days = f"from={time.strftime('%Y-%m-01')}&to={tomorrow}"
    return [
        "",
        f"The dashboard is at {url}/ — sign in as one of these, each with the password {password}",
        *(f"  {role + ':':<10} {email}" for role, email in SIGN_INS.items()),
        "",
        *(f"{role + ' key:':<13} {secret}" for role, secret in keys.items()),
        "",
        "Try:",
        f'  curl -H "Authorization: Bearer {keys["admin"]}" {company}/balance',
        f'  curl -H "Authorization: Bearer {keys["app"]}" {to_ask} {company}/quotes',
        f'  curl -H "Authorization: Bearer {keys["admin"]}" "{company}/usage?{days}&by=tool"',
        f"The calls are described at {url}/docs. Ctrl-C ends the server.",
    ]


def _make(store: Path) -> None:
    """Make the store aside, in memory where that is possible, and put it in its place when it is whole."""
    import shutil
    import tempfile

    from kvota.cli.demo_history import History
    from kvota.cli.progress import counting
    from kvota.wiring import open_meter

    _say("Making the demo company, once ...")
    with tempfile.TemporaryDirectory(dir=MEMORY if os.access(MEMORY, os.W_OK) else store.parent) as name:
        made = Path(name) / STORE
        now = [0]
        meter = open_meter(Settings(store=f"sqlite:///{made}"), clock=lambda: now[0])
        try:
            with counting("calls", None) as step:
                History(lambda at: now.__setitem__(0, at), meter.engine, time.time_ns() // 1_000_000).write(step)
            _add_people(meter)
            _leave_waiting(meter)
        finally:
            meter.close()
        part = store.with_suffix(".part")
        shutil.copyfile(made, part)
        part.replace(store)


def _add_people(meter: "Meter") -> None:
    """Put the people of the past into the directory."""
    from kvota.cli.demo_history import COMPANY, PEOPLE

    for one in PEOPLE:
        meter.reads.put_person(COMPANY, one.user, {"name": one.name, "department": one.department})


def _leave_waiting(meter: "Meter") -> None:
    """Leave something to answer: somebody who asks for more, and an order that is not paid yet."""
    from kvota.cli.demo_history import BOOST, BY, COMPANY, INTERN
    from kvota.core.commands import PlaceOrder

    about = {"action": "chat_question", "reason": "cap_reached", "cap": "interns"}
    meter.reads.appeals.ask(COMPANY, INTERN, text="The fair is next week: many letters", wanted=60, **about)
    meter.engine.execute(PlaceOrder(company=COMPANY, by=BY, boost=BOOST))


def _secrets(settings: Settings, file: Path) -> tuple[dict[str, str], str]:
    """The keys of the demo company by role, and the password of its sign-ins.

    Those of the file if they still open, otherwise new ones.
    """
    import secrets

    from kvota.wiring import open_meter

    known = _known(file)
    meter = open_meter(settings)
    try:
        keys = {role: _key(meter.reads, role, known.get(role)) for role in ROLES}
        password = _let_in(meter.reads, known.get(PASSWORD) or "-".join(secrets.token_hex(2) for _ in range(3)))
    finally:
        meter.close()
    told = {**keys, PASSWORD: password}
    if told != known:
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as out:
            os.fchmod(out.fileno(), 0o600)
            out.write(msgspec.json.format(msgspec.json.encode(told)) + b"\n")
    return keys, password


def _let_in(reads: "Reads", password: str) -> str:
    """Let the demo's people sign in with that password."""
    from kvota.cli.demo_history import COMPANY

    access = reads.access
    for role, email in SIGN_INS.items():
        one = access.find(email)
        if one is None:
            company, user = (None, None) if role == "operator" else (COMPANY, MEMBER if role == "member" else None)
            one, _ = access.invite(email=email, role=role, company=company, user=user)
        if access.by_password(email, password) is None:
            access.set_password(one, password)
    return password


def _known(file: Path) -> dict[str, str]:
    try:
        return msgspec.json.decode(file.read_bytes(), type=dict[str, str])
    except (FileNotFoundError, msgspec.DecodeError):
        return {}


def _key(reads: "Reads", role: str, known: str | None) -> str:
    from kvota.cli.demo_history import COMPANY

    if known is not None and reads.authenticate(known) is not None:
        return known
    company = None if role == "operator" else COMPANY
    return reads.make_key(role=role, company=company, user=MEMBER if role == "member" else None, label="demo")[1]


def _listen(host: str, port: int) -> "socket.socket":
    """A socket on that port, or on the next free one."""
    import errno

    from kvota.server import AddressUnusable, listen

    for tried in range(port, min(port + PORTS_TRIED, 65536)):
        try:
            return listen(host, tried)
        except AddressUnusable as error:
            cause = error.__cause__
            if not isinstance(cause, OSError) or cause.errno != errno.EADDRINUSE:
                raise
    raise WorldError(f"All ports from {port} to {port + PORTS_TRIED - 1} are taken. Choose another with --port.")


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()
