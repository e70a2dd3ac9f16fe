"""The child's side of the process contract, for drivers of Python libraries. Standard library only: copy it freely.

    import _driver

    def run(ask: _driver.Ask, answer: _driver.Answer) -> None:
        for chunk in my_library.stream(ask.model, ask.messages, base_url=ask.base_url):
            answer.append("text", chunk.text)
        answer.finish(chunk.finish_reason)

    _driver.serve(run, adapter="my-library", packages=["my-library"], protocols=["openai_chat"])

`run` (sync or async) fills `answer` with what the library shows, no more and no less. When the library raises, the
answer as it stands is sent as the partial one. Schemas: harness/streamproof/schemas/process.schema.json.
"""

from __future__ import annotations

import asyncio
import gc
import inspect
import json
import os
import re
import sys
import traceback
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from importlib.metadata import version
from typing import Any, TextIO


def _words(**kinds: str) -> dict[str, str]:
    return {word: kind for kind, words in kinds.items() for word in words.split()}


RAISED = _words(
    context_window="ContextWindowExceededError ContextOverflowError",
    content_filter="ContentPolicyViolationError ContentFilterFinishReasonError",
    rate_limit="RateLimitError ModelThrottledException",
    overloaded="OverloadedError",
    authentication="AuthenticationError",
    permission="PermissionDeniedError",
    not_found="NotFoundError",
    unprocessable="UnprocessableEntityError",
    interrupted="RemoteProtocolError ReadError ReadTimeout IncompleteRead ClientPayloadError ChunkedEncodingError "
    "ConnectionResetError",
    timeout="APITimeoutError TimeoutException TimeoutError",
    protocol="JSONDecodeError UnknownApiResponseError APIResponseValidationError ChecksumMismatch UnicodeDecodeError",
    connection="APIConnectionError TransportError",
)
"""Class of an exception -> error type. Names, as every library has its own `RateLimitError`."""

CODES = _words(
    rate_limit="rate_limit_exceeded rate_limit_error RESOURCE_EXHAUSTED throttlingException",
    insufficient_credits="insufficient_quota billing_error",
    authentication="invalid_api_key authentication_error UNAUTHENTICATED API_KEY_INVALID",
    permission="permission_error PERMISSION_DENIED",
    not_found="model_not_found not_found_error NOT_FOUND",
    context_window="context_length_exceeded exceed_context_size_error",
    content_filter="content_filter content_policy_violation",
    overloaded="server_is_overloaded overloaded_error UNAVAILABLE serviceUnavailableException",
    timeout="timeout_error DEADLINE_EXCEEDED modelTimeoutException",
    server="internalServerException modelStreamErrorException INTERNAL api_error",
    cancelled="CANCELLED",
)
"""The providers' telling words -> error type."""

VAGUE = _words(
    bad_request="invalid_request_error invalid_prompt request_too_large INVALID_ARGUMENT FAILED_PRECONDITION "
    "validationException",
    server="server_error",
)
"""Their catch-all words, which say less than the message and the status."""

MESSAGES = {
    "prompt is too long|exceed context limit|input is too long|maximum context length": "context_window",
    "input token count .{0,20}exceeds|exceeds the (available )?context (size|window)": "context_window",
    "credit balance is too low|insufficient balance": "insufficient_credits",
    "API key (not valid|expired)": "authentication",
    "prompt (was )?blocked": "content_filter",
}

STATUSES = {400: "bad_request", 401: "authentication", 402: "insufficient_credits", 403: "permission"}
STATUSES |= {404: "not_found", 408: "timeout", 413: "bad_request", 422: "unprocessable", 429: "rate_limit"}
STATUSES |= {503: "overloaded", 504: "timeout", 529: "overloaded"}

CUTS = ("interrupted", "connection", "timeout", "cancelled")
"""Error types that mean `status: interrupted`."""

COUNTS = ("input_tokens", "output_tokens", "cached_input_tokens", "cache_write_tokens", "reasoning_tokens")

BUGS = (ArithmeticError, AssertionError, AttributeError, LookupError, NameError, NotImplementedError, TypeError)
"""What no library raises on purpose to tell of a provider's fault: reported as a crash."""


class Unsupported(Exception):
    """The library cannot be asked this. Raise it from `run`."""


