"""The suite behind one loopback server: any client that takes a base URL can be pointed at a cell.

    with CaseServer() as server:
        client = openai.OpenAI(base_url=server.url(cell), api_key="any")

        with server.open(cell) as served:  # the same with a log of its own, each answer given once
            client = openai.OpenAI(base_url=served.base_url, api_key="any")
            ...
            assert len(served.streams()) == 1

The path chooses case, provider and plan (routes.py); index_page.py makes the page at `/`.
"""

from __future__ import annotations

import socket
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from itertools import count
from types import TracebackType
from typing import Final, Self
from urllib.parse import parse_qs, urlsplit

from .. import jsontext
from ..adapters.faults import ERROR_STATUS
from ..case import Case, all_cases
from ..cassette import Interaction
from ..cell import Cell
from ..errors import CassetteError
from ..wire.gemini_array import json_array, server_sent_events
from ..wire.plans import applies
from ..wire.plans.body import body_kind
from .connection import problem
from .exchanges import KEPT, Exchange, Request
from .index_page import listing, listing_headers, page, page_headers
from .played import Hold, played
from .routes import NotFound, Place, Routes, asks_for_a_stream, base_path, endings, place, prefix
from .script import Gate, Response, Send
from .server import TIMEOUT, LoopbackServer

OWN: Final = "cell-"
"""How the tokens of `open` begin."""

TOKENS: Final = 10_000
"""Tokens that clients made up whose place is remembered; the oldest go first."""

SCRIPTS: Final = 256
"""Answers that are kept ready."""

SCRIPT_STEPS: Final = 2_000
"""Steps of the longest answer that is kept ready."""


class CaseServer:
    """Serves cases. A context manager; one server runs once.

    cases: those that can be asked for, the suite's by default. port: 0 for a free one. listener, keep, ended: as
    `LoopbackServer` has them. An exchange's tags: `cell` (its id), `token` ("" for none), and, when it asked for the
    stream, `stream` (1); `interaction` (from 0) when it got one.
    """

    def __init__(
        self,
        cases: Iterable[Case] | None = None,
        *,
        port: int = 0,
        listener: socket.socket | None = None,
        keep: int = KEPT,
        ended: Callable[[Exchange], object] | None = None,
    ) -> None:
        self.routes = Routes.of(all_cases(damaged=lambda _: None) if cases is None else cases)
        self.server = LoopbackServer(self._answer, port=port, listener=listener, keep=keep, ended=ended)
        self._opened: dict[str, Served] = {}
        self._numbers = count(1)
        self._given: OrderedDict[tuple[str, str], int] = OrderedDict()
        self._scripts: OrderedDict[tuple[str, int, bool], Response] = OrderedDict()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Listen. Raises OSError when the port is taken."""
        self.server.start()

    def stop(self) -> None:
        """End what is open, and the thread."""
        self.server.stop()

    @property
    def base_url(self) -> str:
        """`http://127.0.0.1:<port>`."""
        return self.server.base_url

    @property
    def exchanges(self) -> list[Exchange]:
        """The requests so far, in their order."""
        return self.server.exchanges

    @property
    def reports(self) -> list[str]:
        """What somebody has to look at: requests that matched nothing."""
        return self.server.reports

    def url(self, cell: Cell, token: str = "") -> str:
        """The base URL that the official SDK of the cell's row is given. Answers come in order, and begin again."""
        return self.base_url + prefix(cell, token) + base_path(cell.row)

    def open(self, cell: Cell) -> Served:
        """A cell with a log of its own, where each answer is given once. The case need not be one of the suite's."""
        served = Served(self, cell, f"{OWN}{next(self._numbers)}")
        self._opened[served.token] = served
        return served

    # -- on the server's thread

    def _answer(self, request: Request) -> Response:
        made = self._own_page(request)
        if made is not None:
            return made
        asked = place(request.path)
        tags: dict[str, str | int] = {"token": asked.token}
        try:
            served = self._served(asked.token)
            cell = self.routes.cell(asked) if served is None else served.cell
            tags["cell"] = replace(cell, sync=False).id
            if request.method != "POST":
                raise NotFound(
                    "no_stream", f"{request.method} {asked.rest or '/'} is no stream request: {_there(cell)}"
                )
            if not asks_for_a_stream(asked.rest, cell.row):
                raise NotFound("no_match", f"no answer to POST {asked.rest or '/'}: {_there(cell)}")
            tags["stream"] = 1
            number = self._next(asked, cell)
            tags["interaction"] = number
            hold = None if served is None else served.held
            response = self._script(cell, number, _wants_array(request, cell), hold)
        except NotFound as error:
            response = problem(404, error.kind, error.message, **error.facts)
            if error.kind == "no_stream":
                response = replace(response, report=None)
            elif error.kind == "no_form":
                tags["no_form"] = 1
        except CassetteError as error:
            response = problem(500, "bad_case", str(error))
        return replace(response, tags=tags)

    def _own_page(self, request: Request) -> Response | None:
        """The index for a browser or a program; None for all other requests."""
        if request.method not in ("GET", "HEAD") or request.path not in ("/", "/cases.json"):
            return None
        cases = list(self.routes.cases.values())
        if request.path == "/":
            headers, body = page_headers(), page(self.base_url, cases)
        else:
            headers, body = listing_headers(), jsontext.dumps(listing(self.base_url, cases))
        return Response(200, headers, (Send(body.encode("utf-8", "replace")),), framing="length", tags={"page": 1})

    def _served(self, token: str) -> Served | None:
        served = self._opened.get(token)
        if served is None and token.startswith(OWN):
            raise NotFound("no_match", f"{token} is closed")
        return served

    def _next(self, asked: Place, cell: Cell) -> int:
        """Which of the cell's interactions is due. Raises NotFound when each was given, to a token."""
        key, there = (asked.token, prefix(cell)), len(cell.case.cassette.interactions)
        number = self._given.get(key, 0)
        if asked.token:
            _check_number(number, cell)
        self._given[key] = number + 1 if asked.token else (number + 1) % there
        self._given.move_to_end(key)
        while len(self._given) > TOKENS:
            self._given.popitem(last=False)
        return number

    def _script(self, cell: Cell, number: int, as_array: bool, hold: Hold | None) -> Response:
        if hold is not None:
            return _played(cell, number, as_array, hold)
        key = (prefix(cell), number, as_array)
        response = self._scripts.get(key)
        if response is None or self.routes.cases.get(cell.case.id) is not cell.case:
            response = _played(cell, number, as_array, None)
            if len(response.steps) <= SCRIPT_STEPS:
                self._scripts[key] = response
        if key in self._scripts:
            self._scripts.move_to_end(key)
        while len(self._scripts) > SCRIPTS:
            self._scripts.popitem(last=False)
        return response

    def _forget(self, served: Served) -> None:
        self._opened.pop(served.token, None)
        self.server.log.forget(token=served.token)


