"""A supervisor that can be killed: keeps one small server and one endless program until SIGTERM.

small_mesh.py <data folder> <port>
"""

import asyncio
import signal
import sys
from pathlib import Path

from services.cli.mesh.supervisor import Supervisor
from tests.fakes.small_programs import endless, small_server

ROOT = Path(__file__).parents[2]


async def main(data_folder: Path, port: int) -> None:
    stopping = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopping.set)
    programs = [small_server("server", port), endless("worker")]
    await Supervisor(programs, root=ROOT, data_folder=data_folder, url="http://nowhere").run(stopping)


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2])))
