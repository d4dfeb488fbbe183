"""Styles from the artifact store, kept ready in memory up to a bound; the least recently used leaves first."""

from collections import OrderedDict
from contextlib import suppress

from torch import Tensor

from services.background.engine.adapters import fold
from services.background.engine.records import Adapter, Delta, StageTokens
from services.background.metrics import STYLE_BYTES, STYLE_EVICTIONS, STYLE_LOOKUPS, STYLES
from services.background.model import StyleTargets
from services.common.artifacts import ArtifactStore, get_checked
from services.common.errors import NotFound
from services.common.palettes import PALETTE_KEY, read_palette
from services.common.style_files import LoraModule, read_dreamstyler, read_lora

MAX_STYLE_BYTES = 512 * 1024 * 1024  # of a file; a full-size LoRA of every module has less than half of it

Place = tuple[type, str, str, str]  # kind, owner, key, SHA-256


class StyleShelf:
    """Loaded styles by their place and content. Only one thread may call it."""

    def __init__(self, store: ArtifactStore, targets: StyleTargets, *, max_bytes: int) -> None:
        self._store = store
        self._targets = targets
        self._max_bytes = max_bytes
        self._loaded: OrderedDict[Place, Adapter | StageTokens] = OrderedDict()

    @property
    def targets(self) -> StyleTargets:
        """What a style must fit; safe for every thread."""
        return self._targets

    @property
    def size_bytes(self) -> int:
        """Memory that the loaded styles take."""
        return sum(one.size_bytes for one in self._loaded.values())

    def adapter(self, key: str, sha256: str, *, owner: str) -> Adapter:
        """The LoRA style of this file.

        Raises:
            NotFound: no such file of this owner.
            InvalidInput: another content, not a LoRA file, or one of another family.
        """
        place = (Adapter, owner, key, sha256)
        found = self._find(place)
        STYLE_LOOKUPS.labels("lora", "miss" if found is None else "hit").inc()
        if not isinstance(found, Adapter):
            found = self._read_adapter(self._read(key, sha256, owner))
        self._keep(place, found)
        return found

    def stage_tokens(self, key: str, sha256: str, *, owner: str) -> StageTokens:
        """The DreamStyler style of this file; errors as `adapter`."""
        place = (StageTokens, owner, key, sha256)
        found = self._find(place)
        STYLE_LOOKUPS.labels("dreamstyler", "miss" if found is None else "hit").inc()
        if not isinstance(found, StageTokens):
            file = read_dreamstyler(self._read(key, sha256, owner), width=self._targets.text_width)
            rows_TC = file.embeddings_TC.to(self._targets.device)
            palette = read_palette(file.metadata.get(PALETTE_KEY, ""))
            found = StageTokens(embeddings_TC=rows_TC, trigger=file.trigger, size_bytes=_size(rows_TC), palette=palette)
        self._keep(place, found)
        return found

    def drop_deleted(self) -> int:
        """Forget the styles whose files are gone; returns how many. What is deleted must not live on in memory."""
        before = len(self._loaded)
        for place in list(self._loaded):
            with suppress(NotFound):
                self._find(place)
        self._show_size()
        return before - len(self._loaded)

    def _find(self, place: Place) -> Adapter | StageTokens | None:
        """The loaded style, if its file is still there; one that was deleted is forgotten at once."""
        if place not in self._loaded:
            return None
        try:
            self._store.stat(place[2])
        except NotFound:
            del self._loaded[place]
            raise
        return self._loaded[place]

    def _read(self, key: str, sha256: str, owner: str) -> bytes:
        return get_checked(self._store, key, sha256, owner=owner, max_bytes=MAX_STYLE_BYTES)

    def _read_adapter(self, content: bytes) -> Adapter:
        file = read_lora(content, unet=self._targets.unet, text=self._targets.text)
        unet = {path: self._fold(module) for path, module in file.unet.items()}
        text = {path: self._fold(module) for path, module in file.text.items()}
        size = sum(_size(delta.down) + _size(delta.up) for delta in (*unet.values(), *text.values()))
        palette = read_palette(file.metadata.get(PALETTE_KEY, ""))
        return Adapter(unet=unet, text=text, trigger=file.trigger, size_bytes=size, palette=palette)

    def _fold(self, module: LoraModule) -> Delta:
        return fold(module.down, module.up, module.alpha, device=self._targets.device, dtype=self._targets.dtype)

    def _keep(self, place: Place, style: Adapter | StageTokens) -> None:
        self._loaded[place] = style
        self._loaded.move_to_end(place)
        # A drawing under way holds its own reference, so what leaves the shelf is not pulled from under it.
        while len(self._loaded) > 1 and self.size_bytes > self._max_bytes:
            self._loaded.popitem(last=False)
            STYLE_EVICTIONS.inc()
        self._show_size()

    def _show_size(self) -> None:
        STYLES.set(len(self._loaded))
        STYLE_BYTES.set(self.size_bytes)


def _size(tensor: Tensor) -> int:
    return tensor.numel() * tensor.element_size()
