"""Pictures drawn with what is learned: some when it is, and one of the artist's own pictures at each checkpoint.

Noise comes from generators of their own, so that a training's choices are the same whether anything is drawn or not.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from services.common.artifacts import ArtifactRef, ArtifactStore
from services.common.pictures import encode_png
from services.style_train.courses import Course
from services.style_train.engine.draws import stream
from services.style_train.engine.geometry import bucket_size, fit
from services.style_train.engine.lora import StylePicture
from services.style_train.engine.networks import Networks, encode_picture
from services.style_train.engine.sampling import Start, draw
from services.style_train.engine.text import encode_prompts
from services.style_train.records import CheckpointSample, Method, Order

GENERIC_CAPTION = "a drawing"
SAMPLE_STEPS = 20
SKETCH_STEPS = 8
SKETCH_STRENGTH = 0.7  # the picture's scene stays, its hand is drawn anew


@dataclass(frozen=True, slots=True, kw_only=True)
class Sampler:
    """Draws for one training; `on_step` may raise to stop."""

    order: Order
    artifacts: ArtifactStore
    folder: str
    writer: str
    on_step: Callable[[], None]

    def draw_learned(
        self, method: Method, course: Course, networks: Networks, *, count: int
    ) -> tuple[ArtifactRef, ...]:
        """Pictures of the artist's own subjects, drawn from noise."""
        if not count:
            return ()
        captions = list(dict.fromkeys(picture.caption or GENERIC_CAPTION for picture in self.order.pictures))
        prompts = [captions[index % len(captions)] for index in range(count)]
        drawn = draw(
            networks,
            prompt_at=course.hidden_for(prompts),
            empty_BLC=encode_prompts(networks, [""] * count),
            size_wh=(networks.resolution, networks.resolution),
            steps=SAMPLE_STEPS,
            noise=stream(self.order.seed, f"samples/{method}"),
            on_step=self.on_step,
        )
        return tuple(self._put(f"{method}-{index:02d}", encode_png(image_HWC)) for index, image_HWC in enumerate(drawn))

    def draw_over(
        self, method: Method, course: Course, networks: Networks, pictures: Sequence[StylePicture]
    ) -> CheckpointSample:
        """The artist's first picture, drawn over as far as it is learned; with the same noise at each checkpoint."""
        picture, step = pictures[0], course.trainer.step_done
        height, width = picture.image_HWC.shape[:2]
        size_wh = bucket_size(width, height, resolution=networks.resolution, step=networks.size_step)
        latents_CHW = encode_picture(networks, fit(picture.image_HWC, size_wh)).mean_CHW
        drawn = draw(
            networks,
            prompt_at=course.hidden_for([picture.caption]),
            empty_BLC=encode_prompts(networks, [""]),
            size_wh=size_wh,
            steps=SKETCH_STEPS,
            noise=stream(self.order.seed, f"checkpoints/{method}"),
            on_step=self.on_step,
            start=Start(latents_BCHW=latents_CHW[None], strength=SKETCH_STRENGTH),
        )
        file = self._put(f"{method}-at-{step:05d}", encode_png(drawn[0]))
        return CheckpointSample(method=method, step=step, file=file)

    def _put(self, name: str, content: bytes) -> ArtifactRef:
        return self.artifacts.put(f"{self.folder}samples/{name}-{self.writer}.png", content, "image/png")
