"""A slow reader's mailbox: what lasts is kept in order, what passes is kept once."""

import asyncio
import threading

from services.common.mailboxes import Mailbox


def newest_number(older: int | str, newer: int | str) -> int | None:
    return newer if isinstance(older, int) and isinstance(newer, int) else None


async def read(mailbox: Mailbox[int | str], count: int) -> list[int | str]:
    async with asyncio.timeout(20):
        return [await mailbox.get() for _ in range(count)]


async def test_a_reader_who_keeps_up_reads_everything() -> None:
    mailbox: Mailbox[int | str] = Mailbox(merge=newest_number)
    seen = []
    for item in (1, 2, "a", 3, "b"):
        mailbox.put(item)
        seen += await read(mailbox, 1)
    assert seen == [1, 2, "a", 3, "b"]


async def test_a_slow_reader_reads_what_lasts_and_the_newest_of_what_passes() -> None:
    mailbox: Mailbox[int | str] = Mailbox(merge=newest_number, most=5)
    for item in (1, 2, "a", 3, 4, "b", 5):
        mailbox.put(item)
    assert await read(mailbox, 3) == ["a", "b", 5]


async def test_a_reader_who_falls_behind_a_little_misses_nothing() -> None:
    mailbox: Mailbox[int | str] = Mailbox(merge=newest_number, most=5)
    for item in range(5):
        mailbox.put(item)
    assert await read(mailbox, 5) == [0, 1, 2, 3, 4]


async def test_a_hundred_thousand_steps_take_the_room_of_a_few() -> None:
    mailbox: Mailbox[int | str] = Mailbox(merge=newest_number, most=5)

    def write() -> None:
        for step in range(100_000):
            mailbox.put(step)

    writer = threading.Thread(target=write)
    writer.start()
    await asyncio.to_thread(writer.join)
    assert len(mailbox) <= 5
    assert (await read(mailbox, len(mailbox)))[-1] == 99_999


async def test_a_reader_who_came_first_is_woken() -> None:
    mailbox: Mailbox[int | str] = Mailbox(merge=newest_number)
    reader = asyncio.create_task(read(mailbox, 2))
    await asyncio.sleep(0)
    for item in ("a", "b"):
        await asyncio.to_thread(mailbox.put, item)
    assert await reader == ["a", "b"]
