"""Stands between a client and PostgreSQL, and cuts the connection at a commit: nobody hears how that came out."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Literal

Moment = Literal["before", "after"]  # the server got to know of the commit


class CuttingProxy:
    """Listens on a port of its own; what it is not asked to cut passes unchanged."""

    def __init__(self, port: int) -> None:
        self._server_port = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self._moment: Moment | None = None
        self.cuts = 0
        threading.Thread(target=self._accept, daemon=True).start()

    def cut_next_commit(self, moment: Moment) -> None:
        self._moment = moment

    def close(self) -> None:
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):  # closed
            while True:
                client, _ = self._listener.accept()
                server = socket.create_connection(("127.0.0.1", self._server_port))
                muted = threading.Event()
                for pump in (self._ask, self._answer):
                    threading.Thread(target=pump, args=(client, server, muted), daemon=True).start()

    def _ask(self, client: socket.socket, server: socket.socket, muted: threading.Event) -> None:
        with suppress(OSError):
            while content := client.recv(65536):
                moment = self._moment if b"COMMIT" in content else None
                if moment is not None:
                    self._moment, self.cuts = None, self.cuts + 1
                    if moment == "before":
                        break
                    muted.set()
                server.sendall(content)
        _cut(client, server)

    def _answer(self, client: socket.socket, server: socket.socket, muted: threading.Event) -> None:
        with suppress(OSError):
            while content := server.recv(65536):
                if muted.is_set():
                    break
                client.sendall(content)
        _cut(client, server)


def _cut(*ends: socket.socket) -> None:
    for end in ends:
        with suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)
        end.close()


@contextmanager
def cutting_proxy(port: int) -> Iterator[CuttingProxy]:
    proxy = CuttingProxy(port)
    yield proxy
    proxy.close()
