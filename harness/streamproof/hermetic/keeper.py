"""Makes a network without a way out, and hands it over. Linux only; runs as a script, imports nothing of ours.

    python -I -S keeper.py 7

7 is a Unix socket, over which the parent gets: the descriptors of the new namespaces (user namespace, where one was
needed, and network), of a TCP socket that listens on 127.0.0.1 inside, and of a packet socket that sees what goes
elsewhere; with them a line of JSON that says which is which, or why there is nothing. The namespaces live as long as
somebody holds the descriptors.

Inside there is the loopback interface only, and every address is local to it: a connection to anywhere is refused at
once, and its packets are seen.
"""

from __future__ import annotations

import ctypes
import fcntl
import json
import os
import socket
import struct
import sys
from contextlib import suppress

_CLONE_NEWUSER, _CLONE_NEWNET = 0x10000000, 0x40000000
_SIOCSIFFLAGS, _IFF_UP = 0x8914, 0x1
_SO_ATTACH_FILTER = 26
_ETH_P_ALL = 3
_LO = 1
"""Index of the loopback interface in a new namespace."""


def main() -> None:
    """Hand the namespaces over, or the reason why not."""
    channel = socket.socket(fileno=int(sys.argv[1]))
    try:
        kinds, descriptors = _made()
    except OSError as error:
        channel.sendall(json.dumps({"error": error.strerror or str(error)}).encode())
        return
    socket.send_fds(channel, [json.dumps({"kinds": kinds}).encode()], descriptors)


def _made() -> tuple[list[str], list[int]]:
    kinds = ["user", "net"] if _leave() else ["net"]
    descriptors = [os.open(f"/proc/self/ns/{kind}", os.O_RDONLY) for kind in kinds]
    with suppress(OSError):  # switched off in this kernel: nothing gets out by it either
        _make_all_local(socket.AF_INET6)
    listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
    kinds.append("listener")
    descriptors.append(listener.detach())
    with suppress(OSError):  # no packet sockets in this kernel: connections are refused all the same, unseen
        descriptors.append(_packets().detach())
        kinds.append("packets")
    return kinds, descriptors


def _leave() -> bool:
    """Leave the network for one that we may set up. Whether that took a user namespace of our own, as it does without
    privileges, or with some of them only."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(_CLONE_NEWNET) == 0:
        with suppress(PermissionError):
            _set_up()
            return False
    user, group = os.geteuid(), os.getegid()
    if libc.unshare(_CLONE_NEWUSER | _CLONE_NEWNET) != 0:
        error = ctypes.get_errno()
        raise OSError(error, f"unshare: {os.strerror(error)}")
    for name, text in (("setgroups", "deny"), ("uid_map", f"{user} {user} 1"), ("gid_map", f"{group} {group} 1")):
        with open(f"/proc/self/{name}", "w") as file:
            file.write(text)
    _set_up()
    return True


def _set_up() -> None:
    _bring_up()
    _make_all_local(socket.AF_INET)


def _bring_up() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, _SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", _IFF_UP))


def _make_all_local(family: int) -> None:
    """`ip route add local default dev lo`, as a netlink message (rtnetlink(7))."""
    newroute, request, create, acknowledge = 24, 0x1, 0x400, 0x4
    main_table, static, host_scope, local, output = 254, 4, 254, 2, 4
    route = struct.pack("BBBBBBBBI", family, 0, 0, 0, main_table, static, host_scope, local, 0)
    attribute = struct.pack("HHI", 8, output, _LO)
    flags = request | create | acknowledge
    message = struct.pack("IHHII", 16 + len(route) + len(attribute), newroute, flags, 1, 0) + route + attribute
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE) as netlink:
        netlink.send(message)
        error = -struct.unpack_from("i", netlink.recv(4096), 16)[0]
    if error:
        raise OSError(error, f"route: {os.strerror(error)}")


def _packets() -> socket.socket:
    """A socket that gets every packet for elsewhere, and every question to a name server."""
    packets = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, 0)
    code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *step) for step in _FILTER))
    program = struct.pack("HP", len(_FILTER), ctypes.addressof(code))
    packets.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, program)
    packets.setblocking(False)
    packets.bind(("lo", _ETH_P_ALL))
    return packets


_LOAD_BYTE, _LOAD_HALF_X, _LOAD_WORD, _HEADER_LENGTH = 0x30, 0x48, 0x20, 0xB1
_AND, _EQUAL, _RETURN = 0x54, 0x15, 0x06

# Classic BPF (kernel documentation, networking/filter): code, jump if true, jump if false, operand. The packet begins
# with the IP header.
_FILTER = (
    (_LOAD_BYTE, 0, 0, 0),
    (_AND, 0, 0, 0xF0),
    (_EQUAL, 0, 9, 0x40),  # not IPv4: take it, IPv6 is sorted out by the reader
    (_LOAD_WORD, 0, 0, 16),  # destination
    (_AND, 0, 0, 0xFF000000),
    (_EQUAL, 0, 6, 0x7F000000),  # not 127/8: take it
    (_LOAD_BYTE, 0, 0, 9),  # protocol
    (_EQUAL, 0, 3, 17),  # not UDP: drop it
    (_HEADER_LENGTH, 0, 0, 0),
    (_LOAD_HALF_X, 0, 0, 2),  # destination port
    (_EQUAL, 1, 0, 53),
    (_RETURN, 0, 0, 0),
    (_RETURN, 0, 0, 2048),
)


if __name__ == "__main__":
    main()
