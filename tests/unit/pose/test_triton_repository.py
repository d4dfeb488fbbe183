"""The repository that Triton's stock image serves, read back as Triton reads it."""

import subprocess
import sys
from pathlib import Path

import pytest
from google.protobuf import text_format
from tritonclient.grpc.model_config_pb2 import TYPE_FP32, ModelConfig, ModelInstanceGroup, ModelQueuePolicy

from services.common.errors import Conflict, NotReady
from services.pose.estimation.model import Signature
from services.pose.estimation.triton_contract import check_detector, check_pose
from services.pose.estimation.triton_repository import MODELS, Placement, to_config, write_repository

ROOT = Path(__file__).parents[3]
WEIGHTS = ROOT / "models/webtoon_tiny/weights"
DETECTOR, POSE = MODELS


def read(folder: Path) -> ModelConfig:
    return text_format.Parse((folder / "config.pbtxt").read_text(encoding="utf-8"), ModelConfig())


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> dict[str, ModelConfig]:
    """By the command, as an operator does."""
    out = tmp_path_factory.mktemp("triton") / "repository"
    command = [sys.executable, "-m", "services.pose.estimation.triton_repository", str(WEIGHTS), str(out)]
    subprocess.run([*command, "--max-batch", "4"], check=True, cwd=ROOT, timeout=120)
    for model in MODELS:
        assert (out / model.name / "1/model.onnx").read_bytes() == (WEIGHTS / model.file).read_bytes()
    return {folder.name: read(folder) for folder in out.iterdir()}


def test_both_networks_run_on_a_gpu_through_onnxruntime(written: dict[str, ModelConfig]) -> None:
    assert set(written) == {"detector", "pose"}
    for config in written.values():
        assert config.backend == "onnxruntime"
        assert config.default_model_filename == "model.onnx"
        assert [group.kind for group in config.instance_group] == [ModelInstanceGroup.KIND_GPU]


def test_people_share_a_run_and_pictures_do_not(written: dict[str, ModelConfig]) -> None:
    assert written["detector"].max_batch_size == 0
    assert list(written["detector"].input[0].dims) == [1, 3, 640, 640]
    assert written["pose"].max_batch_size == 4
    assert list(written["pose"].input[0].dims) == [3, 384, 288]
    assert written["pose"].dynamic_batching.max_queue_delay_microseconds == 2000


def test_queues_are_bounded_in_length_and_time(written: dict[str, ModelConfig]) -> None:
    for config in written.values():
        policy = config.dynamic_batching.default_queue_policy
        assert 0 < policy.max_queue_size <= 64
        assert 0 < policy.default_timeout_microseconds <= 10_000_000
        assert policy.timeout_action == ModelQueuePolicy.REJECT
        assert policy.allow_timeout_override


def test_every_size_of_batch_is_warmed_up(written: dict[str, ModelConfig]) -> None:
    assert [warm_up.batch_size for warm_up in written["detector"].model_warmup] == [1]
    assert [warm_up.batch_size for warm_up in written["pose"].model_warmup] == [1, 2, 3, 4]
    for config in written.values():
        for warm_up in config.model_warmup:
            (asked,) = warm_up.inputs.values()
            assert list(warm_up.inputs) == [config.input[0].name]
            assert list(asked.dims) == list(config.input[0].dims)
            assert asked.data_type == TYPE_FP32


def test_the_client_agrees_with_what_is_written(written: dict[str, ModelConfig]) -> None:
    assert check_detector(written["detector"]).size_hw == (640, 640)
    pose = check_pose(written["pose"])
    assert (pose.size_hw, pose.most_rows, pose.output_names) == ((384, 288), 4, ("simcc_x", "simcc_y"))


def test_a_network_of_one_person_is_not_batched() -> None:
    one = Signature(inputs=(("input", (1, 3, 32, 24)),), outputs=(("x", (1, 133, 48)), ("y", (1, 133, 64))))
    config = to_config(POSE, one, Placement())
    assert config.max_batch_size == 0
    assert check_pose(config).most_rows == 1


@pytest.mark.parametrize(
    "other",
    [
        Signature(inputs=(), outputs=()),
        Signature(inputs=(("images", (1, 4, 64, 64)),), outputs=(("output", (1, 84, 85)),)),
        Signature(inputs=(("images", (1, 3, 64, 32)),), outputs=(("output", (1, 84, 85)),)),
        Signature(inputs=(("images", (1, 3, 64, 64)),), outputs=(("output", (1, 83, 85)),)),
        Signature(inputs=(("images", (1, 3, 64, 64)),), outputs=(("output", (1, 84, 6)),)),
        Signature(inputs=(("images", (1, 3, -1, -1)),), outputs=(("output", (1, 84, 85)),)),
    ],
)
def test_a_network_with_other_tensors_than_dwposes_detector_is_refused(other: Signature) -> None:
    with pytest.raises(NotReady):
        to_config(DETECTOR, other, Placement())


def test_a_folder_with_something_in_it_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine").touch()
    with pytest.raises(Conflict):
        write_repository(WEIGHTS, tmp_path, Placement())


def test_a_family_without_the_networks_is_said_and_nothing_is_written(tmp_path: Path) -> None:
    with pytest.raises(NotReady):
        write_repository(tmp_path / "empty", tmp_path / "out", Placement())
    assert not (tmp_path / "out").exists()