class Served:
    """A cell that was opened: its base URL, what was asked of it, and control of how its stream goes on."""

    def __init__(self, server: CaseServer, cell: Cell, token: str) -> None:
        self.server, self.cell, self.token = server, cell, token
        self.held: Hold | None = None
        """Where streams that are asked for now are withheld."""
        self._gates: list[Gate] = []
        self._answered = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def root(self) -> str:
        """The URL up to the plan, without the path of the row's base URL."""
        return self.server.base_url + prefix(self.cell, self.token)

    @property
    def base_url(self) -> str:
        """The base URL that the official SDK of the row is given."""
        return self.server.url(self.cell, self.token)

    def exchanges(self) -> list[Exchange]:
        """All that was asked here, in its order."""
        return self.server.server.log.snapshot(token=self.token)

    def streams(self) -> list[Exchange]:
        """The requests for the stream, answered or not; without what a client asks besides, such as `GET /models`."""
        return self.server.server.log.snapshot(token=self.token, stream=1)

    def reports(self) -> list[str]:
        """What somebody has to look at: requests that matched nothing."""
        return [exchange.report for exchange in self.exchanges() if exchange.report]

    def strays(self) -> list[str]:
        """Those of the reports that are not about one request too many for the stream: `streams` counts these."""
        return [each.report for each in self.exchanges() if each.report and not _beyond(each)]

    def missing_form(self) -> str:
        """The report of a request for a form that the case does not have; "" when there was none."""
        return next((each.report or "" for each in self.exchanges() if "no_form" in each.tags), "")

    def hold(self, *, after_bytes: int | None = None, after_pieces: int | None = None) -> None:
        """Withhold the rest of the streams that are asked for from now on, until `release`.

        after_bytes: of the body, before a content coding. after_pieces: of the plan's pieces; 0 sends the headers
        alone. Raises ValueError unless one of the two is given.
        """
        self.held = Hold(gate=Gate(), after_bytes=after_bytes, after_pieces=after_pieces)
        self._gates.append(self.held.gate)

    def release(self) -> None:
        """Let withheld streams go on, and withhold no more."""
        self.held = None
        for gate in self._gates:
            gate.release()
        self._gates.clear()

    def wait_closed(self, timeout: float = TIMEOUT) -> bool:
        """Whether the client closes its last stream before its end comes. timeout: seconds to wait for that."""
        try:
            ended = self.wait_for(lambda streams: bool(streams) and streams[-1].ended is not None, timeout)
        except TimeoutError:
            return False
        return ended[-1].ended == "client_closed"

    def wait_for(self, predicate: Callable[[list[Exchange]], bool], timeout: float = TIMEOUT) -> list[Exchange]:
        """The stream requests as soon as the predicate holds of them. timeout: seconds. Raises TimeoutError."""
        log = self.server.server.log
        return log.wait_for(lambda streams: predicate(list(streams)), timeout, token=self.token, stream=1)

    def due(self) -> int:
        """Which of the case's interactions is due; it counts as given. Raises NotFound when each was given."""
        _check_number(self._answered, self.cell)
        self._answered += 1
        return self._answered - 1

    def close(self) -> None:
        """Forget its log and state; what is withheld goes on. A later request gets a 404."""
        self.release()
        self.server._forget(self)


