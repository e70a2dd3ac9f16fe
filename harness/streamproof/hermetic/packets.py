"""What packets on the way elsewhere say about where somebody wanted to go. Bytes in, names out."""

from __future__ import annotations

import ipaddress
import struct
from typing import NamedTuple

_TCP, _UDP, _ICMP, _ICMP6 = 6, 17, 1, 58
_SYN, _ACK = 0x02, 0x10
_ECHO = {(_ICMP, 8), (_ICMP6, 128)}
_DNS = 53
_IPV6_HEADER = 40


class _Packet(NamedTuple):
    protocol: int
    destination: ipaddress.IPv4Address | ipaddress.IPv6Address
    payload: bytes


def target(packet: bytes) -> str | None:
    """`host:port` that a packet is the first one to, the name that it asks a name server for, or None.

    packet: from its IP header on. Answers and later packets of a connection say nothing new.
    """
    try:
        found = _taken_apart(packet)
        return None if found is None else _target(found)
    except (
        IndexError,
        struct.error,
        ValueError,
    ):  # cut short: no kernel of ours sends such, an adapter's raw socket may
        return None


def _taken_apart(packet: bytes) -> _Packet | None:
    version = packet[0] >> 4
    if version == 4:
        start = (packet[0] & 0x0F) * 4
        return _Packet(packet[9], ipaddress.IPv4Address(packet[16:20]), packet[start:])
    if version == 6:
        return _Packet(packet[6], ipaddress.IPv6Address(packet[24:40]), packet[_IPV6_HEADER:])
    return None


def _target(packet: _Packet) -> str | None:
    protocol, destination, payload = packet
    if protocol == _UDP:
        port = struct.unpack_from("!H", payload, 2)[0]
        name = _asked_name(payload[8:]) if port == _DNS else None
        if name:
            return name
        return None if destination.is_loopback or destination.is_multicast else _written(destination, port)
    if destination.is_loopback:
        return None
    if protocol == _TCP:
        port, flags = struct.unpack_from("!H", payload, 2)[0], payload[13]
        return _written(destination, port) if flags & (_SYN | _ACK) == _SYN else None
    return f"{destination} (ping)" if (protocol, payload[0]) in _ECHO else None


def _written(host: ipaddress.IPv4Address | ipaddress.IPv6Address, port: int) -> str:
    return f"[{host}]:{port}" if host.version == 6 else f"{host}:{port}"


def _asked_name(question: bytes) -> str | None:
    """The name in a question to a name server (RFC 1035, section 4.1), None where it is an answer."""
    if question[2] & 0x80:
        return None
    labels, at = [], 12
    while (length := question[at]) and length < 64:
        labels.append(question[at + 1 : at + 1 + length].decode("ascii", "replace"))
        at += 1 + length
    return ".".join(labels) or None
