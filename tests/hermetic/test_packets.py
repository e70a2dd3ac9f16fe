"""What packets tell about where somebody wanted to go."""

from __future__ import annotations

import socket
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st
from streamproof.hermetic.packets import target

SYN, SYN_ACK, RST = 0x02, 0x12, 0x04
TCP, UDP, ICMP, ICMP6 = 6, 17, 1, 58


def ipv4(host: str, protocol: int, payload: bytes, options: bytes = b"") -> bytes:
    """A packet; options: of the IP header, a multiple of four bytes."""
    first = 0x40 | (5 + len(options) // 4)
    head = struct.pack("!BBHHHBBH", first, 0, 0, 0, 0, 64, protocol, 0)
    return head + socket.inet_aton("127.0.0.1") + socket.inet_aton(host) + options + payload


def ipv6(host: str, protocol: int, payload: bytes) -> bytes:
    """The same for IPv6."""
    head = struct.pack("!IHBB", 6 << 28, len(payload), protocol, 64)
    return head + socket.inet_pton(socket.AF_INET6, "::1") + socket.inet_pton(socket.AF_INET6, host) + payload


def tcp(port: int, flags: int) -> bytes:
    """A TCP header."""
    return struct.pack("!HHIIBBHHH", 40000, port, 0, 0, 0x50, flags, 0, 0, 0)


def udp(port: int, data: bytes = b"") -> bytes:
    """A UDP header with data."""
    return struct.pack("!HHHH", 40000, port, 8 + len(data), 0) + data


def question(name: str, flags: int = 0x0100) -> bytes:
    """A question to a name server."""
    labels = b"".join(bytes([len(label)]) + label.encode() for label in name.split(".") if label)
    return struct.pack("!HHHHHH", 1, flags, 1, 0, 0, 0) + labels + b"\0" + struct.pack("!HH", 1, 1)


@pytest.mark.parametrize(
    ("packet", "found"),
    [
        (ipv4("192.0.2.1", TCP, tcp(443, SYN)), "192.0.2.1:443"),
        (ipv4("192.0.2.1", TCP, tcp(443, SYN), options=bytes(8)), "192.0.2.1:443"),
        (ipv6("2001:db8::1", TCP, tcp(443, SYN)), "[2001:db8::1]:443"),
        (ipv4("192.0.2.1", TCP, tcp(443, SYN_ACK)), None),
        (ipv4("192.0.2.1", TCP, tcp(443, RST)), None),
        (ipv4("127.0.0.1", TCP, tcp(443, SYN)), None),
        (ipv6("::1", TCP, tcp(443, SYN)), None),
        (ipv4("192.0.2.1", UDP, udp(443)), "192.0.2.1:443"),
        (ipv4("127.0.0.53", UDP, udp(443)), None),
        (ipv4("224.0.0.251", UDP, udp(5353)), None),
        (ipv4("10.0.0.2", UDP, udp(53, question("api.example.org"))), "api.example.org"),
        (ipv4("127.0.0.53", UDP, udp(53, question("api.example.org"))), "api.example.org"),
        (ipv6("2001:db8::35", UDP, udp(53, question("api.example.org"))), "api.example.org"),
        (ipv4("10.0.0.2", UDP, udp(53, question(""))), "10.0.0.2:53"),
        (ipv4("127.0.0.1", UDP, udp(53, question("api.example.org", flags=0x8180))), None),
        (ipv4("192.0.2.1", ICMP, bytes([8, 0])), "192.0.2.1 (ping)"),
        (ipv4("192.0.2.1", ICMP, bytes([3, 3])), None),
        (ipv6("2001:db8::1", ICMP6, bytes([128, 0])), "2001:db8::1 (ping)"),
        (ipv6("2001:db8::1", ICMP6, bytes([135, 0])), None),
        (b"\x20" + bytes(60), None),
        (b"", None),
        (ipv4("192.0.2.1", TCP, b""), None),
    ],
)
def test_target(packet: bytes, found: str | None) -> None:
    """The first packet of a connection counts, a question to a name server by its name; answers say nothing."""
    assert target(packet) == found


@given(st.binary(max_size=120))
def test_any_packet_can_be_read(packet: bytes) -> None:
    """An adapter's raw socket may send anything; the reader must not stop at it."""
    assert target(packet) is None or isinstance(target(packet), str)
