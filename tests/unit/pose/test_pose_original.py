"""AnimateAnyone's published files into a family: what fits is taken, and nothing else."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor

from services.cli.__main__ import run
from services.cli.failures import Exit
from services.common.errors import InvalidInput, NotFound
from services.common.families import damaged_files, load_family
from services.pose.transfer.engine import TransferEngine
from services.pose.transfer.model import load_networks
from services.pose.transfer.original import (
    GUIDER,
    UNET,
    Sizes,
    _none,
    _shapes,
    compare,
    convert,
    denoiser_tensors,
    read_tensors,
    unet_shapes,
)
from services.pose.transfer.weights import UNUSED_BY_REFERENCE, empty_guider
from tests.fakes.pose_families import GUIDER as SMALL_GUIDER
from tests.fakes.pose_families import build_pose_family, build_pose_unet
from tests.parity.pose_sets import OWN_ROOT
from tests.unit.pose.test_pose_transfer_engine import draw, spec

INVENTORY = OWN_ROOT / "animate_anyone_state_dict.json.gz"
MOTION = "down_blocks.0.motion_modules.0.temporal_transformer.proj_out.weight"


def inventory(of: str) -> dict[str, tuple[int, ...]]:
    with gzip.open(INVENTORY, "rt", encoding="utf-8") as file:
        return {key: tuple(shape) for key, shape in json.load(file)[of].items()}


def without_storage(shapes: dict[str, tuple[int, ...]]) -> dict[str, Tensor]:
    """Tensors of the real shapes that take no memory: one number, seen everywhere."""
    return {key: torch.rand(1).expand(shape) for key, shape in shapes.items()}


def small_unet() -> dict[str, Any]:
    return json.loads(build_pose_unet().to_json_string())  # type: ignore[no-any-return]


@pytest.fixture(scope="module")
def family(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_pose_family(tmp_path_factory.mktemp("family"))


@pytest.fixture
def published(family: Path, tmp_path: Path) -> Path:
    """The small family's weights in the layout and the formats of the published ones."""
    folder, parts = tmp_path / "published", family / "animate_anyone"
    (folder / "image_encoder").mkdir(parents=True)
    for name in ("reference_unet", "denoising_unet", "pose_guider"):
        torch.save(load_file(parts / name / "diffusion_pytorch_model.safetensors"), folder / f"{name}.pth")
    encoder = load_file(parts / "image_encoder" / "model.safetensors")
    encoder["vision_model.embeddings.position_ids"] = torch.arange(5)[None]  # as older files have it
    torch.save(encoder, folder / "image_encoder" / "pytorch_model.bin")
    (folder / "image_encoder" / "config.json").write_bytes((parts / "image_encoder" / "config.json").read_bytes())
    (folder / "sd-vae-ft-mse").symlink_to(family / "vae")
    (folder / "DWPose").mkdir()
    for theirs, ours in (("yolox_l.onnx", "detector.onnx"), ("dw-ll_ucoco_384.onnx", "pose.onnx")):
        (folder / "DWPose" / theirs).write_bytes((family / "dwpose" / ours).read_bytes())
    return folder


def small() -> Sizes:
    return Sizes(unet=small_unet(), guider={**SMALL_GUIDER}, resolution=64)


@pytest.mark.parametrize("network", ["denoising_unet", "reference_unet", "pose_guider"])
def test_the_published_inventory_is_what_is_asked_for(network: str) -> None:
    wanted = dict(unet_shapes(UNET) if network != "pose_guider" else _shapes(empty_guider(GUIDER)))
    if network == "reference_unet":
        wanted = {key: shape for key, shape in wanted.items() if key not in UNUSED_BY_REFERENCE}
    assert wanted == inventory(network)
    taken = compare(without_storage(inventory(network)), wanted, of=network, known_extras=_none)
    assert taken.keys() == wanted.keys()


def test_what_was_published_becomes_a_family_that_draws_the_same(published: Path, family: Path, tmp_path: Path) -> None:
    made = tmp_path / "made"
    files = convert(published, made, name="small", licence="Apache-2.0", sizes=small())
    loaded = load_family(made)
    assert (loaded.name, loaded.licence, sorted(loaded.files)) == ("small", "Apache-2.0", files)
    assert damaged_files(loaded) == []
    assert not [path for path in made.rglob("*") if path.suffix in (".pth", ".bin")]
    before, after = (
        TransferEngine(load_networks(folder, device_name="cpu"), cache_bytes=0) for folder in (family, made)
    )
    assert draw(after, spec(steps=2), 1).tobytes() == draw(before, spec(steps=2), 1).tobytes()
    with pytest.raises(InvalidInput, match="already"):
        convert(published, made, name="small", licence="Apache-2.0", sizes=small())


