"""``/docs``: the API as one page of HTML, from the registry. Nothing on it comes from elsewhere."""

from collections.abc import Sequence
from html import escape
from typing import Any

import msgspec
from msgspec import NODEFAULT, inspect

from kvota.api.openapi import codes_of, own_version
from kvota.api.problems import STATUS
from kvota.api.registry import Operation
from kvota.asgi.texts import TITLES
from kvota.wire.rules import members, rule

_STYLE = """
:root { color-scheme: light dark; --ink: #1c2430; --soft: #5d6b7d; --page: #fbfcfe; --card: #fff; --line: #dfe5ee;
  --get: #1f6feb; --post: #1a7f45; --put: #9a5b00; --delete: #b42318; --code: #f1f4f9; }
@media (prefers-color-scheme: dark) { :root { --ink: #e5eaf2; --soft: #98a5b8; --page: #11151b; --card: #181e27;
  --line: #2b3441; --get: #6ea8ff; --post: #5bc98a; --put: #e6b25a; --delete: #ff8b80; --code: #212935; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--ink); }
body { font: 16px/1.55 system-ui, "Segoe UI", sans-serif; }
main { max-width: 60rem; margin: 0 auto; padding: 2rem 1.25rem 5rem; }
h1 { font-size: 2rem; margin: 0 0 .25rem; letter-spacing: -.02em; }
h2 { font-size: 1.25rem; margin: 2.75rem 0 .75rem; }
p.lead { color: var(--soft); margin: 0 0 1rem; max-width: 44rem; }
a { color: var(--get); text-decoration: none; } a:hover { text-decoration: underline; }
nav { display: flex; flex-wrap: wrap; gap: .4rem 1rem; padding: .75rem 0; border-bottom: 1px solid var(--line); }
details { background: var(--card); border: 1px solid var(--line); border-radius: .6rem; margin: .45rem 0; }
summary { display: flex; flex-wrap: wrap; gap: .2rem .8rem; align-items: baseline; }
summary { padding: .6rem .9rem; cursor: pointer; }
summary:focus-visible { outline: 2px solid var(--get); outline-offset: 2px; border-radius: .6rem; }
.method { font: 700 .78rem/1 ui-monospace, monospace; min-width: 3.6rem; }
.GET { color: var(--get); } .POST { color: var(--post); }
.PUT, .PATCH { color: var(--put); } .DELETE { color: var(--delete); }
.path, code { font-family: ui-monospace, "SF Mono", Menlo, monospace; font-size: .88rem; overflow-wrap: anywhere; }
.what { color: var(--soft); font-size: .92rem; }
.inside { padding: .1rem .9rem 1rem; border-top: 1px solid var(--line); }
h3 { font-size: .8rem; text-transform: uppercase; letter-spacing: .06em; color: var(--soft); margin: 1rem 0 .35rem; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: .92rem; }
th, td { text-align: left; vertical-align: top; padding: .3rem .75rem .3rem 0; border-bottom: 1px solid var(--line); }
th { color: var(--soft); font-weight: 600; }
code { background: var(--code); padding: .08rem .3rem; border-radius: .3rem; }
pre { background: var(--code); padding: .75rem .9rem; border-radius: .6rem; overflow-x: auto; }
pre code { padding: 0; background: none; }
"""
_INTRODUCTION = """
<p>Send <code>Authorization: Bearer &lt;key&gt;</code>. Bodies are JSON in UTF-8, at most 1 MiB; unknown fields
are refused, and <code>null</code> is the same as absent (in PUT and PATCH of a company it clears the setting).</p>
<p>Put an <code>Idempotency-Key</code> of your own on every POST that writes, and repeat a call whose reply was lost
with the same key: it has one effect, and a repeated reply carries <code>Idempotency-Replayed: true</code>.</p>
<p>Errors and declines are <code>application/problem+json</code>; their <code>code</code> never changes, and
<code>Accept-Language: ru</code> or <code>en</code> chooses the language of the rest. The same as a document for
programs: <a href="/openapi.json">/openapi.json</a>.</p>
<pre><code>curl -X POST http://127.0.0.1:8024/v1/companies/acme/charges \\
  -H "Authorization: Bearer $KVOTA_KEY" -H "Idempotency-Key: message-71" \\
  -H "Content-Type: application/json" \\
  -d '{"action": "chat_question", "user": "ivan"}'</code></pre>
"""


