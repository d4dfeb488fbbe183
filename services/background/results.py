"""What becomes of a finished picture: enlarged as asked, marked, and kept in the artifact store."""

from dataclasses import replace

from services.background.convert import Order
from services.background.engine.records import DrawingSpec, Drawn
from services.background.enlarger import Enlarger
from services.background.marks import encode_marked
from services.background.metrics import ENLARGE_SECONDS, PICTURES
from services.common.artifacts import ArtifactRef, ArtifactStore
from services.common.families import Family
from services.common.pictures import Pixels
from services.common.telemetry.tracing import span


class Results:
    """Safe for several threads at once."""

    def __init__(self, *, store: ArtifactStore, family: Family, enlarger: Enlarger, settings_in_pictures: bool) -> None:
        self._store = store
        self._family = family
        self._enlarger = enlarger
        self._settings_in_pictures = settings_in_pictures

    def check(self, order: Order) -> None:
        """Before any work is done for it.

        Raises:
            NotReady: its results could not be enlarged here.
        """
        self._enlarger.check(order.enlarge)

    def keep(self, drawn: Drawn, order: Order, spec: DrawingSpec) -> tuple[Drawn, ArtifactRef, bytes]:
        """The result as it was stored: its pixels, where it lies, and its PNG."""
        drawn = replace(drawn, image_HWC=self._enlarge(drawn.image_HWC, order.enlarge))
        content = encode_marked(
            drawn, spec, self._family, enlarged=order.enlarge, with_settings=self._settings_in_pictures
        )
        key = f"{order.owner}/out/{order.request_id}/{drawn.index:02d}.png"
        stored = self._store.put(key, content, "image/png")
        PICTURES.inc()
        return drawn, stored, content

    def _enlarge(self, image_HWC: Pixels, factor: int) -> Pixels:
        if factor == 1:
            return image_HWC
        with span("enlarge", factor=factor), ENLARGE_SECONDS.labels(factor).time():
            return self._enlarger.enlarge(image_HWC, factor)
