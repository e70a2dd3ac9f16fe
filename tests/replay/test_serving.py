"""The suite behind a server: what a path chooses, what is answered in which order, and what the log says."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import httpx2
import pytest
from loopback import PATIENCE, nothing_left_behind
from streamproof.case import Case, all_cases
from streamproof.cell import Cell, cells
from streamproof.hermetic import hermetic
from streamproof.replay.serving import CaseServer, Served
from streamproof.wire.plans import Plan

SUITE = {case.id: case for case in all_cases()}
TEXT = SUITE["openai_chat/text"]
BODY = TEXT.cassette.interactions[0].body
GEMINI = SUITE["gemini_generate_content/round-trip-thought-signature"]
STREAM = "/v1beta/models/some-model:streamGenerateContent"
CHAT = "/v1/chat/completions"


@pytest.fixture(autouse=True)
def _clean() -> Iterator[None]:
    """Nothing reaches beyond loopback, and the server leaves nothing behind."""
    with hermetic(), nothing_left_behind():
        yield


@pytest.fixture
def server() -> Iterator[CaseServer]:
    """The suite, served."""
    with CaseServer(SUITE.values()) as served:
        yield served


def post(server: CaseServer, path: str) -> httpx2.Response:
    """One request, the answer read whole."""
    return httpx2.post(server.base_url + path, json={"stream": True}, timeout=PATIENCE)


def refused(server: CaseServer, path: str) -> dict[str, Any]:
    """The JSON of a 404, which has to be reported as well."""
    answer = post(server, path)
    assert answer.status_code == 404
    document: dict[str, Any] = answer.json()
    error = document["error"]
    assert server.reports[-1] == f"{error['type']}: {error['message']}"
    return document


def cell(case: Case, provider: str | None = None, **plan: str) -> Cell:
    """A cell of a case."""
    return Cell(case=case, row=case.row(provider), plan=Plan(**plan))


@pytest.mark.parametrize(
    "prefix",
    [
        "/openai_chat/text",
        "/openai_chat/text@openai",
        "/openai_chat/text@openai+split:byte",
        "/openai_chat/text+split:7+sync",
        "/" + quote("openai_chat/text@openai+split:byte", safe=""),
        "/" + quote("openai_chat/text@openai+split:byte", safe="/").lower().replace("%2b", "%2B"),
        "/~mine/openai_chat/text",
    ],
)
def test_the_path_chooses_case_provider_and_plan(server: CaseServer, prefix: str) -> None:
    """A spelling of a cell that a client's URL handling brings about, and the server does not know."""
    answer = post(server, prefix + CHAT)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/event-stream; charset=utf-8")
    assert answer.content == BODY
    (exchange,) = server.server.wait_for(lambda exchanges: exchanges[0].ended is not None, PATIENCE)
    assert (exchange.ended, exchange.bytes_sent, exchange.report) == ("complete", len(BODY), None)
    assert str(exchange.tags["cell"]).startswith("openai_chat/text@openai")


def test_the_url_of_a_cell(server: CaseServer) -> None:
    """A base URL that is not what the row's official SDK takes: with its version for OpenAI, without for others."""
    base = server.base_url
    assert server.url(cell(TEXT)) == f"{base}/openai_chat/text@openai/v1"
    assert server.url(cell(TEXT, split="byte", cut="after-1-reset"), "t") == (
        f"{base}/~t/openai_chat/text@openai+split:byte+cut:after-1-reset/v1"
    )
    assert server.url(cell(GEMINI)) == f"{base}/gemini_generate_content/round-trip-thought-signature@google_ai"


def test_pieces_are_those_of_the_plan(server: CaseServer) -> None:
    """A plan that is named and not played: chunks of the wire are the plan's pieces."""
    plan = Plan(split="event", frame="crlf")
    with httpx2.stream("POST", server.url(cell(TEXT, split="event", frame="crlf")) + "/chat/completions") as answer:
        raw = b"".join(answer.iter_raw())
    assert raw == b"".join(plan.deliver(BODY, "openai_chat").chunks) != BODY


@pytest.mark.parametrize(
    ("cut", "fault", "ended"),
    [
        ("after-1", None, "complete"),
        ("after-1-reset", httpx2.ReadError, "reset_by_us"),
        ("after-1-short", httpx2.RemoteProtocolError, "short"),
        ("after-1-stall", httpx2.ReadTimeout, "client_closed"),
    ],
)
def test_ends(server: CaseServer, cut: str, fault: type[Exception] | None, ended: str) -> None:
    """An end that a client sees as another one than in process, or a prefix that is lost."""
    plan, got, raised = Plan(cut=cut), b"", None
    sent = b"".join(plan.deliver(BODY, "openai_chat").chunks)
    with server.open(cell(TEXT, cut=cut)) as served:
        patience = httpx2.Timeout(PATIENCE, read=0.2 if "stall" in cut else PATIENCE)
        with httpx2.stream("POST", served.base_url + "/chat/completions", timeout=patience) as answer:
            try:
                for piece in answer.iter_raw():
                    got += piece
            except httpx2.TransportError as error:
                raised = type(error)
        assert (got, raised) == (sent, fault)
        (exchange,) = served.wait_for(lambda streams: streams[0].ended is not None, PATIENCE)
        assert (exchange.ended, exchange.bytes_sent) == (ended, len(sent))


