"""A real SMTP server on a free port that keeps every letter."""

import asyncio
import re
import threading
from collections.abc import Callable
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Any, cast

from aiosmtpd.smtp import SMTP


class Mailbox:
    """Runs on a thread of its own; `refuse` makes it turn letters away."""

    def __init__(self) -> None:
        self.letters: list[EmailMessage] = []
        self.refuse = False
        self.port = 0
        self._arrived = threading.Condition()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:
        if self.refuse:
            return "451 try again later"
        letter = cast("EmailMessage", message_from_bytes(envelope.content, policy=cast("Any", default)))
        with self._arrived:
            self.letters.append(letter)
            self._arrived.notify_all()
        return "250 kept"

    def start(self) -> None:
        self._thread.start()
        self._server = self._in_loop(lambda: self._loop.create_server(self._protocol, "127.0.0.1", 0))
        self.port = self._server.sockets[0].getsockname()[1]

    def stop(self) -> None:
        self._server.close()
        self._in_loop(self._server.wait_closed)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def wait_for(self, count: int) -> list[EmailMessage]:
        with self._arrived:
            assert self._arrived.wait_for(lambda: len(self.letters) >= count, timeout=20), "no letter came"
            return list(self.letters)

    def _protocol(self) -> SMTP:
        return SMTP(self, loop=self._loop, hostname="mail.test", enable_SMTPUTF8=True)

    def _in_loop(self, make: Callable[[], Any]) -> Any:
        async def run() -> Any:
            return await make()

        return asyncio.run_coroutine_threadsafe(run(), self._loop).result(20)


def link_in(letter: EmailMessage) -> str:
    found = re.search(r"https?://\S+", letter.get_content())
    assert found is not None
    return found.group()


def secret_in(letter: EmailMessage) -> str:
    return link_in(letter).partition("#")[2]
