"""How to stop listening without hanging up on anybody.

The kernel completes handshakes by itself: in a listening socket's queue stand clients that were
told they are connected, and closing the socket resets them. So the door is shut first, and those
inside are let in before the socket is closed. Shutting is a filter on the socket that drops the
first packet of a handshake; its client sends it again a second later, to whoever listens then.
Elsewhere than on Linux there is no such filter, and a client at the last moment may be reset.
"""

import ctypes
import selectors
import socket
import struct
import sys

_SO_ATTACH_FILTER = 26
# Of a packet as TCP sees it: drop where, of the flags SYN and ACK, only SYN is set.
_DROP_FIRST_PACKETS = (
    (0x30, 0, 0, 13),  # load the byte of flags
    (0x54, 0, 0, 0x12),  # keep SYN and ACK
    (0x15, 0, 1, 0x02),  # only SYN?
    (0x06, 0, 0, 0),  # drop
    (0x06, 0, 0, 0xFFFFFFFF),  # let it pass whole
)


def shut(listening: socket.socket) -> None:
    """Let nobody new into the queue, in whatever process: the socket itself is changed."""
    if sys.platform != "linux":
        return
    program = b"".join(struct.pack("HBBI", *line) for line in _DROP_FIRST_PACKETS)
    code = ctypes.create_string_buffer(program, len(program))
    pointer = struct.pack("HP", len(_DROP_FIRST_PACKETS), ctypes.addressof(code))
    listening.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, pointer)


def somebody_waits(listening: socket.socket) -> bool:
    """Whether a connection is in the queue that nobody has accepted yet."""
    with selectors.DefaultSelector() as selector:
        selector.register(listening, selectors.EVENT_READ)
        return bool(selector.select(0))