def _beyond(exchange: Exchange) -> bool:
    """Whether a stream was asked for after each of its answers was given."""
    return "stream" in exchange.tags and "interaction" not in exchange.tags


def _check_number(number: int, cell: Cell) -> None:
    """Raises NotFound where a cassette has no such interaction."""
    there = len(cell.case.cassette.interactions)
    if number >= there:
        message = f"{number} requests were answered, as many as {cell.case.id} has answers to"
        raise NotFound("no_match", message, answered=number, interactions=there)


def _there(cell: Cell) -> str:
    ways = " or ".join(f"...{ending}" for ending in endings(cell.row))
    return f"{cell.case.id} is asked with POST {base_path(cell.row)}{ways}"


def _wants_array(request: Request, cell: Cell) -> bool:
    """Gemini sends one JSON array unless the query has `alt=sse`."""
    query = parse_qs(urlsplit(request.target).query)
    return cell.case.protocol == "gemini_generate_content" and query.get("alt", [""])[-1] != "sse"


def _played(cell: Cell, number: int, as_array: bool, hold: Hold | None) -> Response:
    interaction = cell.case.cassette.interactions[number]
    if cell.case.protocol == "gemini_generate_content" and interaction.status < ERROR_STATUS:
        interaction = _as_asked(interaction, cell, as_array)
    return played(interaction, cell.plan, cell.case.protocol, hold)


def _as_asked(interaction: Interaction, cell: Cell, as_array: bool) -> Interaction:
    """A Gemini stream in the form that the client asked for, which may not be the stored one; bodies that are no stream
    as they are. Raises NotFound for a stream, or a plan, that there is in one form only."""
    if as_array == (body_kind(interaction.body) != "sse"):
        return interaction
    name, content_type, remedy, made = _FORMS[as_array]
    body = made(interaction.body)
    if body is None and as_array:
        raise NotFound("no_form", f"{cell.case.id} has no form as {name}: {remedy}")
    if body is None:
        return interaction
    if cell.plan and not applies(cell.plan, cell.case.protocol, body):
        raise NotFound("no_plan", f"{cell.plan} is not legal for {name}, or changes nothing of it: {remedy}")
    headers = {name: values for name, values in interaction.headers.items() if name.lower() != "content-type"}
    return replace(interaction, body=body, headers={**headers, "content-type": [content_type]})


_FORMS: Mapping[bool, tuple[str, str, str, Callable[[bytes], bytes | None]]] = {
    True: ("a JSON array", "application/json; charset=UTF-8", "ask with alt=sse", json_array),
    False: ("server-sent events", "text/event-stream", "ask without alt=sse", server_sent_events),
}
"""Whether an array is asked for -> the form's name, content type, what else to ask for, and how it is made of the
other."""
