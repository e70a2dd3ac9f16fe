"""Adapters in other processes reach nothing but this machine, and whatever they try is told."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
from pathlib import Path

import pytest
from case_files import write_case
from streamproof.adapters.limits import Limits
from streamproof.cell import cells
from streamproof.hermetic import stage as stages
from streamproof.hermetic.namespace import Namespace, NoNamespace
from streamproof.hermetic.stage import NAMESPACE, PROXIES, SWITCH, stage
from streamproof.outcome import Outcome
from streamproof.running.external import NETWORK_LAW, Target, started

LIMITS = Limits(seconds=20, start_seconds=20)

CHILD = Path(__file__).parent.parent / "adapters" / "children" / "reaches_out.py"


def _has_namespaces() -> bool:
    try:
        Namespace.make().close()
    except NoNamespace:
        return False
    return True


needs_namespaces = pytest.mark.skipif(not _has_namespaces(), reason="no network namespaces here")


def bad_cell(target: Target, tmp_path: Path) -> tuple[str, Outcome]:
    """The tier, and what comes of a cell in which the child reaches out; the one before it must pass."""
    chosen = cells([write_case(tmp_path, f"openai_chat/{slug}", providers=["openai"]) for slug in ("aaa", "bad")])
    with started(target, LIMITS) as run:
        before, bad = run.outcomes(chosen)
        assert before.verdict.word == "pass"
        return run.stage.tier, bad


def command(way: str) -> Target:
    """The child that reaches out in this way."""
    return Target(command=shlex.join([sys.executable, str(CHILD), way]))


def tried(outcome: Outcome) -> str:
    """What the finding says."""
    (finding,) = [f for f, _ in outcome.findings if f.requirement == NETWORK_LAW]
    assert not finding.verdict.ok
    return finding.got


WAYS = {
    "connect": "tried to reach 192.0.2.1:443",
    "connect6": "tried to reach [2001:db8::1]:443",
    "datagram": "tried to reach 192.0.2.1:9999",
    "grandchild": "tried to reach 192.0.2.7:80",
}


@needs_namespaces
@pytest.mark.parametrize("way", WAYS)
def test_own_sockets_in_a_namespace(tmp_path: Path, way: str) -> None:
    """A command of any language with sockets of its own: refused at once, and reported with host and port."""
    if way == "connect6" and not Path("/proc/net/if_inet6").exists():
        pytest.skip("no IPv6 here")
    tier, outcome = bad_cell(command(way), tmp_path)
    assert tier == NAMESPACE
    assert tried(outcome) == WAYS[way]
    assert outcome.verdict.word == "wrong"


@needs_namespaces
@pytest.mark.skipif(shutil.which("node") is None, reason="no Node here")
def test_an_adapter_in_node(tmp_path: Path) -> None:
    """It asks the server from inside the namespace, and what else it fetches is seen."""
    tier, outcome = bad_cell(Target(command=shlex.join(["node", str(CHILD.with_name("fetches.mjs"))])), tmp_path)
    assert tier == NAMESPACE
    assert tried(outcome) == "tried to reach 192.0.2.1:443"
    assert outcome.completion is not None
    assert outcome.completion.text == "Grüß dich"


@needs_namespaces
def test_a_name_is_not_looked_up_in_a_namespace(tmp_path: Path) -> None:
    """The question to the name server is seen: by its name, as far as this system asks one."""
    outcome = bad_cell(command("lookup"), tmp_path)[1]
    resolver = [line for line in Path("/etc/resolv.conf").read_text().splitlines() if line.startswith("nameserver")]
    if not resolver:
        pytest.skip("this system asks no name server")
    assert "host.example.org" in tried(outcome)


def test_a_proxy_tells_what_it_was_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a namespace, HTTP clients that heed the proxy variables are refused and reported."""
    monkeypatch.setenv(SWITCH, "proxy")
    tier, outcome = bad_cell(command("urllib"), tmp_path)
    assert tier == f"{PROXIES} (no {NAMESPACE}: {SWITCH}=proxy)"
    assert tried(outcome) == "tried to reach host.example.org:80, host.example.org:443"


