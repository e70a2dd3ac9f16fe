"""The record: what it takes from the completion, what it leaves out, what never gets out."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from streamproof.completion import Choice, Completion, ErrorInfo, TextPart, ToolCall
from streamproof.jsontext import dumps
from streamproof.scrub import REDACTED
from trace_records import CONTENT, REQUEST, completion, trace

SECRET = "sk-proj-Planted123Planted123Planted"


def test_to_json_has_every_key_and_is_json() -> None:
    """The document's keys are stable, whole and JSON."""
    document = trace(tags={"step": "7"}).to_json()
    assert list(document) == [
        *("id", "provider", "protocol", "operation", "model", "url", "started_at", "latency", "time_to_first_token"),
        *("state", "request_id", "message_id", "raw_usage", "request", "tags", "error", "omitted", "completion"),
    ]
    assert json.loads(dumps(document)) == document
    assert len(document["id"]) == 32
    assert document["tags"] == {"step": "7"}
    assert document["raw_usage"] == {"prompt_tokens": 12, "completion_tokens": 7}


def test_content_is_left_out_unless_asked_for() -> None:
    """By default no message, instruction, tool definition, metadata, answer or argument is in the document."""
    text = dumps(trace().to_json())
    assert [word for word in CONTENT if word in text] == []
    whole = dumps(trace().to_json(content=True))
    assert [word for word in CONTENT if word not in whole] == []


def test_without_content_keeps_settings_and_says_what_is_gone() -> None:
    """Settings, counts, ids and tool names stay; what was left out is listed, and its keys are absent."""
    document = trace().to_json()
    assert document["request"] == {"model": "wren-1", "temperature": 0.5, "max_tokens": 64, "stream": True}
    assert document["omitted"] == [
        *("request.messages", "request.tools", "request.metadata"),
        *("completion.content", "completion.tool_calls.arguments"),
    ]
    assert "content" not in document["completion"]
    assert document["completion"]["tool_calls"] == [{"id": "call_1", "name": "lookup", "complete": True}]
    assert document["completion"]["usage"]["input_tokens"] == 12
    assert trace().to_json(content=True)["omitted"] == []


@pytest.mark.parametrize(
    ("request_body", "kept"),
    [
        (
            {"input": "CONTENT", "instructions": "CONTENT", "reasoning": {"effort": "low"}},
            {"reasoning": {"effort": "low"}},
        ),
        (
            {"system": [{"text": "CONTENT"}], "thinking": {"type": "enabled", "budget_tokens": 9}},
            {"thinking": {"type": "enabled", "budget_tokens": 9}},
        ),
        (
            {"systemInstruction": {"parts": []}, "generationConfig": {"topK": 3, "responseSchema": {"a": "CONTENT"}}},
            {"generationConfig": {"topK": 3}},
        ),
        (
            {"response_format": {"type": "json_schema", "json_schema": {"name": "CONTENT"}}},
            {"response_format": {"type": "json_schema"}},
        ),
        ({"prompt": "CONTENT", "user": "CONTENT", "stop": ["CONTENT"], "prediction": {"content": "CONTENT"}}, {}),
        ({"newly_invented": {"deep": "CONTENT"}, "also_new": ["CONTENT"], "seed": 4}, {"seed": 4}),
    ],
)
def test_settings_of_every_protocol(request_body: dict[str, Any], kept: dict[str, Any]) -> None:
    """A field that we do not know is taken for content; known settings stay, also nested ones."""
    assert trace(request=request_body).to_json()["request"] == kept


def test_further_choices_lose_their_content_too() -> None:
    """With n > 1 the other choices are content as well."""
    other = Choice(index=1, content=(TextPart(text="OTHER"),), tool_calls=(ToolCall(name="f", arguments="OTHER"),))
    document = trace(completion=completion(choices=(other,))).to_json()
    assert "OTHER" not in dumps(document)
    assert document["completion"]["choices"][0]["tool_calls"][0]["name"] == "f"


