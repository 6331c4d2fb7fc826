"""The OpenAPI 3.1 document, from the registry."""

from collections.abc import Sequence
from http import HTTPStatus
from importlib.metadata import PackageNotFoundError, version
from typing import Any, cast

import msgspec

from kvota.api.problems import STATUS
from kvota.api.refinements import INSTANT, QUERIES, SCHEMAS, laid_over, refused
from kvota.api.registry import Operation
from kvota.asgi.texts import TITLES
from kvota.core.periods import Instant
from kvota.wire import replies, requests
from kvota.wire.fields import ID_PATTERN

Json = dict[str, Any]
REF = "#/components/schemas/{name}"
_ID: Json = {"type": "string", "pattern": ID_PATTERN}
_TEXT = ("healthz", "readyz", "metrics", "docs")


def own_version() -> str:
    """The version of the package that is installed."""
    try:
        return version("kvota")
    except PackageNotFoundError:
        return "0"


def document(operations: Sequence[Operation]) -> bytes:
    """The whole document, as JSON."""
    kinds = _kinds(operations)
    schemas, components = msgspec.json.schema_components(kinds, schema_hook=_schema_hook, ref_template=REF)
    of_kind = dict(zip(kinds, schemas, strict=True))
    components["BatchResult"]["properties"]["body"] = {
        "oneOf": [{"$ref": REF.format(name=name)} for name in ("Charge", "Hold", "Problem")]
    }
    operation_of = components.pop("BatchDocument")
    items = operation_of["properties"]["operations"]
    items["items"] = {"anyOf": [items["items"], {"description": "Anything else: a problem as the result at its place"}]}
    components["BatchRequest"] = {**operation_of, "title": "BatchRequest", "description": "Each stands alone."}
    for name, more in SCHEMAS.items():
        components[name] = laid_over(components[name], more)
    paths: dict[str, Json] = {}
    for operation in operations:
        described = _described(operation, of_kind)
        if links := _links(operation, operations):
            made = str(max(operation.statuses))
            described["responses"][made]["links"] = links
        paths.setdefault(operation.path, {})[operation.method.lower()] = described
    whole: Json = {
        "openapi": "3.1.0",
        "info": {
            "title": "Kvota",
            "version": own_version(),
            "description": "A meter for AI requests. Every amount is a whole number of AI requests; instants are "
            "RFC 3339 in UTC with milliseconds.",
        },
        "servers": [{"url": "/"}],
        "security": [{"key": []}],
        "tags": [{"name": tag} for tag in dict.fromkeys(operation.tag for operation in operations)],
        "paths": paths,
        "components": {
            "schemas": components,
            "securitySchemes": {"key": {"type": "http", "scheme": "bearer"}},
            "responses": {str(status): _problem(status) for status in sorted(set(STATUS.values()))},
        },
    }
    return msgspec.json.encode(_portable(whole))


def _kinds(operations: Sequence[Operation]) -> list[Any]:
    found: dict[Any, None] = dict.fromkeys((replies.Problem, replies.Charge, replies.Hold, requests.BatchDocument))
    for operation in operations:
        found.update(dict.fromkeys(kind for kind in (operation.body, operation.reply) if kind))
    return list(found)


def _schema_hook(kind: type) -> Json:
    if kind is Instant:
        return INSTANT
    raise NotImplementedError(kind)


def _portable(value: Any) -> Any:  # noqa: ANN401 - JSON
    r"""The same with patterns that are valid outside of Python: ``\Z`` is ``$`` there."""
    if isinstance(value, dict):
        said = cast("Json", value)
        return {
            name: item.replace(r"\Z", "$") if name == "pattern" and isinstance(item, str) else _portable(item)
            for name, item in said.items()
        }
    return [_portable(item) for item in cast("list[Any]", value)] if isinstance(value, list) else value


def codes_of(operation: Operation) -> list[str]:
    """Every code that the operation can answer, by status."""
    codes = {*operation.codes, "method_not_allowed", "internal"}
    if operation.name not in ("healthz", "metrics", "openapi", "docs"):
        codes |= {"busy", "store_unavailable"}
    codes |= {"malformed", "invalid"}
    if operation.roles is not None:
        codes |= {"unauthenticated", "forbidden", "too_many_attempts"}
    if "company" in operation.parameters:
        codes.add("company_not_found")
    if operation.body is not None or operation.media is not None:
        codes.add("body_too_large")
    if operation.takes_key:
        codes.add("idempotency_key_reused")
    return sorted(codes, key=lambda code: (STATUS[code], code))