def page(operations: Sequence[Operation]) -> bytes:
    """The whole page."""
    tags = list(dict.fromkeys(operation.tag for operation in operations))
    parts = [
        '<!doctype html><html lang="en"><head><meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>Kvota API</title><style>{_STYLE}</style></head><body><main>",
        (
            f"<h1>Kvota API</h1><p class=lead>A meter for AI requests. Version {escape(own_version())}. "
            "Every amount is a whole number of AI requests; instants are RFC 3339 in UTC with milliseconds.</p><nav>"
        ),
        *(f'<a href="#{_anchor(tag)}">{escape(tag)}</a>' for tag in tags),
        '<a href="#codes">Codes</a></nav>',
        _INTRODUCTION,
    ]
    for tag in tags:
        parts.append(f'<h2 id="{_anchor(tag)}">{escape(tag)}</h2>')
        parts += [_operation(operation) for operation in operations if operation.tag == tag]
    parts += [_codes(), "</main></body></html>\n"]
    return "".join(parts).encode()


def _anchor(tag: str) -> str:
    return tag.lower().replace(" ", "-")


def _operation(operation: Operation) -> str:
    roles = "anybody, without a key" if operation.roles is None else ", ".join(sorted(operation.roles))
    codes = ", ".join(f'<a href="#{code}"><code>{code}</code></a>' for code in codes_of(operation))
    once = "<p>Takes <code>Idempotency-Key</code>.</p>" if operation.takes_key else ""
    return (
        f'<details id="{operation.name}"><summary><span class="method {operation.method}">{operation.method}</span>'
        f'<span class="path">{escape(operation.path)}</span>'
        f'<span class="what">{escape(operation.summary)}</span></summary>'
        f'<div class="inside"><h3>For</h3><p>{roles}</p>{once}'
        f"{_fields('Query', operation.query)}{_fields('Body', operation.body)}{_text(operation.media)}"
        f"<h3>Answers {', '.join(str(status) for status in operation.statuses)}</h3>{_reply(operation.reply)}"
        f"<h3>Or refuses with</h3><p>{codes}</p></div></details>"
    )


def _text(media: str | None) -> str:
    return "" if media is None else f"<h3>Body</h3><p>Text, as <code>{media}</code>.</p>"


def _fields(heading: str, kind: Any) -> str:  # noqa: ANN401 - a Struct, or None
    info = inspect.type_info(kind) if kind is not None else None
    if not isinstance(info, inspect.StructType) or not info.fields:
        return ""
    rows = "".join(
        f"<tr><td><code>{escape(one.encode_name)}</code></td><td>{escape(_rule(one))}</td></tr>" for one in info.fields
    )
    return f"<h3>{heading}</h3><div class=scroll><table>{rows}</table></div>"


def _rule(field: inspect.Field) -> str:
    kinds, _ = members(field.type)
    text = rule(kinds[0]).removeprefix("must be ")
    if field.required:
        return f"required: {text}"
    default = field.default
    return text if default in (None, NODEFAULT, "") else f"{text}; {default} where it is absent"


def _reply(kind: Any) -> str:  # noqa: ANN401 - a Struct, or None
    info = inspect.type_info(kind) if kind is not None else None
    if not isinstance(info, inspect.StructType):
        return ""
    names = ", ".join(f"<code>{escape(one.encode_name)}</code>" for one in info.fields)
    items = next((one.type for one in info.fields if one.encode_name == "items"), None)
    inner = ""
    if isinstance(items, inspect.ListType) and isinstance(items.item_type, inspect.StructType):
        fields = msgspec.structs.fields(items.item_type.cls)
        inner = "; each item: " + ", ".join(f"<code>{escape(one.encode_name)}</code>" for one in fields)
    return f"<p>{names}{inner}</p>"


def _codes() -> str:
    rows = "".join(
        f'<tr id="{code}"><td>{status}</td><td><code>{code}</code></td><td>{escape(TITLES[code][0])}</td>'
        f"<td lang=ru>{escape(TITLES[code][1])}</td></tr>"
        for code, status in STATUS.items()
    )
    head = "<tr><th>Status</th><th>Code</th><th>English</th><th>Russian</th></tr>"
    return f'<h2 id="codes">Codes</h2><div class=scroll><table>{head}{rows}</table></div>'
