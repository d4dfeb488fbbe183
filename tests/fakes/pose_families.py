"""A random family for the pose services: real modules and real ONNX graphs, small sizes, weights that mean nothing."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from diffusers import DDIMScheduler, UNet2DConditionModel
from diffusers.models.controlnets.controlnet import ControlNetConditioningEmbedding
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from safetensors.torch import save_file
from transformers import CLIPVisionConfig, CLIPVisionModelWithProjection

from services.pose.estimation.detection import anchor_grid
from tests.fakes.families import SIZE_STEP, build_vae, write_manifest

KEYPOINTS = 133
CONTEXT = 16
CHANNELS = (16, 32)
GUIDER = {"conditioning_channels": 3, "block_out_channels": (4, 8, 8, 16), "conditioning_embedding_channels": 16}


def build_pose_family(folder: Path, *, seed: int = 0, resolution: int = 64) -> Path:
    """Write a family with all that pose estimation and pose transfer need; VAE factor 8."""
    torch.manual_seed(seed)
    write_dwpose(folder / "dwpose")
    write_animate_anyone(folder / "animate_anyone")
    build_vae().save_pretrained(folder / "vae")
    write_manifest(folder, resolution=resolution, size_step=SIZE_STEP)
    return folder


def build_pose_unet() -> UNet2DConditionModel:
    return UNet2DConditionModel(
        sample_size=8,
        block_out_channels=CHANNELS,
        layers_per_block=1,
        down_block_types=("CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "CrossAttnUpBlock2D"),
        cross_attention_dim=CONTEXT,
        attention_head_dim=4,
        norm_num_groups=4,
    )


def write_animate_anyone(folder: Path) -> None:
    build_pose_unet().save_pretrained(folder / "denoising_unet")
    build_pose_unet().save_pretrained(folder / "reference_unet")
    guider = ControlNetConditioningEmbedding(**GUIDER)
    torch.nn.init.normal_(guider.conv_out.weight, std=0.1)  # zero at construction, so no pose would reach the picture
    (folder / "pose_guider").mkdir(parents=True)
    (folder / "pose_guider" / "config.json").write_text(json.dumps(GUIDER), encoding="utf-8")
    save_file(guider.state_dict(), folder / "pose_guider" / "diffusion_pytorch_model.safetensors")
    encoder = CLIPVisionConfig(
        hidden_size=16,
        intermediate_size=32,
        num_hidden_layers=1,
        num_attention_heads=2,
        image_size=32,
        patch_size=16,
        projection_dim=CONTEXT,
    )
    CLIPVisionModelWithProjection(encoder).save_pretrained(folder / "image_encoder")
    scheduler = DDIMScheduler(
        beta_start=0.00085,
        beta_end=0.012,
        beta_schedule="linear",
        clip_sample=False,
        steps_offset=1,
        prediction_type="v_prediction",
        timestep_spacing="trailing",
        rescale_betas_zero_snr=True,
    )
    scheduler.save_pretrained(folder / "scheduler")


def write_dwpose(folder: Path, *, side: int = 64, crop_wh: tuple[int, int] = (24, 32)) -> None:
    """The two ONNX files. The detector finds one person, in the middle, in dark pictures and nobody in bright ones."""
    folder.mkdir(parents=True, exist_ok=True)
    onnx.save(detector_graph(side), str(folder / "detector.onnx"))
    onnx.save(points_graph(crop_wh), str(folder / "pose.onnx"))


def detector_graph(side: int) -> onnx.ModelProto:
    """(1, 3, side, side) → (1, A, 85): one anchor's objectness is the darkness of the picture."""
    raw_1AR = np.zeros((1, len(anchor_grid(side)), 85), np.float32)
    middle = int(np.flatnonzero((anchor_grid(side) == [side // 64, side // 64, 32]).all(axis=1))[0])
    raw_1AR[0, middle, 5] = 1.0
    share_1AR = np.zeros_like(raw_1AR)
    share_1AR[0, middle, 4] = 1.0
    nodes = [
        helper.make_node("ReduceMean", ["images", "axes"], ["mean"], keepdims=0),
        helper.make_node("Sub", ["grey", "mean"], ["darker"]),
        helper.make_node("Div", ["darker", "grey"], ["relative"]),
        helper.make_node("Max", ["relative", "zero"], ["darkness"]),
        helper.make_node("Mul", ["share", "darkness"], ["objectness"]),
        helper.make_node("Add", ["raw", "objectness"], ["output"]),
    ]
    constants: dict[str, NDArray[Any]] = {
        "axes": np.array([0, 1, 2, 3], np.int64),
        "grey": np.array(114, np.float32),
        "zero": np.array(0, np.float32),
        "share": share_1AR,
        "raw": raw_1AR,
    }
    return _model(nodes, constants, {"images": [1, 3, side, side]}, {"output": list(raw_1AR.shape)})


def points_graph(crop_wh: tuple[int, int]) -> onnx.ModelProto:
    """(N, 3, H, W) → bins of x and of y: a random linear map of the crop's mean colour."""
    width, height = crop_wh
    rng = np.random.default_rng(0)
    constants: dict[str, NDArray[Any]] = {"axes": np.array([2, 3], np.int64)}
    nodes = [helper.make_node("ReduceMean", ["input", "axes"], ["colour"], keepdims=0)]
    outputs = {"simcc_x": 2 * width, "simcc_y": 2 * height}
    for name, bins in outputs.items():
        constants[f"{name}_weight"] = rng.normal(0, 0.1, (3, KEYPOINTS * bins)).astype(np.float32)
        constants[f"{name}_bias"] = rng.uniform(0, 0.8, KEYPOINTS * bins).astype(np.float32)
        constants[f"{name}_shape"] = np.array([-1, KEYPOINTS, bins], np.int64)
        nodes += [
            helper.make_node("MatMul", ["colour", f"{name}_weight"], [f"{name}_mapped"]),
            helper.make_node("Add", [f"{name}_mapped", f"{name}_bias"], [f"{name}_flat"]),
            helper.make_node("Reshape", [f"{name}_flat", f"{name}_shape"], [name]),
        ]
    shapes: dict[str, list[int | str]] = {name: ["N", KEYPOINTS, bins] for name, bins in outputs.items()}
    return _model(nodes, constants, {"input": ["N", 3, height, width]}, shapes)


def _model(
    nodes: list[onnx.NodeProto],
    constants: dict[str, NDArray[Any]],
    inputs: dict[str, list[int | str]],
    outputs: dict[str, list[int | str]],
) -> onnx.ModelProto:
    graph = helper.make_graph(
        nodes,
        "random",
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in inputs.items()],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in outputs.items()],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
