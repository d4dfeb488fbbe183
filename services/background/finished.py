"""What can be asked of a finished drawing: its layers as a file, and how near it is to the artist's own pages.

Between the messages and the engine's records; nothing here needs the networks' thread.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from oma.background.v1 import background_service_pb2 as pb

from services.background.convert import check_request_id
from services.background.engine.layers import LayerKind, separate
from services.background.engine.reading import Aspect, Verdict, read_style, verdict
from services.background.psd import NAMES, write_psd
from services.common.artifacts import ArtifactStore, check_owner
from services.common.errors import InvalidInput
from services.common.pictures import Pixels
from services.common.wire import picture_pixels, to_artifact

MAX_PAGES = 12
PSD_TYPE = "image/vnd.adobe.photoshop"
SkyFinder = Callable[[Pixels], NDArray[np.bool_]]  # picture (H, W, 3) to where sky is (H, W)

_KINDS = {
    LayerKind.LINE: pb.LAYER_KIND_LINE,
    LayerKind.COLOUR: pb.LAYER_KIND_COLOUR,
    LayerKind.SKY: pb.LAYER_KIND_SKY,
    LayerKind.ORIGINAL: pb.LAYER_KIND_ORIGINAL,
}
_ASPECTS = {
    Aspect.LINE: pb.StyleAspect.KIND_LINE,
    Aspect.PALETTE: pb.StyleAspect.KIND_PALETTE,
    Aspect.TEXTURE: pb.StyleAspect.KIND_TEXTURE,
    Aspect.SHARPNESS: pb.StyleAspect.KIND_SHARPNESS,
}
_VERDICTS = {
    Verdict.CLOSE: pb.STYLE_VERDICT_CLOSE,
    Verdict.NEAR: pb.STYLE_VERDICT_NEAR,
    Verdict.OFF: pb.STYLE_VERDICT_OFF,
}


class Finished:
    """Safe for several threads at once. `find_sky` is None where the family has no network for it."""

    def __init__(self, *, store: ArtifactStore, find_sky: SkyFinder | None) -> None:
        self._store = store
        self._find_sky = find_sky

    def separate(self, request: pb.SeparateLayersRequest) -> pb.SeparateLayersResponse:
        """Take a drawing apart, and store its layers as one file.

        Raises:
            InvalidInput: a request id, a language or pictures that cannot be used.
            NotFound: no such artifact of this owner.
        """
        owner = check_owner(request.owner)
        check_request_id(request.request_id)
        language = request.language or "en"
        if language not in NAMES:
            raise InvalidInput(f"language {language!r}: say ko or en", reason="LANGUAGE")
        image_HWC = picture_pixels(request.picture, self._store, owner=owner)
        original_HWC = (
            picture_pixels(request.original, self._store, owner=owner) if request.HasField("original") else None
        )
        sky_HW = self._find_sky(image_HWC) if self._find_sky is not None else None
        found = separate(image_HWC, sky_HW=sky_HW, original_HWC=original_HWC)
        content = write_psd(found, language=language)
        return pb.SeparateLayersResponse(
            psd=to_artifact(self._store.put(f"{owner}/out/{request.request_id}/layers.psd", content, PSD_TYPE)),
            layers=[_KINDS[layer.kind] for layer in found.layers],
            left_out=[
                pb.LayerLeftOut(kind=_KINDS[left.kind], reason=left.reason, message=left.message)
                for left in found.left_out
            ],
            largest_difference=found.largest_difference,
        )

    def read(self, request: pb.ReadStyleRequest) -> pb.ReadStyleResponse:
        """Compare a drawing with the artist's pages.

        Raises:
            InvalidInput: no pages or too many, or pictures that cannot be used.
            NotFound: no such artifact of this owner.
        """
        owner = check_owner(request.owner)
        if not 1 <= len(request.pages) <= MAX_PAGES:
            raise InvalidInput(f"{len(request.pages)} pages: give 1 to {MAX_PAGES} of the artist's", reason="PAGES")
        image_HWC = picture_pixels(request.picture, self._store, owner=owner)
        reading = read_style(image_HWC, [picture_pixels(page, self._store, owner=owner) for page in request.pages])
        return pb.ReadStyleResponse(
            verdict=_VERDICTS[reading.verdict],
            times=reading.overall,
            aspects=[
                pb.StyleAspect(kind=_ASPECTS[aspect], times=times, verdict=_VERDICTS[verdict(times)])
                for aspect, times in reading.times.items()
            ],
        )
