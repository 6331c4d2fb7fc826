"""What a reply has to be for the OpenAPI document to be true, whatever was asked."""

import re
from typing import Any
from zlib import crc32

import schemathesis
from schemathesis import Case, GenerationMode, Response
from schemathesis.config import SchemathesisConfig
from schemathesis.specs.openapi import checks

from kvota.api.problems import STATUS
from tests.acceptance.servers import OPERATOR_KEY, Server

TRUE = [
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
]
HEADERS = {"Authorization": f"Bearer {OPERATOR_KEY}"}
COMPANY = "acme"


class Interface:
    """The document of a running server, and its requests. ``asked`` counts them by status."""

    def __init__(self, server: Server, *, mode: GenerationMode) -> None:
        self.mode = mode
        config = SchemathesisConfig()
        config.projects.default.generation.update(modes=[mode])
        whole = schemathesis.openapi.from_url(server.url + "/openapi.json", config=config)
        self.schema = whole.exclude(operation_id="load_catalogue")  # TOML, which has a fuzz of its own
        self.asked: dict[int, int] = {}
        catalogue = server.call("GET", "/v1/catalogue").body
        self._words = {
            "action": list(catalogue["actions"]),
            "plan": list(catalogue["plans"]),
            "boost": list(catalogue["boosts"]),
            "time_zone": ["UTC", "Europe/Moscow", "Pacific/Apia"],
        }
        if mode is GenerationMode.POSITIVE:
            self.schema.hook("map_body")(lambda _context, body: self._with_known_words(body))

    def _with_known_words(self, body: Any) -> Any:
        """Random text is no action of the catalogue: three of four of the texts that have to be are made one."""
        if not isinstance(body, dict):
            return body
        named = {name: value for name, value in body.items() if name in self._words and isinstance(value, str)}
        sums = {name: crc32(value.encode("utf-8", "surrogatepass")) for name, value in named.items()}
        known = {name: self._words[name][n // 4 % len(self._words[name])] for name, n in sums.items() if n % 4}
        return {**body, **known}

    def operations(self) -> list[Any]:
        """All of them; against the document can be asked only where it asks for something."""
        found = [one.ok() for one in self.schema.get_all_operations()]
        if self.mode is GenerationMode.POSITIVE:
            return found
        return [one for one in found if len(one.path_parameters) or len(one.query) or len(one.body)]

    def ask(self, case: Case) -> None:
        """Send the case and look at the reply."""
        self.judge(case, case.call(headers=HEADERS, timeout=60))

    def judge(self, case: Case, reply: Response) -> None:
        """Fail unless the reply is one that the document declares, and a refusal has a declared reason."""
        self.asked[reply.status_code] = self.asked.get(reply.status_code, 0) + 1
        assert reply.status_code < 500, (reply.status_code, reply.text, case.as_curl_command())
        more = [checks.negative_data_rejection] if self.mode is GenerationMode.NEGATIVE else []
        case.validate_response(reply, checks=[*TRUE, *more])
        if reply.status_code >= 400:
            problem = reply.json()
            assert STATUS[problem["code"]] == problem["status"] == reply.status_code
            assert problem["title"]
            assert problem["detail"]
            if self.mode is GenerationMode.POSITIVE and reply.headers["content-language"] == ["en"]:
                assert_declared(case, problem)  # the document speaks English


def assert_declared(case: Case, problem: dict[str, Any]) -> None:
    """A request that fits its schema is refused for a reason that the document names, and for no other."""
    assert problem["code"] != "malformed", (problem, case.as_curl_command())
    if problem["code"] != "invalid":
        return  # a code of its own is a declared reason: that it may come here is the check of the status
    declared = [_pattern(text) for text in case.operation.definition.raw["x-invalid"]]
    errors = problem.get("errors") or [{"field": "", "message": problem["detail"]}]
    for error in errors:
        said = f"{error['field']}: {error['message']}"
        assert any(one.fullmatch(said) for one in declared), (said, case.as_curl_command())


def _pattern(text: str) -> re.Pattern[str]:
    return re.compile(".*".join(re.escape(part) for part in text.split("…")), re.DOTALL)