@dataclass(frozen=True)
class Ask:
    """One call. messages: [{role, content}]; tools: [{name, description, parameters}]. base_url: what the provider's
    official SDK takes. options: `reasoning` (effort), `n`, `stop`, `tool_choice`, `temperature`. timeout: seconds."""

    protocol: str
    provider: str
    base_url: str
    api_key: str
    model: str
    messages: list[dict[str, Any]]
    tools: list[dict[str, Any]]
    max_output_tokens: int | None
    options: dict[str, Any]
    timeout: float

    @classmethod
    def from_message(cls, message: Mapping[str, Any]) -> Ask:
        """From a `call` line."""
        call = {"messages": [], "tools": [], "max_output_tokens": None, "options": {}, **message["call"]}
        names = ("protocol", "provider", "base_url", "api_key", "timeout")
        return cls(**{name: message[name] for name in names}, **call)

    @property
    def system(self) -> str | None:
        """The system messages, for APIs that take them apart."""
        return "\n\n".join(m["content"] for m in self.messages if m["role"] == "system") or None

    @property
    def turns(self) -> list[dict[str, Any]]:
        """The messages without the system's."""
        return [message for message in self.messages if message["role"] != "system"]

    @property
    def functions(self) -> list[dict[str, Any]]:
        """The tools as Chat Completions has them, which many libraries take."""
        return [{"type": "function", "function": tool} for tool in self.tools]

    @property
    def function_choice(self) -> Any:
        """`tool_choice` as Chat Completions has it: a word, or a named function; None when nothing is asked."""
        choice = self.options.get("tool_choice")
        if choice in (None, "auto", "required", "none"):
            return choice
        return {"type": "function", "function": {"name": choice}}


@dataclass
class Answer:
    """What the library has shown so far, in the normal form. status: `interrupted` when the library says so without
    raising. details: what it shows besides."""

    content: list[dict[str, Any]] = field(default_factory=list)
    tool_calls: list[dict[str, Any]] = field(default_factory=list)
    tokens: dict[str, Any] = field(default_factory=dict)
    finish_reason: str | None = None
    raw_finish_reason: str | None = None
    status: str = "complete"
    message_id: str | None = None
    model: str | None = None
    raw_usage: Any = None
    error: dict[str, Any] | None = None
    choices: list[dict[str, Any]] = field(default_factory=list)
    details: dict[str, Any] = field(default_factory=dict)
    started: bool = False

    def clear(self) -> None:
        """Forget what was shown: a final message, which says it all, follows."""
        self.__init__()  # type: ignore[misc]  # the defaults again

    def part(self, type: str, **fields: Any) -> None:
        """One part of the content; fields that are None are left out, and so is a part that carries nothing."""
        said = {name: value for name, value in fields.items() if value is not None}
        if type in ("text", "reasoning", "refusal", "media"):
            said.setdefault("text", "")
        if any(value not in ("", [], {}) for value in said.values()):
            whole = {"data": None} if type in ("media", "server_tool", "unknown") else {}
            self.content.append({"type": type, **whole, **said})

    def append(self, type: str, text: str | None) -> None:
        """A piece of running text: part of the last part when that is of the same type, else a part of its own."""
        if text and self.content and self.content[-1]["type"] == type:
            self.content[-1]["text"] += text
        elif text:
            self.part(type, text=text)

    def call(self, name: Any, arguments: Any, id: str | None = None, complete: bool | None = None, **part: Any) -> None:
        """A tool call, at this place of the content. arguments: the string that the library shows; what is no string
        is written as compact JSON. complete: whether the library says that the call may be run; None when it has no
        word for it: then whether the arguments are JSON, which is all that its user can see."""
        text = arguments if isinstance(arguments, str) else "" if arguments is None else compact(arguments)
        whole = is_json(text or "{}") if complete is None else complete
        fields = {name: value for name, value in part.items() if value is not None}
        self.content.append({"type": "tool_call", "index": len(self.tool_calls), **fields})
        self.tool_calls.append({"id": id or None, "name": name or "", "arguments": text, "complete": whole})

    def usage(self, input: Any, output: Any, cached: Any = None, written: Any = None, reasoning: Any = None) -> None:
        """The library's counts; input includes the caches, output the reasoning. None: not shown."""
        self.tokens = dict(zip(COUNTS, (input, output, cached, written, reasoning), strict=True))

    def finish(self, word: str | None, raw: str | None = None) -> None:
        """Why it ended, in the library's word: `finish_dialect` says which words it uses. raw: the provider's word,
        where the library shows that as well."""
        self.finish_reason, self.raw_finish_reason = word or None, raw or None

    def fail(self, code: str | None, message: str | None, status: str = "failed", **known: Any) -> None:
        """The library shows an error without raising. status: `failed` or `interrupted`."""
        self.status, text = status, message or ""
        kind = "interrupted" if status == "interrupted" else classify((code,), text, known.get("status_code"))
        self.error = _info(known.pop("type", kind), code=code, message=text, **known)

    def to_json(self) -> dict[str, Any]:
        """The completion's JSON."""
        return {
            "content": self.content,
            "tool_calls": self.tool_calls,
            "usage": {**{name: self.tokens.get(name) for name in COUNTS}, "estimated": False},
            "finish_reason": self.finish_reason,
            "raw_finish_reason": self.raw_finish_reason,
            "status": self.status,
            "error": self.error,
            "model": self.model or None,
            "message_id": self.message_id or None,
            "raw_usage": self.raw_usage,
            **({"choices": self.choices} if self.choices else {}),
        }


