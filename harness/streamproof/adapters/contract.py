"""What an adapter is: it gets a neutral call and an endpoint, and returns a completion.

To write one, take a `Call`, ask the `Endpoint` with your own library, pass each step on through `emit` if the library
shows steps, and return a `Completion` (or raise an `LLMError` that carries the partial one):

    class MyAdapter:
        name = "my-library"
        protocols = ("openai_chat",)

        async def run(self, call: Call, endpoint: Endpoint, emit: Emit) -> Completion: ...

`run` may be a plain function too; it is called in a thread. What else an adapter may have:

* `capabilities`, a `streamproof.capabilities.Capabilities`: what the library does not offer
* `run_sync`, a plain function like `run`: the library's sync side
* `versions`, a dict or a function that returns one: name of a package to its version
* `shown`, an object with `details` and `diagnostics` of the last run

A call that the library cannot do is declined with `streamproof.errors.Unsupported`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol, TypeAlias

from ..completion import Completion, Delta
from ..jsontext import JSON, JSONObject
from ..providers import Provider

if TYPE_CHECKING:
    from ..replay.transport import Playback
    from ..trace.tracer import Tracer
    from .cancellation import Event

Emit: TypeAlias = Callable[[Delta], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """What is asked, in no provider's words.

    messages: [{role, content}], role `system`, `user`, `assistant` or `tool`. tools: [{name, description, parameters}],
    parameters a JSON Schema. max_output_tokens: None leaves it to the provider. options: `reasoning` (effort word),
    `n`, `stop` (list of strings), `tool_choice` (a tool's name, `auto`, `required` or `none`), `temperature`.
    """

    model: str
    messages: Sequence[JSONObject] = ()
    tools: Sequence[JSONObject] = ()
    max_output_tokens: int | None = None
    options: Mapping[str, JSON] = field(default_factory=dict)

    @classmethod
    def from_json(cls, document: JSONObject) -> Call:
        """From a case's `metadata.call`."""
        return cls(**document)

    @property
    def n(self) -> int:
        """How many choices are asked for."""
        asked = self.options.get("n", 1)
        return asked if isinstance(asked, int) else 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """Where to ask.

    provider: its row, with protocol, path and quirks. base_url: what the client is given, None for the row's own.
    api_key: any text in a replay. playback: the recorded responses, None when a real server is asked; adapters that
    cannot take an HTTP transport are given a base_url of the loopback server instead. timeout: seconds.
    """

    provider: Provider
    api_key: str = "replay"
    base_url: str | None = None
    playback: Playback | None = None
    timeout: float = 60.0

    @property
    def url(self) -> str:
        """The base URL in force."""
        return self.base_url or self.provider.base_url


@dataclass(frozen=True, slots=True, kw_only=True)
class CallOptions:
    """What the caller wants besides the completion.

    requires_approval: tools whose calls a human has to release: their deltas and parts say so. cancel: an
    `asyncio.Event` or `threading.Event`; setting it ends the stream with what came, as `cancelled`. tracer: gets one
    record of the call, tags go with it. estimate_usage: the server is a proxy that may report no usage; then it is
    estimated, and marked so.
    """

    requires_approval: Collection[str] = ()
    cancel: Event | None = None
    tracer: Tracer | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    estimate_usage: bool = False


NO_OPTIONS = CallOptions()


class Adapter(Protocol):
    """A library, or our own code, that turns a provider's stream into a completion."""

    @property
    def name(self) -> str:
        """How outcomes name it."""
        ...

    @property
    def protocols(self) -> Sequence[str]:
        """The protocols that it speaks; cells of others are `unsupported`."""
        ...

    def run(self, call: Call, endpoint: Endpoint, emit: Emit) -> Completion | Awaitable[Completion]:
        """Ask once, without retries. Raises LLMError with the partial completion when the stream does not end well."""
        ...
