"""Where DWPose's two networks run: in this process (`model`), or in a Triton server (`triton`)."""

from typing import Protocol

from services.pose.estimation.calls import Call
from services.pose.estimation.engine import PoseEngine


class Networks(Protocol):
    @property
    def at_once(self) -> int:
        """How many calls are worth working on at the same time, each in a thread."""

    async def start(self) -> None:
        """Open what is needed.

        Raises:
            NotReady: the networks are missing or of other shapes; the message says what to do.
        """

    async def until_ready(self) -> None:
        """Return when the networks can be asked."""

    def engine_for(self, call: Call) -> PoseEngine:
        """An engine for this call, to be used in the thread that asked for it.

        Raises:
            Unavailable: they cannot be reached, and the call's time is over.
        """

    async def close(self) -> None:
        """Give back what `start` opened."""