def serve(
    run: Callable[[Ask, Answer], Any],
    *,
    adapter: str,
    packages: Iterable[str],
    protocols: Iterable[str],
    errors: Mapping[str, str] | None = None,
    **capabilities: Any,
) -> None:
    """Say hello, then answer calls until the parent closes stdin.

    packages: installed distributions that the result depends on. errors: the library's own exceptions, `Class` or
    `Class: beginning of the message` -> error type. capabilities: `providers`, `fields`, `text`, `finish_dialect` and
    so on, and what differs in a protocol in `by_protocol` (docs/capabilities.md).
    """
    out = _keep_stdout()
    _send(
        out,
        type="hello",
        schema=1,
        adapter=adapter,
        versions={**{name: version(name) for name in packages}, "python": sys.version.split()[0]},
        capabilities={"protocols": list(protocols), **capabilities},
    )
    gc.freeze()
    with asyncio.Runner() as runner:
        for line in sys.stdin:
            message = json.loads(line)
            if message.get("type") == "call":
                _send(out, id=message["id"], **_answered(run, message, runner, {**RAISED, **(errors or {})}))
                gc.collect()  # a stream left open deadlocks httpcore when its end comes within the next request (#990)


def _keep_stdout() -> TextIO:
    """The contract's own stdout: what the library prints goes to stderr."""
    out = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    return out


def _send(out: TextIO, **message: Any) -> None:
    out.write(json.dumps(message, default=_dumped) + "\n")
    out.flush()


def _answered(
    run: Callable[[Ask, Answer], Any], message: Mapping[str, Any], runner: asyncio.Runner, types: Mapping[str, str]
) -> dict[str, Any]:
    answer = Answer()
    try:
        done = run(Ask.from_message(message), answer)
        if inspect.iscoroutine(done):
            runner.run(done)
    except Exception as error:  # noqa: BLE001 - whatever the library raises is its answer
        traceback.print_exc()
        return _error(error, answer, types)
    return {"type": "result", "completion": answer.to_json(), **_details(answer)}


def _details(answer: Answer) -> dict[str, Any]:
    return {"details": answer.details} if answer.details else {}


def _error(error: Exception, answer: Answer, types: Mapping[str, str]) -> dict[str, Any]:
    if isinstance(error, Unsupported):
        return {"type": "error", "kind": "unsupported", "error": _info("provider", message=str(error))}
    info = error_info(error, types, started=answer.started or bool(answer.content))
    answer.status = "interrupted" if info["type"] in CUTS else "failed"
    partial = {**answer.to_json(), "error": info}
    kind = "crash" if isinstance(error, BUGS) and _class_type(error, types) is None else "llm"
    return {"type": "error", "kind": kind, "error": info, "partial": partial, **_details(answer)}


