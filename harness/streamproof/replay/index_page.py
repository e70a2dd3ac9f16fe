"""The page at `/` of the loopback server, and `/cases.json`: every case with ready-made base URLs.

One file without anything from elsewhere; what comes from cases is escaped, and the browser is told to load nothing and
to run this script only.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable, Sequence
from functools import cache
from hashlib import sha256
from html import escape
from itertools import groupby
from pathlib import Path
from typing import Any

from .. import jsontext
from ..case import Case
from ..errors import CassetteError
from ..outcome import SUITE
from ..providers import Provider
from ..wire.plans import RULES
from .clients import clients, code
from .routes import prefix_of

_FOLDER = Path(__file__).parent / "page"
_HEADERS = (("cache-control", "no-store"), ("x-content-type-options", "nosniff"))


def listing(base_url: str, cases: Iterable[Case]) -> dict[str, Any]:
    """What `/cases.json` says: for each case and provider the base URL of each client."""
    found = [
        {
            "id": case.id,
            "title": case.title,
            "level": case.level,
            "providers": {row.name: _ways(base_url + prefix_of(case.id, row.name), row) for row in _rows(case)},
        }
        for case in cases
    ]
    return {"suite": SUITE, "base_url": base_url, "cases": found}


def page(base_url: str, cases: Sequence[Case]) -> str:
    """The page as HTML. Its list can be read without the script; the base URLs are filled in by it."""
    rows = {(row.protocol, row.name): row for case in cases for row in _rows(case)}
    known = {f"{protocol} {name}": _clients(row) for (protocol, name), row in rows.items()}
    groups = groupby(cases, lambda case: case.protocol)
    return _TEMPLATE.format(
        style=_asset("index.css"),
        script=_asset("index.js"),
        base=escape(base_url),
        count=len(cases),
        suite=escape(SUITE),
        plans="".join(f'<option value="{escape(f"{rule.part}:{rule.name}")}">' for rule in RULES),
        cases="".join(_section(protocol, list(members)) for protocol, members in groups),
        data=_inline({"base": base_url, "clients": known}),
    )


def page_headers() -> list[tuple[str, str]]:
    """What the page is sent with."""
    policy = (
        f"default-src 'none'; style-src '{_digest('index.css')}'; script-src '{_digest('index.js')}'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    return [("content-type", "text/html; charset=utf-8"), ("content-security-policy", policy), *_HEADERS]


def listing_headers() -> list[tuple[str, str]]:
    """What `/cases.json` is sent with."""
    return [("content-type", "application/json"), *_HEADERS]


def _rows(case: Case) -> tuple[Provider, ...]:
    """The case's rows; none where it names a provider that there is not, as then it cannot be asked for either."""
    try:
        return case.rows()
    except CassetteError:
        return ()


def _ways(root: str, row: Provider) -> dict[str, str]:
    return {client.name: root + client.suffix for client in clients(row)}


def _clients(row: Provider) -> list[dict[str, str]]:
    return [{"name": client.name, "suffix": client.suffix, "code": code(client, "{url}")} for client in clients(row)]


def _section(protocol: str, cases: Sequence[Case]) -> str:
    return f"<section><h2>{escape(protocol)}</h2>{''.join(map(_card, cases))}</section>"


def _card(case: Case) -> str:
    providers = [row.name for row in _rows(case)]
    level = case.level if case.level in ("must", "should", "edge") else ""
    return (
        f'<details id="{escape(case.id)}" data-providers="{escape(" ".join(providers))}"><summary>'
        f'<code>{escape(case.id)}</code> <span class="level {level}">{escape(case.level)}</span> '
        f'<span class="providers">{escape(", ".join(providers))}</span> '
        f'<span class="title">{escape(case.title)}</span></summary><div class="body"></div></details>\n'
    )


def _inline(data: object) -> str:
    """JSON inside a script element: nothing in it can end the element."""
    return jsontext.dumps(data).replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")


@cache
def _asset(name: str) -> str:
    return (_FOLDER / name).read_text(encoding="utf-8")


def _digest(name: str) -> str:
    return f"sha256-{b64encode(sha256(_asset(name).encode()).digest()).decode()}"


_TEMPLATE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>streamproof: {count} cases</title>
<link rel="icon" href="data:,">
<style>{style}</style>
</head>
<body>
<h1>streamproof serve</h1>
<p>{count} streams at <code>{base}</code>. Open a case and give its base URL to a client: what it asks is
answered with that stream, whatever the request says. Any key and any model will do.</p>
<p class="soft"><a href="/cases.json">/cases.json</a> has the same for programs. Suite {suite}.</p>
<noscript><p>Without scripts: the base URL is <code>{base}/CASE@PROVIDER</code> and the path of the API, such as
<code>/v1</code>; <a href="/cases.json">/cases.json</a> has them all.</p></noscript>
<div class="tools">
<label>Filter: words of id, level, title or provider <input id="filter" type="search" autocomplete="off"></label>
<label>Wire plan, such as split:byte+cut:after-2-reset
<input id="plan" list="plans" autocomplete="off" spellcheck="false"></label>
<span id="count" class="soft" role="status">{count} cases</span>
</div>
<datalist id="plans">{plans}</datalist>
<main>
{cases}</main>
<script type="application/json" id="data">{data}</script>
<script>{script}</script>
</body>
</html>
"""
