"""An adapter over the process contract with sockets of its own, that reaches out at cells of the case `bad`.

python reaches_out.py WAY
"""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import urllib.request
from contextlib import suppress
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from wrong import HELLO, result, say

GRANDCHILD = "import socket; socket.create_connection(('192.0.2.7', 80), 2)"


def with_urllib() -> None:
    """HTTP and HTTPS, by way of the proxy variables."""
    for url in ("http://host.example.org/x", "https://host.example.org/x"):
        with suppress(OSError):
            urllib.request.urlopen(url, timeout=5)


def datagram() -> None:
    """UDP, which nobody refuses."""
    with socket.socket(type=socket.SOCK_DGRAM) as any_socket:
        any_socket.sendto(b"x", ("192.0.2.1", 9999))


WAYS = {
    "connect": lambda: socket.create_connection(("192.0.2.1", 443), 5),
    "connect6": lambda: socket.create_connection(("2001:db8::1", 443), 5),
    "datagram": datagram,
    "lookup": lambda: socket.getaddrinfo("host.example.org", 443),
    "grandchild": lambda: subprocess.run([sys.executable, "-c", GRANDCHILD], check=False, stderr=subprocess.DEVNULL),
    "urllib": with_urllib,
}


def main() -> None:
    """Answer rightly, whatever comes of it."""
    say(**HELLO)
    for line in sys.stdin:
        call = json.loads(line)
        if "/bad@" in call["base_url"]:
            with suppress(OSError):
                WAYS[sys.argv[1]]()
        say(**result(call))


if __name__ == "__main__":
    main()