def test_interactions_come_in_order_and_begin_again(server: CaseServer) -> None:
    """A conversation whose second answer comes first, or that a test suite can run only once."""
    first, second = (each.body for each in GEMINI.cassette.interactions)
    path = f"/{GEMINI.id}{STREAM}?alt=sse"
    assert [post(server, path).content for _ in range(3)] == [first, second, first]
    assert [exchange.tags["interaction"] for exchange in server.exchanges] == [0, 1, 0]


@pytest.mark.parametrize("opened", [True, False])
def test_with_a_token_each_answer_is_given_once(server: CaseServer, opened: bool) -> None:
    """A hidden retry that gets an answer too; an own token, and one that a client made up."""
    with server.open(cell(GEMINI)) as served:
        root = served.root if opened else f"{server.base_url}/~abc/{GEMINI.id}"
        answers = [httpx2.post(f"{root}{STREAM}?alt=sse", timeout=PATIENCE) for _ in range(3)]
        assert [answer.status_code for answer in answers] == [200, 200, 404]
        assert answers[2].json()["error"]["type"] == "no_match"
        assert server.reports == [f"no_match: 2 requests were answered, as many as {GEMINI.id} has answers to"]
        assert served.reports() == (server.reports if opened else [])
        assert len(served.streams()) == (3 if opened else 0)


def test_gemini_without_sse_gets_the_array(server: CaseServer) -> None:
    """A client that asks for JSON is sent server-sent events; the same chunks in another form are expected."""
    as_events, as_array = post(server, f"/~a/{GEMINI.id}{STREAM}?alt=sse"), post(server, f"/~b/{GEMINI.id}{STREAM}")
    payloads = [json.loads(line[6:]) for line in as_events.text.splitlines() if line.startswith("data: ")]
    assert as_array.json() == payloads
    assert as_array.headers["content-type"] == "application/json; charset=UTF-8"


def test_gemini_with_sse_gets_events_of_an_array(server: CaseServer) -> None:
    """A client that asks for server-sent events, and is blamed because it cannot read what it did not ask for."""
    case = SUITE["gemini_generate_content/json-array-stream"]
    stored = case.cassette.interactions[0].body
    as_events = post(server, f"/{case.id}{STREAM}?alt=sse")
    payloads = [json.loads(line[6:]) for line in as_events.text.splitlines() if line.startswith("data: ")]
    assert payloads == json.loads(stored)
    assert as_events.headers["content-type"] == "text/event-stream"
    assert post(server, f"/{case.id}{STREAM}").content == stored
    assert as_events.content.startswith(post(server, f"/{case.id}+cut:after-0{STREAM}?alt=sse").content)


def test_a_form_that_is_not_there_is_told_apart(server: CaseServer) -> None:
    """A client that asks for an array is blamed where a stream of events has no such form."""
    case = SUITE["gemini_generate_content/error-object-mid-stream-raw-json"]
    with server.open(cells([case])[0]) as served:
        assert served.missing_form() == ""
        answer = httpx2.post(served.base_url + STREAM, json={})
        assert answer.json()["error"]["type"] == "no_form"
        assert "alt=sse" in served.missing_form()


def test_an_array_has_its_own_plans(server: CaseServer) -> None:
    """A plan for events that is silently dropped for the array; a cut that is not one."""
    whole = post(server, f"/{GEMINI.id}+split:byte{STREAM}?alt=json").content
    cut = post(server, f"/{GEMINI.id}+cut:after-0{STREAM}").content
    assert whole.startswith(cut)
    assert 0 < len(cut) < len(whole)
    assert "alt=sse" in refused(server, f"/{GEMINI.id}+frame:bom{STREAM}")["error"]["message"]


def test_event_streams_of_bedrock(server: CaseServer) -> None:
    """Binary frames that are changed on the way, or a path with an escaped model that is not found."""
    case = next(case for case in SUITE.values() if case.protocol == "bedrock_converse")
    answer = post(server, f"/{case.id}@bedrock/model/us.anthropic.claude-v1%3A0/converse-stream")
    assert answer.content == case.cassette.interactions[0].body
    assert answer.headers["content-type"] == "application/vnd.amazon.eventstream"


def test_http_errors_keep_status_and_headers(server: CaseServer) -> None:
    """A rate limit without its `retry-after`."""
    case = next(c for c in SUITE.values() if "retry-after" in {name.lower() for name in _headers(c)})
    recorded = case.cassette.interactions[0]
    answer = post(server, f"/{case.id}{case.row().url('m').removeprefix(case.row().base_url)}?alt=sse")
    assert (answer.status_code, answer.content) == (recorded.status, recorded.body)
    assert answer.headers["retry-after"] == recorded.header("retry-after")


def _headers(case: Case) -> dict[str, list[str]]:
    return case.cassette.interactions[0].headers


