"""A family's files: what may lack, and what is refused by name."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from safetensors.torch import load_file, save_file
from torch import Tensor

from services.common.errors import NotReady
from services.pose.estimation.model import load_detector, load_point_network
from services.pose.transfer.model import load_networks
from services.pose.transfer.weights import UNUSED_BY_REFERENCE
from tests.fakes.pose_families import build_pose_family, write_dwpose

WEIGHTS = "diffusion_pytorch_model.safetensors"


@pytest.fixture
def family(tmp_path: Path) -> Path:
    return build_pose_family(tmp_path)


def rewrite(path: Path, change: Callable[[dict[str, Tensor]], object]) -> None:
    tensors = load_file(path)
    change(tensors)
    save_file(tensors, path)


def drop(*keys: str) -> Callable[[dict[str, Tensor]], object]:
    return lambda tensors: [tensors.pop(key) for key in keys]


def refusal(family: Path) -> str:
    with pytest.raises(NotReady) as caught:
        load_networks(family, device_name="cpu")
    return caught.value.reason


def test_the_reference_network_may_lack_its_unused_end(family: Path) -> None:
    rewrite(family / "animate_anyone/reference_unet" / WEIGHTS, drop(*UNUSED_BY_REFERENCE))
    assert load_networks(family, device_name="cpu").latent_factor == 8


def test_the_reference_network_may_lack_nothing_else(family: Path) -> None:
    rewrite(family / "animate_anyone/reference_unet" / WEIGHTS, drop("conv_in.weight"))
    assert refusal(family) == "OTHER_KEYS"


def test_the_denoiser_may_lack_nothing(family: Path) -> None:
    rewrite(family / "animate_anyone/denoising_unet" / WEIGHTS, drop("conv_out.bias"))
    assert refusal(family) == "OTHER_KEYS"


def test_an_unknown_key_is_refused(family: Path) -> None:
    path = family / "animate_anyone/pose_guider" / WEIGHTS
    rewrite(path, lambda tensors: tensors.update(stranger=tensors["conv_in.bias"].clone()))
    assert refusal(family) == "OTHER_KEYS"


def test_a_missing_part_is_named(family: Path) -> None:
    (family / "animate_anyone/pose_guider" / WEIGHTS).unlink()
    assert refusal(family) == "NO_POSE_TRANSFER"


def test_a_damaged_file_is_refused(family: Path) -> None:
    (family / "animate_anyone/denoising_unet" / WEIGHTS).write_bytes(b"damaged")
    assert refusal(family) == "NO_POSE_TRANSFER"


@pytest.mark.parametrize(
    ("field", "value"), [("prediction_type", "epsilon"), ("timestep_spacing", "leading"), ("clip_sample", True)]
)
def test_a_family_trained_for_another_sampler_is_refused(family: Path, field: str, value: object) -> None:
    path = family / "animate_anyone/scheduler/scheduler_config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), field: value}))
    assert refusal(family) == "OTHER_SAMPLER"


def test_a_guider_for_another_autoencoder_is_refused(family: Path) -> None:
    folder = family / "animate_anyone/pose_guider"
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "block_out_channels": [4, 8, 16]}))
    tensors = load_file(folder / WEIGHTS)
    kept = {key: tensor for key, tensor in tensors.items() if not key.startswith(("blocks.4", "blocks.5", "blocks.3"))}
    kept["blocks.3.weight"], kept["blocks.3.bias"] = tensors["blocks.5.weight"], tensors["blocks.5.bias"]
    save_file(kept, folder / WEIGHTS)
    assert refusal(family) == "PARTS_DIFFER"


def test_missing_dwpose_files_are_named(tmp_path: Path) -> None:
    for load in (load_detector, load_point_network):
        with pytest.raises(NotReady) as caught:
            load(tmp_path, threads=1)
        assert caught.value.reason == "NO_DWPOSE"


def test_a_file_that_is_no_network_is_refused(tmp_path: Path) -> None:
    write_dwpose(tmp_path / "dwpose")
    (tmp_path / "dwpose/detector.onnx").write_bytes(b"damaged")
    with pytest.raises(NotReady) as caught:
        load_detector(tmp_path, threads=1)
    assert caught.value.reason == "BAD_ONNX"


def test_networks_of_another_shape_are_refused(tmp_path: Path) -> None:
    write_dwpose(tmp_path / "dwpose")
    detector, points = tmp_path / "dwpose/detector.onnx", tmp_path / "dwpose/pose.onnx"
    detector.write_bytes(points.read_bytes())
    with pytest.raises(NotReady) as caught:
        load_detector(tmp_path, threads=1)
    assert caught.value.reason == "BAD_DETECTOR"