def error_info(error: BaseException, types: Mapping[str, str] = RAISED, *, started: bool = False) -> dict[str, Any]:
    """An exception as the completion's `error`: what stands on the exception, nothing of its causes.

    Reads what the official SDKs and most libraries have there: `status_code` (`status`, or a numeric `code`), `body` or
    `details` (the provider's error object), `code`, `message`, `headers` or `response.headers`, `request_id`,
    `retry_after`.
    """
    said = _provider_error(error)
    numbers = (getattr(error, name, None) for name in ("status_code", "status", "code"))
    status = _first_int(*numbers, said.get("status_code"), said.get("code"))
    words = (_word(getattr(error, name, None)) for name in ("provider_error_code", "provider_code", "code"))
    own = next((word for word in words if word), None)
    code = _word(said.get("status")) or said.get("code") or own or said.get("type")
    message = said.get("message") or _word(said.get("detail")) or getattr(error, "message", None) or str(error)
    headers = getattr(error, "headers", None) or getattr(getattr(error, "response", None), "headers", None) or {}
    told = (code, said.get("code"), said.get("type"))
    type_ = classify(told, str(message), status, _class_type(error, types))
    if started and type_ == "connection":
        type_ = "interrupted"
    return _info(
        type_,
        code=None if code is None else str(code),
        message=str(message) or type(error).__name__,
        status_code=status,
        request_id=getattr(error, "request_id", None) or headers.get("x-request-id") or headers.get("request-id"),
        retry_after=_seconds(headers) or getattr(error, "retry_after", None),
    )


def _info(type: str, **known: Any) -> dict[str, Any]:
    empty = {"code": None, "message": "", "status_code": None, "request_id": None, "retry_after": None}
    return {"type": type, **empty, **known}


def _provider_error(error: BaseException) -> dict[str, Any]:
    """The provider's error object, when the exception carries it."""
    around = next((b for b in (getattr(error, "body", None), getattr(error, "details", None)) if b), None)
    body = get(around, "body") or around
    if isinstance(body, list) and body:
        body = body[0]
    if isinstance(body, dict) and isinstance(body.get("error"), dict):
        body = body["error"]
    return {"status_code": get(around, "status_code"), **(body if isinstance(body, dict) else {})}


def classify(words: Iterable[Any], message: str, status: int | None, by_class: str | None = None) -> str:
    """The error type for a provider's words, its message, the exception's class and the HTTP status."""
    told = [word for word in words if isinstance(word, str)]
    by_word = next((CODES[word] for word in told if word in CODES), None)
    by_text = next((kind for text, kind in MESSAGES.items() if re.search(text, message, re.IGNORECASE)), None)
    by_status = STATUSES.get(status or 0) or ("server" if (status or 0) >= 500 else None)
    vague = next((VAGUE[word] for word in told if word in VAGUE), None)
    return by_word or by_text or by_class or by_status or vague or ("bad_request" if status else "provider")


def _class_type(error: BaseException, types: Mapping[str, str]) -> str | None:
    """What the class of an exception says, or class and the beginning of its message."""
    said = f"{type(error).__name__}: {error}"
    by_text = next((kind for name, kind in types.items() if ": " in name and said.startswith(name)), None)
    return by_text or next((types[cls.__name__] for cls in type(error).__mro__ if cls.__name__ in types), None)


def _word(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None


def _first_int(*values: Any) -> int | None:
    return next((v for v in values if isinstance(v, int) and not isinstance(v, bool) and 100 <= v < 1000), None)


def _seconds(headers: Mapping[str, str]) -> float | None:
    for name, unit in (("retry-after-ms", 1000), ("retry-after", 1)):
        if re.fullmatch(r"\d+(\.\d+)?", headers.get(name) or ""):
            return float(headers[name]) / unit
    return None


def compact(value: Any) -> str:
    """JSON as the normal form writes arguments that come as an object."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=_dumped)


def plain(value: Any) -> Any:
    """A pydantic object as JSON; what is none stays as it is."""
    dump = getattr(value, "model_dump", None)
    return dump(mode="json", exclude_unset=True, by_alias=True, warnings=False) if dump else value


def _dumped(value: Any) -> Any:
    """What stands inside of JSON and is none: a pydantic object, or its text."""
    found = plain(value)
    return str(value) if found is value else found


def is_json(text: str) -> bool:
    """Whether a text is JSON."""
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


def get(value: Any, *path: str | int) -> Any:
    """What stands at a path of attributes, keys and indexes; None where it ends early."""
    for name in path:
        if value is None:
            return None
        try:
            value = value[name] if isinstance(value, dict | list | tuple) else getattr(value, str(name), None)
        except (LookupError, TypeError):
            return None
    return value
