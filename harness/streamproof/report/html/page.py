"""The page: template, style, scripts and data in one file that needs nothing else, not even a server."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path

from ..columns import Column
from ..summary import ranked
from .data import blocks, packed, script_json
from .facts import Facts
from .first_screen import slots

_HERE = Path(__file__).parent
SCRIPTS = ("text.js", "diff.js", "model.js", "state.js", "grid.js", "detail.js", "main.js")
"""They share one scope, in this order."""


def page(columns: Sequence[Column], facts: Mapping[str, Facts], made_from: str = "") -> str:
    """The HTML. columns: at least one. facts: by case id; a case without facts is shown as far as outcomes go.
    made_from: a digest of the outcomes, for whoever wants to know whether the page is up to date."""
    shown = [column for column, _ in ranked(columns)]
    index, details = packed(shown, facts)
    style, script = _source("matrix.css"), "\n".join(map(_source, SCRIPTS))
    data = [f'<script type="application/json" id="index">{script_json(index)}</script>']
    data += [f'<script type="text/plain" id="details-{n}">{block}</script>' for n, block in enumerate(blocks(details))]
    text = _source("template.html")
    fills = {
        **slots(shown, index),
        "policy": _policy(style, script),
        "digest": f'\n<meta name="streamproof-results" content="{escape(made_from)}">' if made_from else "",
        "style": style,
        "script": script,
        "data": "\n".join(data),
    }
    head, *pieces = text.split("<!--slot:")
    filled = [head]
    for piece in pieces:
        name, _, rest = piece.partition("-->")
        filled += [fills[name], rest]
    return "".join(filled)


def _policy(style: str, script: str) -> str:
    """Only this style and this script may run: whatever a stream smuggles in is not them."""
    allowed = f"style-src {_hash(style)}; script-src {_hash(script)}"
    return f"default-src 'none'; {allowed}; base-uri 'none'; form-action 'none'"


def _hash(source: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(source.encode()).digest()).decode()}'"


def _source(name: str) -> str:
    return (_HERE / name).read_text(encoding="utf-8")
