"""The drawing loop around scripted networks, and requests in flight together on real (random) ones."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from services.common.errors import Cancelled
from services.pose.transfer.engine import Pixels, TransferEngine, TransferSpec, clip_crop, initial_noise
from services.pose.transfer.model import TorchNetworks, load_networks
from tests.fakes.pose_families import build_pose_family
from tests.fakes.pose_networks import ScriptedNetworks


def spec(seed: int = 0, *, steps: int = 4, guidance: float = 3.5, size_wh: tuple[int, int] = (48, 64)) -> TransferSpec:
    """A random character in a random pose."""
    rng = np.random.default_rng(seed)
    return TransferSpec(
        character_HWC=rng.integers(0, 256, (90, 70, 3), np.uint8),
        xy_K2=rng.uniform(4, 44, (133, 2)),
        score_K=np.ones(133),
        size_wh=size_wh,
        steps=steps,
        guidance=guidance,
    )


def ignore(done: int, preview_HWC: Pixels | None) -> None:
    pass


def draw(engine: TransferEngine, wanted: TransferSpec, seed: int, on_step: Callable[..., object] = ignore) -> Pixels:
    return engine.draw(wanted, engine.prepare(wanted), seed, on_step, previews=False)


def test_each_step_is_one_prediction_and_one_report() -> None:
    networks, reports = ScriptedNetworks(), list[int]()
    image_HWC = draw(TransferEngine(networks, cache_bytes=0), spec(), 1, lambda done, _: reports.append(done))
    assert reports == [1, 2, 3, 4]
    assert networks.predictions == [(999, True), (749, True), (499, True), (249, True)]
    assert image_HWC.shape == (64, 48, 3)


def test_without_guidance_there_is_no_unconditional_row() -> None:
    networks = ScriptedNetworks()
    draw(TransferEngine(networks, cache_bytes=0), spec(guidance=1.0), 1)
    assert {guided for _, guided in networks.predictions} == {False}


def test_the_character_is_looked_at_once_for_several_poses() -> None:
    networks = ScriptedNetworks()
    engine = TransferEngine(networks, cache_bytes=10**6)
    first, other_pose = spec(0), spec(1)
    engine.prepare(first)
    engine.prepare(
        TransferSpec(
            character_HWC=first.character_HWC,
            xy_K2=other_pose.xy_K2,
            score_K=other_pose.score_K,
            size_wh=first.size_wh,
        )
    )
    assert (networks.references, networks.guides) == (1, 2)


def test_previews_are_few_and_never_the_last_step() -> None:
    shown = list[int]()

    def on_step(done: int, preview_HWC: Pixels | None) -> None:
        if preview_HWC is not None:
            shown.append(done)

    engine, wanted = TransferEngine(ScriptedNetworks(), cache_bytes=0), spec(steps=30)
    engine.draw(wanted, engine.prepare(wanted), 1, on_step, previews=True)
    assert shown == [6, 12, 18, 24]


def test_what_the_report_raises_ends_the_drawing_at_that_step() -> None:
    networks = ScriptedNetworks()

    def leave(done: int, preview_HWC: Pixels | None) -> None:
        if done == 2:
            raise Cancelled("gone", reason="CALLER_LEFT")

    with pytest.raises(Cancelled):
        draw(TransferEngine(networks, cache_bytes=0), spec(), 1, leave)
    assert len(networks.predictions) == 2


def test_noise_is_a_matter_of_the_seed_alone() -> None:
    first = initial_noise((1, 4, 13, 11), 42)
    assert first.flatten()[:4].tolist() == pytest.approx([1.92691529, 1.48728406, 0.90071720, -2.10552096])
    assert initial_noise((1, 4, 13, 11), 2**64 - 1).shape == (1, 4, 13, 11)


@pytest.mark.parametrize("size_hw", [(50, 20), (20, 50), (32, 32)])
def test_clip_sees_the_middle_square(size_hw: tuple[int, int]) -> None:
    assert clip_crop(np.zeros((*size_hw, 3), np.uint8), 24).shape == (24, 24, 3)


@pytest.fixture(scope="module")
def networks(tmp_path_factory: pytest.TempPathFactory) -> TorchNetworks:
    return load_networks(build_pose_family(tmp_path_factory.mktemp("family")), device_name="cpu")


def test_character_pose_and_seed_all_reach_the_picture(networks: TorchNetworks) -> None:
    engine, base = TransferEngine(networks, cache_bytes=10**7), spec(0)
    other = spec(1)
    posed = TransferSpec(
        character_HWC=base.character_HWC, xy_K2=other.xy_K2, score_K=other.score_K, size_wh=base.size_wh, steps=4
    )
    drawn = TransferSpec(
        character_HWC=other.character_HWC, xy_K2=base.xy_K2, score_K=base.score_K, size_wh=base.size_wh, steps=4
    )
    pictures = [draw(engine, base, 1), draw(engine, base, 2), draw(engine, posed, 1), draw(engine, drawn, 1)]
    assert len({picture.tobytes() for picture in pictures}) == 4
    assert draw(engine, base, 1).tobytes() == pictures[0].tobytes()


def test_sizes_that_do_not_halve_evenly_are_drawn(networks: TorchNetworks) -> None:
    engine = TransferEngine(networks, cache_bytes=0)
    assert draw(engine, spec(steps=2, size_wh=(72, 56)), 1).shape == (56, 72, 3)


def test_requests_in_flight_together_draw_what_each_draws_alone(networks: TorchNetworks) -> None:
    """The second request runs whole inside every step of the first, on the same modules."""
    engine = TransferEngine(networks, cache_bytes=0)
    outer, inner = spec(0), spec(1, guidance=1.0)
    alone = draw(engine, outer, 1), draw(engine, inner, 2)
    nested = list[Pixels]()
    together = draw(engine, outer, 1, lambda _, __: nested.append(draw(engine, inner, 2)))
    assert together.tobytes() == alone[0].tobytes()
    assert {picture.tobytes() for picture in nested} == {alone[1].tobytes()}
    assert len(nested) == outer.steps


def test_a_neighbour_of_nothing_but_nan_changes_nothing(networks: TorchNetworks) -> None:
    engine, wanted = TransferEngine(networks, cache_bytes=10**7), spec(0)
    alone = draw(engine, wanted, 1)
    broken = TransferSpec(
        character_HWC=spec(1).character_HWC,
        xy_K2=wanted.xy_K2,
        score_K=wanted.score_K,
        size_wh=wanted.size_wh,
        steps=4,
        guidance=float("nan"),
    )
    with np.errstate(invalid="ignore"):
        together = draw(engine, wanted, 1, lambda _, __: draw(engine, broken, 3))
    assert together.tobytes() == alone.tobytes()


def test_half_precision_files_are_read_as_whole(tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file  # noqa: PLC0415 (only this test handles files)

    folder = build_pose_family(tmp_path)
    path = folder / "animate_anyone/denoising_unet/diffusion_pytorch_model.safetensors"
    save_file({key: tensor.half() for key, tensor in load_file(path).items()}, path)
    engine = TransferEngine(load_networks(folder, device_name="cpu"), cache_bytes=0)
    assert draw(engine, spec(steps=1), 1).shape == (64, 48, 3)