PYTHON = """
import socket
from streamproof import Completion, TextPart
from streamproof.capabilities import Capabilities

class Mine:
    name, protocols = "mine", ("openai_chat",)
    capabilities = Capabilities(protocols=protocols, fields=("content.text", "finish_reason"), deltas=False)
    def run(self, call, endpoint, emit):
        if "/bad@" in endpoint.url:
            for reach in ({reach}):
                try:
                    reach()
                except OSError as error:
                    assert "nothing but this machine" in str(error), error
        return Completion(content=(TextPart(text="Grüß dich"),), finish_reason="stop", status="complete")
"""

REACHES = {
    "lambda: socket.create_connection(('192.0.2.1', 443), 2),": "192.0.2.1:443",
    "lambda: socket.create_connection(('host.example.org', 443), 2),": "host.example.org",
    "lambda: socket.gethostbyname('host.example.org'),": "host.example.org",
    "lambda: socket.socket(type=socket.SOCK_DGRAM).sendto(b'', ('192.0.2.1', 53)),": "192.0.2.1:53",
    "lambda: socket.socket(socket.AF_INET6).connect(('2001:db8::1', 443)),": "[2001:db8::1]:443",
}


@pytest.mark.parametrize("tier", ["proxy", ""])
@pytest.mark.parametrize("reach", REACHES)
def test_a_python_adapter_is_told_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reach: str, tier: str
) -> None:
    """Whatever goes through Python's sockets is refused with a reason, whichever tier is in force."""
    (tmp_path / "reaching.py").write_text(PYTHON.replace("{reach}", reach), encoding="utf-8")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setenv(SWITCH, tier)
    outcome = bad_cell(Target(adapter="reaching:Mine"), tmp_path / "suite")[1]
    assert outcome.completion is not None, outcome.message
    assert tried(outcome) == f"tried to reach {REACHES[reach]}"


def test_what_is_tried_before_the_first_cell_is_a_note(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A library that asks for something at its import is told of; no cell is to blame."""
    source = "import socket\ntry: socket.create_connection(('192.0.2.1', 80), 2)\nexcept OSError: pass\n"
    (tmp_path / "early.py").write_text(source + PYTHON.replace("{reach}", ""), encoding="utf-8")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    chosen = cells([write_case(tmp_path / "suite")])
    with started(Target(adapter="early:Mine"), LIMITS) as run:
        assert [outcome.verdict.word for outcome in run.outcomes(chosen)] == ["pass", "pass"]
        assert run.notes == ["before a cell began the adapter tried to reach 192.0.2.1:80"]


def test_no_namespace_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where there is none, the tier says why; who demands one gets an error."""

    def refused() -> Namespace:
        raise NoNamespace("unshare: Operation not permitted")

    monkeypatch.setattr(stages.Namespace, "make", refused)
    with stage() as made:
        assert made.tier == "proxy variables (no network namespace: unshare: Operation not permitted)"
        assert made.environment["HTTPS_PROXY"].startswith("http://127.0.0.1:")
    monkeypatch.setenv(SWITCH, "namespace")
    with pytest.raises(NoNamespace), stage():
        pass


def test_other_systems_have_no_namespaces(monkeypatch: pytest.MonkeyPatch) -> None:
    """macOS and Windows: said, not tried."""
    monkeypatch.setattr(sys, "platform", "darwin")
    with pytest.raises(NoNamespace, match="Linux"):
        Namespace.make()


@needs_namespaces
def test_our_own_process_keeps_its_network() -> None:
    """The namespace is for children: what else runs in this process, a test suite, is left alone."""
    before = os.readlink("/proc/self/ns/net")
    with stage() as made:
        assert made.tier == NAMESPACE
        assert os.readlink("/proc/self/ns/net") == before
        inside = os.readlink(f"/proc/self/fd/{made.namespaces[-1]}")
    assert inside != before
