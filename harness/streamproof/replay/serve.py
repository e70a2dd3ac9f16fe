"""`streamproof serve`: the suite behind a server until it is told to stop, a line for each request."""

from __future__ import annotations

import queue
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import IO, Any, Final

import click

from .. import jsontext
from ..case import Case
from ..cli_support import stopped_by_signals
from ..errors import UsageError
from ..outcome import SUITE
from .clients import clients, code
from .exchanges import KEPT, Exchange
from .routes import prefix_of
from .serving import CaseServer

TICK: Final = 0.2
"""Seconds after which a signal is noticed at the latest."""

WAITING: Final = 10_000
"""Exchanges that wait for a slow terminal or file; further ones are counted, not shown."""

BODY: Final = 1024 * 1024
"""Bytes of a request's body that the log file holds; of a longer one only its size."""

EXAMPLES: Final = ("text", "bedrock-text", "text-azure", "text-vertex")
"""Slugs that the examples are taken from, where they are served."""


def serve(cases: Sequence[Case], say: Callable[[str], object], *, port: int = 0, log: IO[str] | None = None) -> None:
    """Serve until SIGINT or SIGTERM. Call it on the main thread.

    say: called with each line for the user. log: gets a line of JSON for each request that has ended. Raises
    UsageError when it cannot listen.
    """
    desk = _Desk(say, log)
    server = CaseServer(cases, port=port, ended=desk.ended)
    try:
        server.start()
    except OSError as error:
        raise UsageError(f"cannot listen on port {port}: {error}", remedy="name another --port") from error
    with stopped_by_signals(desk.stop):
        try:
            desk.opened(server.base_url)
            for line in opening(server.base_url, cases):
                say(line)
            desk.work()
        finally:
            server.stop()
    desk.close(server.server.log.dropped)


def opening(base_url: str, cases: Sequence[Case]) -> Iterator[str]:
    """What is said first: where, how, and an example for each client."""
    here = f"{_counted(len(cases), 'case')} at {base_url}/"
    yield f"{here} (open it for the base URL of each; /cases.json is for programs)"
    yield f"base URL: {base_url}/CASE[@PROVIDER][+PLAN] and the path of the API, such as"
    for name, line in examples(base_url, cases):
        yield f"  {name:<22}{line}"
    yield f"the last {KEPT} requests are kept in memory; end with ctrl-C"


def examples(base_url: str, cases: Iterable[Case]) -> Iterator[tuple[str, str]]:
    """(client, line of code with a whole base URL) for each client that can ask one of the cases."""
    shown: dict[str, str] = {}
    for case in sorted(cases, key=lambda each: (each.path.stem not in EXAMPLES, each.path.stem != "text")):
        for row in case.rows():
            for client in clients(row):
                url = base_url + prefix_of(case.id, row.name) + client.suffix
                shown.setdefault(client.name, code(client, url))
    yield from shown.items()


def request_line(exchange: Exchange) -> str:
    """One request as the terminal shows it."""
    tags, request = exchange.tags, exchange.request
    asked = tags.get("cell") if tags.get("stream") else request.path
    token = f"~{tags['token']} " if tags.get("stream") and tags.get("token") else ""
    status = exchange.status if exchange.status is not None else "---"
    line = f"{request.method or '(no HTTP)':<5} {token}{asked}  {status}  {exchange.bytes_sent} bytes  {exchange.ended}"
    return click.style(f"{line}  {exchange.report}", fg="red") if exchange.report else line


def request_json(exchange: Exchange, started: float) -> dict[str, Any]:
    """One request as the log file holds it. started: `time.perf_counter` that its times count from."""
    request = exchange.request
    times = {"asked": exchange.asked, "answered": exchange.answered, "closed": exchange.closed}
    return {
        "kind": "request",
        **{name: exchange.tags.get(name) for name in ("cell", "token", "interaction")},
        "stream": bool(exchange.tags.get("stream")),
        "method": request.method,
        "target": request.target,
        "headers": [list(header) for header in request.headers],
        "body": _body(request.body),
        "body_bytes": len(request.body),
        "status": exchange.status,
        "bytes_sent": exchange.bytes_sent,
        "ended": exchange.ended,
        "report": exchange.report,
        "seconds": {name: None if at is None else round(at - started, 6) for name, at in times.items()},
    }


def _counted(number: int, name: str) -> str:
    return f"{number} {name}{'' if number == 1 else 's'}"


def _body(body: bytes) -> Any:
    """JSON where it is some, else text; None for an empty or a very long one."""
    if not body or len(body) > BODY:
        return None
    text = body.decode("utf-8", "backslashreplace")
    try:
        return jsontext.loads(text)
    except ValueError:
        return text


class _Desk:
    """Takes exchanges from the server's thread and writes them on the main one."""

    def __init__(self, say: Callable[[str], object], log: IO[str] | None) -> None:
        self._say, self._log = say, log
        self._waiting: queue.Queue[Exchange] = queue.Queue(WAITING)
        self._stopped = False
        self._requests = self._reports = self._lost = 0
        self._started = 0.0

    def ended(self, exchange: Exchange) -> None:
        """An exchange has ended; called on the server's thread, never waits."""
        try:
            self._waiting.put_nowait(exchange)
        except queue.Full:
            self._lost += 1

    def stop(self) -> None:
        """From a signal handler: end `work`."""
        self._stopped = True

    def opened(self, base_url: str) -> None:
        """The log's first line."""
        self._started = time.perf_counter()
        self._write({"kind": "header", "schema": 1, "suite": SUITE, "base_url": base_url})

    def work(self) -> None:
        """Write what comes, until it is stopped."""
        while not self._stopped:
            try:
                self._show(self._waiting.get(timeout=TICK))
            except queue.Empty:
                continue

    def close(self, dropped: int) -> None:
        """The rest, once the server has stopped, and what there was."""
        while not self._waiting.empty():
            self._show(self._waiting.get())
        self._write({"kind": "footer", "requests": self._requests, "not_written": self._lost})
        others = ((self._reports, "to look at"), (self._lost, "more, not shown"), (dropped, "no longer in memory"))
        more = [f"{number} {name}" for number, name in others if number]
        self._say(", ".join([f"stopped: {_counted(self._requests, 'request')}", *more]))

    def _show(self, exchange: Exchange) -> None:
        self._requests += 1
        self._reports += bool(exchange.report)
        self._say(request_line(exchange))
        self._write(request_json(exchange, self._started))

    def _write(self, document: Mapping[str, Any]) -> None:
        if self._log is not None:
            self._log.write(jsontext.dumps(document) + "\n")
            self._log.flush()
