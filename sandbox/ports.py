"""Free TCP ports on this machine.

They are taken from below the range the kernel hands out for outgoing connections: a server that is started again on
its port would otherwise now and then find it in use by somebody's client.
"""

import random
import socket
from pathlib import Path

_HOST = "127.0.0.1"
_LOWEST = 10_000
_EPHEMERAL_RANGE = Path("/proc/sys/net/ipv4/ip_local_port_range")
_random = random.SystemRandom()


def free_ports(count: int) -> tuple[int, ...]:
    """Neighbouring ports that nobody listens on. Raises OSError when no such block is found."""
    highest = _lowest_ephemeral_port() - count
    for _ in range(1000):
        first = _random.randrange(_LOWEST, highest)
        block = tuple(range(first, first + count))
        if all(is_free(port) for port in block):
            return block
    raise OSError(f"found no {count} free ports in a row between {_LOWEST} and {highest}")


def free_port() -> int:
    """One port that nobody listens on."""
    return free_ports(1)[0]


def is_free(port: int) -> bool:
    """Whether a server could listen on the port now."""
    with socket.socket() as server:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            server.bind((_HOST, port))
            server.listen(1)
        except OSError:
            return False
    return True


def _lowest_ephemeral_port() -> int:
    try:
        lowest = int(_EPHEMERAL_RANGE.read_text().split()[0])
    except OSError:
        return 32_768
    return lowest if lowest > _LOWEST * 2 else 32_768
