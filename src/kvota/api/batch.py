"""``POST /v1/batch``: each operation is read, authorised, carried out and answered as the call that it stands for."""

import json
from collections.abc import Callable
from typing import Any, NamedTuple, cast

import msgspec

from kvota.api import problems
from kvota.api.calls import Call, answered
from kvota.api.problems import Answer, Internal
from kvota.asgi.auth import check_company
from kvota.asgi.defects import log_defect
from kvota.committing import Outcome
from kvota.core.commands import Command
from kvota.errors import CallerError, KeyReused, KvotaError, NotFound
from kvota.wire import asking, views
from kvota.wire.asking import Asker
from kvota.wire.fields import encode, is_id
from kvota.wire.reading import read_part
from kvota.wire.replies import BatchResult, BatchResults
from kvota.wire.requests import (
    BatchOperation,
    CaptureOperation,
    ChargeOperation,
    HoldOperation,
    VoidOperation,
    fingerprint,
)


class _Ready(NamedTuple):
    """An operation that goes to the engine, and how its reply is shown."""

    command: Command
    view: Callable[[Any], object]
    status: int


class _Refused(NamedTuple):
    """An operation that does not; with an idempotency key, it has to be seen whether that is known."""

    error: CallerError
    company: str | None = None
    key: str | None = None


async def batch(call: Call) -> Answer:
    """Up to 1,000 operations; all are durable before the reply, each stands alone."""
    read = [_read(call, raw) for raw in call.body.operations]
    outcomes = iter(await call.services.submit_all([one.command for one in read if isinstance(one, _Ready)]))
    errors = iter(await _refusals(call, [one for one in read if isinstance(one, _Refused)]))
    results: list[BatchResult] = []
    for one in read:
        answer = _answer(call, one, next(outcomes)) if isinstance(one, _Ready) else _problem(call, next(errors))
        results.append(BatchResult(status=answer.status, body=msgspec.Raw(encode(answer.body))))
    return Answer(200, BatchResults(results=results))


def _read(call: Call, raw: msgspec.Raw) -> _Ready | _Refused:
    try:
        operation: BatchOperation = read_part(BatchOperation, raw)
    except CallerError as error:
        return _refused(call, raw, error)
    try:
        check_company(call.key, operation.company)
    except CallerError as error:
        return _Refused(error)
    try:
        return _ready(call, operation)
    except CallerError as error:
        return _Refused(error, operation.company, operation.key)


def _refused(call: Call, raw: msgspec.Raw, error: CallerError) -> _Refused:
    """What is known of an operation that cannot be read: another company does not exist, a known key is reused."""
    try:
        document: object = json.loads(bytes(raw))
    except (ValueError, RecursionError):
        return _Refused(error)
    fields = cast("dict[str, object]", document) if isinstance(document, dict) else {}
    company, key = fields.get("company"), fields.get("key")
    if not isinstance(company, str) or not is_id(company):
        return _Refused(error)
    try:
        check_company(call.key, company)
    except CallerError as hidden:
        return _Refused(hidden)
    return _Refused(error, company, key if isinstance(key, str) and key.isascii() and key.isprintable() else None)


def _ready(call: Call, operation: BatchOperation) -> _Ready:
    company = operation.company
    match operation:
        case ChargeOperation():
            asker = _asker(call, operation, f"/v1/companies/{company}/charges")
            return _Ready(asking.charge(company, operation, asker), views.charge, 201)
        case HoldOperation():
            asker = _asker(call, operation, f"/v1/companies/{company}/holds")
            return _Ready(asking.hold(company, operation, asker), views.hold, 201)
        case CaptureOperation(hold=name):
            asker = _asker(call, operation, f"/v1/companies/{company}/holds/{_named(name)}/capture")
            return _Ready(asking.capture(company, name, operation, asker), views.hold, 200)
        case VoidOperation(hold=name):
            asker = _asker(call, operation, f"/v1/companies/{company}/holds/{_named(name)}/void")
            return _Ready(asking.void(company, name, asker), views.hold, 200)


def _named(hold: str) -> str:
    if not is_id(hold):
        raise NotFound("hold", hold)
    return hold


def _asker(call: Call, operation: BatchOperation, path: str) -> Asker:
    key, asker = operation.key, call.asker
    if key is None:
        return asker
    return Asker(by=asker.by, key=key, request=fingerprint("POST", path, operation), only_actions=asker.only_actions)


async def _refusals(call: Call, refused: list[_Refused]) -> list[CallerError]:
    if not any(one.key is not None for one in refused):
        return [one.error for one in refused]
    return await call.services.read(_with_known_keys, call, refused)


def _with_known_keys(call: Call, refused: list[_Refused]) -> list[CallerError]:
    known = call.services.reads.is_key_known
    return [
        KeyReused(one.key)
        if one.key is not None and one.company is not None and known(one.company, one.key)
        else one.error
        for one in refused
    ]


def _answer(call: Call, ready: _Ready, outcome: Outcome | Exception) -> Answer:
    if isinstance(outcome, Outcome):
        return answered(call.services, outcome, ready.view, ready.status, call.language)
    if not isinstance(outcome, KvotaError):
        log_defect("batch", outcome)
        outcome = Internal("see the log")
    return problems.of_error(outcome, call.language, key=ready.command.key)


def _problem(call: Call, error: CallerError) -> Answer:
    return problems.of_error(error, call.language, key=str(error) if isinstance(error, KeyReused) else None)
