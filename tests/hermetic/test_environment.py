"""What of the user's environment reaches an adapter in another process."""

from __future__ import annotations

from streamproof.hermetic.environment import for_child

SECRETS = (
    "OPENAI_API_KEY", "ANTHROPIC_AUTH_TOKEN", "GOOGLE_APPLICATION_CREDENTIALS", "AWS_SECRET_ACCESS_KEY", "HF_TOKEN",
    "GITHUB_TOKEN", "MISTRAL_API_KEY", "DB_PASSWORD", "deepseek_api_key", "APIKEY", "MY_SECRET_THING", "NPM_TOKEN",
)  # fmt: skip


def test_no_secret_reaches_a_child() -> None:
    """Neither the SDKs' own variables nor what looks like a key of anything else."""
    given = dict.fromkeys(SECRETS, "s3cret") | {
        "OPENAI_BASE_URL": "https://example.org",
        "PATH": "/bin",
        "KEYBOARD": "de",
    }
    kept = for_child(environment=given)
    assert "s3cret" not in kept.values()
    assert "OPENAI_BASE_URL" not in kept
    assert (kept["PATH"], kept["KEYBOARD"]) == ("/bin", "de")


def test_proxies() -> None:
    """The user's are taken away; where there is no namespace ours stand in every spelling, except for this machine."""
    given = {"https_proxy": "http://proxy.example.org:3128", "NO_PROXY": "example.org"}
    assert "https_proxy" not in for_child(environment=given)
    kept = for_child("http://127.0.0.1:9", environment=given)
    assert {kept[name] for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy")} == {
        "http://127.0.0.1:9"
    }
    assert kept["NO_PROXY"] == kept["no_proxy"] == "127.0.0.1,localhost,::1"