def test_no_case(server: CaseServer) -> None:
    """A typing error that ends in an answer without a hint: near ids, or the same slug of another protocol."""
    assert "openai_chat/text" in refused(server, "/openai_chat/txt" + CHAT)["nearest"]
    assert refused(server, "/anthropic_messages/text-openrouter/v1/messages")["nearest"][0] == (
        "openai_chat/text-openrouter"
    )
    assert refused(server, CHAT)["error"]["type"] == "no_case"
    assert refused(server, "/openai_chat/text@nobody" + CHAT)["providers"] == list(TEXT.providers)


def test_no_plan(server: CaseServer) -> None:
    """A plan of no name, one that is not legal, and one without effect: played as stored, each would be a lie."""
    document = refused(server, "/openai_chat/text+split:bite" + CHAT)
    assert (document["error"]["type"], document["nearest"][0]) == ("no_plan", "split:byte")
    assert refused(server, "/openai_chat/text+inject:ping" + CHAT)["error"]["type"] == "no_plan"
    assert refused(server, "/openai_chat/text+cut:after-999" + CHAT)["error"]["type"] == "no_plan"


def test_no_match_says_what_there_is(server: CaseServer) -> None:
    """A client whose base URL was put together wrong is left to guess."""
    error = refused(server, "/openai_chat/text/v1/completions")["error"]
    assert error["message"] == (
        "no answer to POST /v1/completions: openai_chat/text is asked with POST /v1.../chat/completions"
    )


def test_other_requests_are_logged_and_are_no_streams(server: CaseServer) -> None:
    """A client that lists the models first: nothing to report, and no second request of the call."""
    with server.open(cell(TEXT)) as served:
        answer = httpx2.get(served.base_url + "/models", timeout=PATIENCE)
        assert (answer.status_code, answer.json()["error"]["type"]) == (404, "no_stream")
        httpx2.post(served.base_url + "/chat/completions", timeout=PATIENCE)
        assert [exchange.request.method for exchange in served.exchanges()] == ["GET", "POST"]
        assert [exchange.tags["interaction"] for exchange in served.streams()] == [0]
        assert served.reports() == []


def test_a_closed_cell_is_gone(server: CaseServer) -> None:
    """A log that grows with every cell; an adapter that was given up and goes on asking."""
    served = server.open(cell(TEXT))
    assert httpx2.post(served.base_url + "/chat/completions", timeout=PATIENCE).content == BODY
    assert len(server.exchanges) == 1
    served.close()
    assert server.exchanges == []
    assert httpx2.post(served.base_url + "/chat/completions", timeout=PATIENCE).status_code == 404


def _first(served: Served, stop: bool = False) -> bytes:
    """What comes while the rest is withheld; then the rest, unless the client is to stop."""
    got = b""
    with httpx2.stream("POST", served.base_url + "/chat/completions", timeout=PATIENCE) as answer:
        for piece in answer.iter_raw():
            got += piece
            if stop:
                break
            served.release()
    return got


@pytest.mark.parametrize(
    ("plan", "hold", "size"),
    [
        ({}, {"after_bytes": 100}, 100),
        ({"split": "7"}, {"after_bytes": 10}, 10),
        ({"split": "event"}, {"after_pieces": 1}, BODY.index(b"\n\n") + 2),
        ({}, {"after_bytes": 10**9}, len(BODY)),
    ],
)
def test_the_rest_is_withheld(server: CaseServer, plan: dict[str, str], hold: dict[str, int], size: int) -> None:
    """More than the asked-for beginning comes, or less, or the rest does not come after it was released."""
    with server.open(cell(TEXT, **plan)) as served:
        served.hold(**hold)
        reading = threading.Thread(target=lambda: _read(served))
        reading.start()
        served.wait_for(lambda streams: bool(streams) and streams[0].bytes_sent == size, PATIENCE)
        assert served.streams()[0].ended is None
        served.release()
        reading.join()
        (exchange,) = served.wait_for(lambda streams: streams[0].ended is not None, PATIENCE)
        assert (exchange.ended, exchange.bytes_sent) == ("complete", len(BODY))


def _read(served: Served) -> bytes:
    return httpx2.post(served.base_url + "/chat/completions", timeout=PATIENCE).content


def test_a_hold_has_to_say_where(server: CaseServer) -> None:
    """A hold without a place, which would withhold nothing."""
    with server.open(cell(TEXT)) as served:
        for wrong in ({}, {"after_bytes": 1, "after_pieces": 1}, {"after_bytes": -1}):
            with pytest.raises(ValueError, match="withhold after"):
                served.hold(**wrong)  # type: ignore[arg-type]


def test_waiting_for_the_client_to_close(server: CaseServer) -> None:
    """Closing early is not seen, or a stream that was read to its end counts as closed early."""
    with server.open(cell(TEXT)) as served:
        served.hold(after_bytes=100)
        assert _first(served, stop=True) == BODY[:100]
        assert served.wait_closed(PATIENCE)
    with server.open(cell(TEXT)) as served:
        assert _first(served) == BODY
        assert not served.wait_closed(PATIENCE)
    with server.open(cell(TEXT)) as served:
        assert not served.wait_closed(0.01)
