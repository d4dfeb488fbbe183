"""What is computed once per character, and the memory of the characters drawn lately.

Axes: L tokens of one block, C channels, D the context's width.
"""

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from services.pose.transfer.attention import KeysValues


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """A character as the denoiser sees it."""

    context_11D: Tensor
    keys_values: KeysValues

    @property
    def size_bytes(self) -> int:
        tensors = [self.context_11D, *(tensor for pair in self.keys_values.values() for tensor in pair)]
        return sum(tensor.nbytes for tensor in tensors)


OnLookup = Callable[[bool, int], object]
"""Called after each lookup with whether the reference was kept, and the bytes of all that are kept now."""


class ReferenceCache:
    """Keeps the references used last, up to `max_bytes` in all; one larger than that is not kept."""

    def __init__(self, max_bytes: int, *, on_lookup: OnLookup | None = None) -> None:
        self._max_bytes = max_bytes
        self._on_lookup = on_lookup
        self._kept: OrderedDict[str, Reference] = OrderedDict()
        self._size_bytes = 0
        self._lock = threading.Lock()

    @property
    def size_bytes(self) -> int:
        """Of all that are kept now."""
        return self._size_bytes

    def get_or_make(self, key: str, make: Callable[[], Reference]) -> Reference:
        """The reference of `key`, made if it is not kept. Two callers at once may both make it; they get equal ones."""
        with self._lock:
            kept = self._kept.get(key)
            if kept is not None:
                self._kept.move_to_end(key)
        reference = kept or self._make(key, make)
        if self._on_lookup is not None:
            self._on_lookup(kept is not None, self._size_bytes)
        return reference

    def _make(self, key: str, make: Callable[[], Reference]) -> Reference:
        made = make()
        with self._lock:
            if key not in self._kept:
                self._kept[key] = made
                self._size_bytes += made.size_bytes
            while self._size_bytes > self._max_bytes:
                _, dropped = self._kept.popitem(last=False)
                self._size_bytes -= dropped.size_bytes
        return made


def picture_key(*pictures_HWC: NDArray[np.uint8]) -> str:
    """One name for these pictures: equal for equal sizes and pixels only."""
    digest = hashlib.sha256()
    for image_HWC in pictures_HWC:
        digest.update(f"{image_HWC.shape}{image_HWC.dtype}".encode())
        digest.update(image_HWC.tobytes())
    return digest.hexdigest()