def test_what_is_not_given_comes_from_the_completion() -> None:
    """raw_usage, message id, error and request id need not be given twice; what is given wins."""
    error = ErrorInfo(type="rate_limit", request_id="req_err")
    failed = trace(completion=completion(error=error, status="failed"), request_id=None, state="failed")
    assert (failed.error, failed.request_id, failed.message_id) == (error, "req_err", "chatcmpl-1")
    given_ = trace(message_id="other", raw_usage={"n": 0}, id="abc")
    assert (given_.message_id, given_.raw_usage, given_.id) == ("other", {"n": 0}, "abc")
    refused = trace(completion=None, error=error, state="failed").to_json()
    assert (refused["completion"], refused["message_id"], refused["error"]["type"]) == (None, None, "rate_limit")


def test_operation_follows_the_protocol() -> None:
    """Gemini's operation is generate_content, everybody else's chat."""
    assert trace(protocol="gemini_generate_content").operation == "generate_content"
    assert trace(protocol="anthropic_messages").operation == "chat"


@pytest.mark.parametrize(
    "url",
    [
        "https://h.test:8/v1/x?key=SECRET#f",
        "https://u:SECRET@h.test:8/v1/x",
        "https://u:SECRET@h.test:8/v1/x?a=//b@c",
    ],
)
def test_url_has_no_query_and_no_user(url: str) -> None:
    """The record itself holds no credentials of the URL."""
    assert trace(url=url).url == "https://h.test:8/v1/x"


def test_secrets_planted_everywhere_never_appear() -> None:
    """Whatever field a key strays into, with content or without, it is not in the document; nor in the repr."""
    planted = trace(
        request={"model": SECRET, "api_key": "hunter2", "messages": [{"role": "user", "content": f"my key {SECRET}"}],
                 "extra_headers": {"x-api-key": "hunter2"}, "reasoning": {"effort": SECRET}},
        url=f"https://h.test/{SECRET}?key=hunter2",
        request_id=SECRET,
        tags={"password": "hunter2", "note": SECRET, SECRET: "x"},
        raw_usage={"session_token": "hunter2", "prompt_tokens": 3},
        error=ErrorInfo(type="authentication", message=f"Incorrect API key provided: {SECRET}"),
        completion=completion(
            content=(TextPart(text=SECRET),),
            tool_calls=(ToolCall(name=SECRET, arguments='{"password": "hunter2"}'),),
            error=ErrorInfo(type="server", message="https://u:hunter2@h.test/"),
        ),
        state="failed",
    )  # fmt: skip
    for content in (False, True):
        text = dumps(planted.to_json(content=content))
        assert SECRET[8:] not in text
        assert "hunter2" not in text
    assert planted.to_json()["raw_usage"]["prompt_tokens"] == 3
    assert planted.to_json()["error"]["message"] == f"Incorrect API key provided: {REDACTED}"


def test_repr_shows_no_content() -> None:
    """A record that lands in a log by its repr tells no content."""
    assert [word for word in CONTENT if word in repr(trace())] == []


def test_owned_is_not_changed_by_later_changes() -> None:
    """An agent goes on to append to its message list; the record keeps what was sent."""
    request = {"messages": [{"role": "user", "content": "one"}]}
    record = trace(request=request).owned()
    request["messages"].append({"role": "user", "content": "two"})
    request["messages"][0]["content"] = "changed"
    assert record.request == {"messages": [{"role": "user", "content": "one"}]}


@given(st.dictionaries(st.text() | st.sampled_from(sorted(REQUEST)), st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(alphabet="\ud800é\n\"a"),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=6)))  # fmt: skip
def test_any_request_becomes_json(request_body: dict[str, Any]) -> None:
    """Whatever the payload holds, both documents can be written and read again."""
    for content in (False, True):
        assert json.loads(dumps(trace(request=request_body, completion=Completion()).to_json(content=content)))
