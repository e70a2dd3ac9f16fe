"""What of the user's environment an adapter sees in a replay: no key, no address, no proxy of theirs."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping

_SDK_PREFIXES = ("OPENAI_", "ANTHROPIC_", "GOOGLE_", "GEMINI_", "AZURE_", "AWS_")
"""Variables by which the official SDKs are configured: keys, base URLs, regions, profiles."""

_PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy")
_NO_PROXY = ("NO_PROXY", "no_proxy")

_SECRET = re.compile(r"(?:^|_)(?:API_?KEY|KEY|TOKEN|SECRET|PASSWORD|PASSWD|CREDENTIALS?)(?:_|$)", re.IGNORECASE)
"""Names of secrets: `HF_TOKEN`, `MISTRAL_API_KEY`, `GITHUB_TOKEN`, `DB_PASSWORD`."""

LOOPBACK = "127.0.0.1,localhost,::1"


def without_sdks(environment: Mapping[str, str]) -> dict[str, str]:
    """An environment without what configures the SDKs, and without proxies."""
    kept = {n: v for n, v in environment.items() if not n.startswith(_SDK_PREFIXES) and n not in _PROXIES}
    # botocore would ask the metadata service of EC2 for credentials
    return {**kept, "AWS_EC2_METADATA_DISABLED": "true"}


def for_child(proxy: str | None = None, environment: Mapping[str, str] | None = None) -> dict[str, str]:
    """The environment of an adapter in another process: without secrets too.

    proxy: where its HTTP clients are sent with everything that is not on this machine, None where the network itself is
    away. environment: ours by default.
    """
    given = without_sdks(os.environ if environment is None else environment)
    kept = {name: value for name, value in given.items() if not _SECRET.search(name)}
    if proxy is None:
        return kept
    return {**kept, **dict.fromkeys(_PROXIES, proxy), **dict.fromkeys(_NO_PROXY, LOOPBACK)}