def _described(operation: Operation, of_kind: dict[Any, Json]) -> Json:
    described: Json = {
        "operationId": operation.name,
        "tags": [operation.tag],
        "summary": operation.summary,
        "description": _roles(operation),
        "parameters": _parameters(operation),
        "responses": _responses(operation, of_kind),
        "x-invalid": refused(operation.name),
    }
    if operation.roles is None:
        described["security"] = []
    if operation.media is not None:
        described["requestBody"] = {"required": True, "content": {operation.media: {"schema": {"type": "string"}}}}
    if operation.body is not None:
        described["requestBody"] = {
            "required": any(field.required for field in msgspec.structs.fields(operation.body)),
            "content": {"application/json": {"schema": of_kind[operation.body]}},
        }
    return described


def _roles(operation: Operation) -> str:
    if operation.roles is None:
        return "Needs no key."
    return f"For the roles {', '.join(sorted(operation.roles))}."


def _parameters(operation: Operation) -> list[Json]:
    found: list[Json] = [{"name": name, "in": "path", "required": True, "schema": _ID} for name in operation.parameters]
    for field in msgspec.structs.fields(operation.query):
        schema = msgspec.json.schema(field.type, schema_hook=_schema_hook)
        schema = laid_over(schema, QUERIES.get(operation.query.__name__, {}).get(field.encode_name, {}))
        if isinstance(field.default, int | str):
            schema["default"] = field.default
        found.append({"name": field.encode_name, "in": "query", "required": field.required, "schema": schema})
    if operation.takes_key:
        schema = {"type": "string", "minLength": 1, "maxLength": 200, "pattern": r"^[\x20-\x7e]*$"}
        found.append({"name": "Idempotency-Key", "in": "header", "required": False, "schema": schema})
    if operation.roles is not None:
        found.append({"name": "Accept-Language", "in": "header", "required": False, "schema": {"type": "string"}})
    return found


def _responses(operation: Operation, of_kind: dict[Any, Json]) -> Json:
    responses: Json = {}
    for status in sorted(operation.statuses):
        response: Json = {"description": HTTPStatus(status).phrase}
        if operation.reply is not None:
            response["content"] = {"application/json": {"schema": of_kind[operation.reply]}}
        elif operation.media_type != "application/json":
            response["content"] = {operation.media_type: {"schema": {"type": "string"}}}
        elif operation.name in _TEXT:
            kind = "text/html" if operation.name == "docs" else "text/plain"
            response["content"] = {kind: {"schema": {"type": "string"}}}
        elif operation.name == "openapi":
            response["content"] = {"application/json": {"schema": {"type": "object"}}}
        if operation.takes_key:
            response["headers"] = {
                "Idempotency-Replayed": {
                    "description": "`true` where this is the first reply of the key, again",
                    "schema": {"type": "string", "enum": ["true"]},
                }
            }
        responses[str(status)] = response
    by_status: dict[int, list[str]] = {}
    for code in codes_of(operation):
        by_status.setdefault(STATUS[code], []).append(code)
    for status, codes in by_status.items():
        responses[str(status)] = {"$ref": f"#/components/responses/{status}", "description": ", ".join(codes)}
    return responses


def _links(operation: Operation, operations: Sequence[Operation]) -> Json:
    """What can be asked of what this call has made: the calls whose path goes on with its id."""
    if operation.method != "POST" or operation.reply is None:
        return {}
    made = [
        (f"{operation.path}/{{{one}}}", one, "/id") for one in ("boost", "charge", "hold", "key", "order", "webhook")
    ]
    if operation.name == "capture":
        made = [("/v1/companies/{company}/charges/{charge}", "charge", "/charge")]
    return {
        target.name: {
            "operationId": target.name,
            "parameters": {"company": "$request.path.company", name: f"$response.body#{place}"},
        }
        for path, name, place in made
        for target in operations
        if target.path == path or target.path.startswith(path + "/")
    }


def _problem(status: int) -> Json:
    codes = [code for code, of in STATUS.items() if of == status]
    headers: Json = {}
    if status in (429, 503):
        headers["Retry-After"] = {"schema": {"type": "integer", "minimum": 1}}
    if status == HTTPStatus.METHOD_NOT_ALLOWED:
        headers["Allow"] = {"schema": {"type": "string"}}
    return {
        "description": "; ".join(f"`{code}`: {TITLES[code][0]}" for code in codes),
        "headers": headers,
        "content": {"application/problem+json": {"schema": {"$ref": REF.format(name="Problem")}}},
    }
