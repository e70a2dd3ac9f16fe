"""The `details` of a google.rpc.Status, as Google's errors carry them in a stream and in an HTTP body.

Source: https://cloud.google.com/apis/design/errors#error_details (google/rpc/error_details.proto).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from .jsontext import JSON

_DURATION = re.compile(r"[0-9]{1,9}(\.[0-9]{1,9})?s")


def retry_delay(details: JSON) -> float | None:
    """Seconds of google.rpc.RetryInfo, whose retryDelay is a protobuf duration such as "7.5s"."""
    for detail in _objects(details):
        delay = detail.get("retryDelay")
        if isinstance(delay, str) and _DURATION.fullmatch(delay):
            return float(delay[:-1])
    return None


def reasons(details: JSON) -> tuple[str, ...]:
    """The words of google.rpc.ErrorInfo, such as API_KEY_INVALID; they say more than the status beside them."""
    return tuple(reason for detail in _objects(details) if isinstance(reason := detail.get("reason"), str))


def _objects(details: JSON) -> Iterator[Mapping[str, JSON]]:
    return (detail for detail in (details if isinstance(details, list) else ()) if isinstance(detail, Mapping))