def test_it_is_added_to_a_family_that_is_there(published: Path, tmp_path: Path) -> None:
    made = tmp_path / "made"
    made.mkdir()
    theirs = {"name": "sd", "licence": "L", "resolution": 64, "size_step": 8, "files": {"unet/config.json": "0" * 64}}
    (made / "manifest.json").write_text(json.dumps(theirs))
    files = convert(published, made, name="small", licence="other", sizes=small())
    assert "unet/config.json" in files
    assert (load_family(made).name, load_family(made).licence) == ("sd", "L")


@pytest.mark.parametrize(
    ("file", "change", "told"),
    [
        ("denoising_unet", {"conv_in.weight": None}, "1 missing: conv_in.weight"),
        ("denoising_unet", {"conv_in.extra": torch.rand(2)}, "1 unknown: conv_in.extra"),
        ("reference_unet", {"conv_in.bias": torch.rand(7)}, "1 of another shape: conv_in.bias"),
        ("pose_guider", {"conv_in.bias": torch.ones(4, dtype=torch.int64)}, "1 not floating point: conv_in.bias"),
        ("denoising_unet", {MOTION: torch.ones(2, 2)}, "1 motion layers that are not zero"),
    ],
)
def test_other_tensors_are_listed_and_refused_and_nothing_is_written(
    published: Path, tmp_path: Path, file: str, change: dict[str, Tensor | None], told: str
) -> None:
    path = published / f"{file}.pth"
    tensors = {**torch.load(path, weights_only=True), **change}
    torch.save({key: tensor for key, tensor in tensors.items() if tensor is not None}, path)
    with pytest.raises(InvalidInput, match=told):
        convert(published, tmp_path / "made", name="small", licence="L", sizes=small())
    assert [path for path in (tmp_path / "made").rglob("*") if path.is_file()] == []


def test_what_is_known_to_be_superfluous_is_left_out(published: Path, tmp_path: Path) -> None:
    for file, extra in (
        ("denoising_unet", {MOTION: torch.zeros(2, 2)}),
        ("reference_unet", {"conv_out.bias": torch.rand(4)}),
    ):
        path = published / f"{file}.pth"
        torch.save({**torch.load(path, weights_only=True), **extra}, path)
    convert(published, tmp_path / "made", name="small", licence="L", sizes=small())
    written = load_file(tmp_path / "made/animate_anyone/denoising_unet/diffusion_pytorch_model.safetensors")
    assert MOTION not in written


def test_the_published_motion_keys_are_known(published: Path) -> None:
    shapes = inventory("denoising_unet_with_motion")
    tensors = {key: torch.zeros(1).expand(shape) for key, shape in shapes.items()}
    assert denoiser_tensors(tensors, inventory("denoising_unet"), of="x").keys() == inventory("denoising_unet").keys()


class Harm:
    """What a hostile pickle would run."""

    def __reduce__(self) -> tuple[Any, ...]:
        return (Path("/tmp/harm").touch, ())  # noqa: S108 (must never be there)


@pytest.mark.parametrize("content", [{"a": Harm()}, {"a": 1}, [1], "text"])
def test_a_pickle_of_anything_but_tensors_is_refused_and_never_run(tmp_path: Path, content: Any) -> None:
    torch.save(content, tmp_path / "x.pth")
    with pytest.raises(InvalidInput) as told:
        read_tensors(tmp_path / "x.pth")
    assert told.value.reason == "NOT_TENSORS"
    assert not Path("/tmp/harm").exists()  # noqa: S108


def test_a_missing_or_damaged_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match=r"x\.pth"):
        read_tensors(tmp_path / "x.pth")
    (tmp_path / "x.pth").write_bytes(b"PK damaged")
    with pytest.raises(InvalidInput):
        read_tensors(tmp_path / "x.pth")


@pytest.mark.slow  # another process, which loads everything
def test_oma_says_why_a_folder_cannot_be_converted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["models", "convert", "animate-anyone", str(tmp_path), "--licence", "L", "--to", str(tmp_path / "made")]
    assert run(command) == Exit.REFUSED
    assert "denoising_unet.pth" in capsys.readouterr().err
