"""What every caller of the services needs beside the generated stubs."""

from oma_stubs.channels import open_channel
from oma_stubs.refusals import Refusal, refusal
from oma_stubs.streams import draw, watch_training

__all__ = ["Refusal", "draw", "open_channel", "refusal", "watch_training"]
