"""The figure networks: ONNX contracts, what the shipped weights find, and that the recipes begin as recorded."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch
from numpy.typing import NDArray

from models.webtoon_tiny.detector_data import draw_set as draw_detector_set
from models.webtoon_tiny.detector_network import DetectorNetwork, DetectorNetworkConfig, decoded, grid
from models.webtoon_tiny.export_figures import OPSET, detector_module, export_detector, export_pose, pose_module
from models.webtoon_tiny.figure_quality import correct, iou, read_people, read_points, session
from models.webtoon_tiny.import_figures import resume
from models.webtoon_tiny.pictures.characters import Drawn, draw_character
from models.webtoon_tiny.pictures.characters_looks import POSES, sample_look
from models.webtoon_tiny.pictures.styles import Style
from models.webtoon_tiny.pose_data import draw_set as draw_pose_set
from models.webtoon_tiny.pose_network import MIRROR, PoseNetwork, PoseNetworkConfig, bins_from_cells
from models.webtoon_tiny.train_detector import DetectorTraining, assigned
from models.webtoon_tiny.train_detector import augmented as augmented_pictures
from models.webtoon_tiny.train_detector import train_steps as train_detector_steps
from models.webtoon_tiny.train_pose import MEAN, STD, PoseBatch, PoseTraining, augmented
from models.webtoon_tiny.train_pose import train_steps as train_pose_steps
from models.webtoon_tiny.training import WEIGHTS

DETECTOR, POSE = WEIGHTS / "dwpose" / "detector.onnx", WEIGHTS / "dwpose" / "pose.onnx"
TINY_POSE = PoseNetworkConfig(stem=4, fine=8, middle=8, coarse=8, heat=8)
TINY_DETECTOR = DetectorNetworkConfig(stem=4, fine=8, middle=8, coarse=8, widest=8, pyramid=8)


def held_out_character() -> tuple[NDArray[np.uint8], Drawn]:
    """A whole character on white (640, 480, 3) that no training set holds."""
    look = sample_look(np.random.default_rng(987_654))
    pose = replace(POSES["stand"], view=12.0)
    return draw_character(look, pose, Style(), width=480, height=640, seed=1)


# --- contracts


def test_the_detector_has_yoloxs_contract() -> None:
    run = session(DETECTOR)
    (given,), (returned,) = run.get_inputs(), run.get_outputs()
    assert (given.name, given.shape, given.type) == ("images", [1, 3, 640, 640], "tensor(float)")
    assert (returned.name, returned.shape) == ("output", [1, 8400, 85])
    rows = run.run(None, {"images": np.full((1, 3, 640, 640), 114, np.float32)})[0]
    assert rows.dtype == np.float32
    assert rows[..., 4:].min() >= 0.0
    assert rows[..., 4:].max() <= 1.0
    assert (rows[..., 6:] == 0).all()


def test_the_pose_network_has_dwposes_contract_for_any_number_of_people() -> None:
    run = session(POSE)
    (given,) = run.get_inputs()
    assert (given.name, given.shape[1:], given.type) == ("input", [3, 384, 288], "tensor(float)")
    assert isinstance(given.shape[0], str)
    assert [output.name for output in run.get_outputs()] == ["simcc_x", "simcc_y"]
    crops = np.random.default_rng(0).normal(size=(3, 3, 384, 288)).astype(np.float32)
    together = run.run(None, {"input": crops})
    assert [output.shape for output in together] == [(3, 133, 576), (3, 133, 768)]
    alone = run.run(None, {"input": crops[1:2]})
    assert np.abs(together[0][1] - alone[0][0]).max() < 1e-4


@pytest.mark.parametrize("path", [DETECTOR, POSE])
def test_the_graphs_are_single_files_of_a_widely_taken_opset(path: Path) -> None:
    onnx = pytest.importorskip("onnx")
    model = onnx.load(path, load_external_data=False)
    assert [entry.version for entry in model.opset_import if not entry.domain] == [OPSET]
    assert not any(tensor.external_data for tensor in model.graph.initializer)
    assert path.stat().st_size < 8_000_000


def test_an_exported_graph_computes_what_the_network_does(tmp_path: Path) -> None:
    torch.manual_seed(0)
    network = PoseNetwork(TINY_POSE)
    export_pose(network, tmp_path / "pose.onnx")
    crops = torch.randn(2, 3, 384, 288)
    with torch.inference_mode():
        expected = pose_module(network)(crops)
    run = onnxruntime.InferenceSession(str(tmp_path / "pose.onnx"), providers=["CPUExecutionProvider"])
    for output, wanted in zip(run.run(None, {"input": crops.numpy()}), expected, strict=True):
        assert np.abs(output - wanted.numpy()).max() < 1e-4


# --- outputs


def test_simcc_peaks_at_the_visibility() -> None:
    torch.manual_seed(0)
    module = pose_module(PoseNetwork(TINY_POSE))
    crops = torch.randn(2, 3, 384, 288)
    with torch.inference_mode():
        simcc_x, simcc_y = module(crops)
        _, seen = module.network(crops)
        _, mirrored = module.network(crops.flip(3))
    expected = ((seen + mirrored[:, MIRROR]) / 2).sigmoid()
    assert torch.allclose(simcc_x.amax(dim=-1), expected, atol=1e-6)
    assert torch.allclose(simcc_y.amax(dim=-1), expected, atol=1e-6)


def test_a_mirrored_crop_gives_the_mirrored_answer() -> None:
    torch.manual_seed(0)
    module = pose_module(PoseNetwork(TINY_POSE))
    crops = torch.randn(1, 3, 384, 288)
    with torch.inference_mode():
        simcc_x, simcc_y = module(crops)
        flipped_x, flipped_y = module(crops.flip(3))
    # A bin's position is its left edge, so mirrored bins lie one further.
    assert torch.allclose(flipped_x[:, MIRROR].flip(2)[:, :, :-1], simcc_x[:, :, 1:], atol=1e-4)
    assert torch.allclose(flipped_y[:, MIRROR], simcc_y, atol=1e-4)


def test_bins_find_the_peak_of_a_bell_between_cells() -> None:
    position = 101.3
    log_bell = -0.5 * ((torch.arange(36) * 8 + 4 - position) / 7) ** 2
    assert abs(float((log_bell @ bins_from_cells(36)).argmax()) / 2 - position) <= 0.5


def test_detector_rows_decode_to_the_boxes_they_were_made_from() -> None:
    corners, strides = grid()
    box = torch.tensor([100.0, 50.0, 300.0, 450.0])
    raw = torch.cat([(box[:2] + box[2:]) / 2 / strides - corners, torch.log((box[2:] - box[:2]) / strides)], dim=1)
    assert len(corners) == 8400
    assert torch.allclose(decoded(raw, corners, strides), box.expand(8400, 4), atol=1e-2)


def test_a_box_is_answered_for_at_one_level_around_its_middle() -> None:
    corners, strides = grid()
    owner, ignored = assigned(torch.tensor([[100.0, 50.0, 300.0, 450.0]]), corners, strides, 1.5)
    cells = (owner == 0).nonzero()[:, 0]
    assert len(cells) == 9
    assert set(strides[cells, 0].tolist()) == {32.0}
    assert not bool(ignored[cells].any())


# --- the shipped weights on a held-out character


def test_the_detector_finds_a_held_out_character() -> None:
    picture_HWC, drawn = held_out_character()
    letterbox = np.full((640, 640, 3), 114, np.uint8)
    letterbox[:, :480] = picture_HWC
    images = letterbox[None, ..., ::-1].transpose(0, 3, 1, 2).astype(np.float32)
    boxes, scores = read_people(session(DETECTOR).run(None, {"images": images})[0][0])
    assert len(boxes) == 1
    assert scores[0] > 0.5
    assert iou(boxes[0], drawn.box_4) > 0.6


def test_the_pose_network_finds_a_held_out_characters_joints() -> None:
    picture_HWC, drawn = held_out_character()
    crop_HWC = picture_HWC.reshape(640, 480, 3)[128 * 0 :, :]
    rows, columns = (
        np.linspace(0, 640, 384, endpoint=False).astype(int),
        np.linspace(0, 480, 288, endpoint=False).astype(int),
    )
    crop_HWC = crop_HWC[rows][:, columns]
    inputs = (crop_HWC[None, ..., ::-1] - MEAN.numpy()) / STD.numpy()
    points, scores = read_points(*session(POSE).run(None, {"input": inputs.transpose(0, 3, 1, 2).astype(np.float32)}))
    right = correct(points, drawn.keypoints_K2[None] * 0.6)
    assert right[0, :17].mean() >= 0.8
    assert (scores[0, :17] > 0.3).mean() >= 0.9


# --- recipes


def _pose_losses() -> list[float]:
    torch.manual_seed(0)
    data, rng = draw_pose_set(4, 1), np.random.default_rng(0)

    def supply() -> Iterator[PoseBatch]:
        while True:
            yield augmented(data, np.arange(4), rng)

    return [loss for _, loss in train_pose_steps(PoseNetwork(TINY_POSE), supply(), PoseTraining(steps=4, warmup=1))]


def test_pose_training_replays_its_first_losses_and_learns() -> None:
    losses = _pose_losses()
    assert losses == pytest.approx(_pose_losses(), rel=1e-4)
    assert losses[-1] < losses[0]


def _detector_losses() -> list[float]:
    torch.manual_seed(0)
    data, rng = draw_detector_set(4, 1), np.random.default_rng(0)

    def supply() -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        while True:
            yield augmented_pictures(data, np.arange(4), rng)

    network = DetectorNetwork(TINY_DETECTOR)
    return [loss for _, loss in train_detector_steps(network, supply(), DetectorTraining(steps=4, warmup=1))]


def test_detector_training_replays_its_first_losses_and_learns() -> None:
    losses = _detector_losses()
    assert losses == pytest.approx(_detector_losses(), rel=1e-4)
    assert losses[-1] < losses[0]


def test_an_untrained_detector_is_sure_of_nobody() -> None:
    torch.manual_seed(0)
    module = detector_module(DetectorNetwork(TINY_DETECTOR))
    with torch.inference_mode():
        rows = module(torch.full((1, 3, 640, 640), 114.0))
    assert float((rows[..., 4] * rows[..., 5]).max()) < 0.3


@pytest.mark.parametrize("path", [DETECTOR, POSE])
def test_a_network_read_back_from_its_file_computes_what_the_file_does(path: Path, tmp_path: Path) -> None:
    pytest.importorskip("onnx")
    rng = np.random.default_rng(0)
    given_NCHW = rng.uniform(-2, 2, (1, 3, 640, 640) if path == DETECTOR else (1, 3, 384, 288)).astype(np.float32)
    again = tmp_path / path.name
    if path == DETECTOR:
        detector = DetectorNetwork(DetectorNetworkConfig())
        resume(detector, path, torch.from_numpy(rng.uniform(0, 255, (4, 3, 160, 160)).astype(np.float32)))
        export_detector(detector, again)
    else:
        pose = PoseNetwork(PoseNetworkConfig())
        resume(pose, path, torch.from_numpy(rng.normal(size=(4, 3, 192, 144)).astype(np.float32)), call="from_half")
        export_pose(pose, again)
    before, after = (
        session(file).run(None, {session(file).get_inputs()[0].name: given_NCHW}) for file in (path, again)
    )
    for one, other in zip(before, after, strict=True):
        assert np.abs(one - other).max() < 1e-3


def test_a_network_read_back_is_ready_to_be_trained_on() -> None:
    pytest.importorskip("onnx")
    data = draw_pose_set(4, 1)
    batch = augmented(data, np.arange(4), np.random.default_rng(0))
    network = PoseNetwork(PoseNetworkConfig())
    resume(network, POSE, batch.half_N3HW, call="from_half")
    with torch.inference_mode():
        still, _ = network.eval().from_half(batch.half_N3HW)
        moving, _ = network.train().from_half(batch.half_N3HW)
    assert float((still - moving).abs().mean()) < 0.1 * float(still.std())
