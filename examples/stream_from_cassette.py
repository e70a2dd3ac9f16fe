"""Stream a case of the suite through the reference adapter: python examples/stream_from_cassette.py [CASE]."""

import asyncio
import sys

from streamproof import LLMError, jsontext
from streamproof.adapters.contract import Endpoint
from streamproof.adapters.reference import ReferenceAdapter
from streamproof.case import all_cases, the_case
from streamproof.replay.transport import Playback


async def main(name: str = "anthropic_messages/tool-call") -> None:
    """Print the deltas as they come, then the completion."""
    case = the_case(all_cases(), name)
    provider = case.row()
    endpoint = Endpoint(provider=provider, playback=Playback(case.cassette, provider, case.call.model))
    stream = ReferenceAdapter().stream(case.call, endpoint)
    try:
        async for delta in stream:
            print(delta.op, delta.part, delta.field, delta.value)
    except LLMError as error:  # the provider failed, or the stream was cut; what came is kept
        print("error:", error)
    print(jsontext.dumps(stream.shown.completion.to_json(), indent=2))


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:2]))
