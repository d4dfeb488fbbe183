"""Ports on loopback that nobody listens on."""

import random
import socket
from contextlib import closing

# Below every system's range for outgoing connections, so that no connection of ours takes the port of a service while
# it restarts.
FIRST, LAST = 20_000, 30_000


def is_free(port: int) -> bool:
    with closing(socket.socket(socket.AF_INET, socket.SOCK_STREAM)) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def free_ports(count: int) -> list[int]:
    """So many different free ports. Another program may still take one before it is used."""
    candidates = random.sample(range(FIRST, LAST), k=1000)
    found = [port for port in candidates if is_free(port)][:count]
    if len(found) < count:
        raise OSError(f"no {count} free ports between {FIRST} and {LAST}")
    return found
