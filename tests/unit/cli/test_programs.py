"""What the supervisor tells each process is what that process understands."""

from pathlib import Path

import pytest

from services.background.settings import BackgroundSettings
from services.cli.mesh.programs import MODEL_SERVICES, MeshPlace, Program, mesh_programs
from services.common.settings import Settings
from services.gateway.settings import GatewaySettings
from services.pose.estimation.settings import PoseEstimationSettings
from services.pose.transfer.settings import PoseTransferSettings
from services.style_train.settings import StyleTrainSettings

PLACE = MeshPlace(
    root=Path("/opt/oma"),
    data_folder=Path("/srv/oma"),
    http_port=8600,
    ports={name: 20_000 + number for number, name in enumerate(MODEL_SERVICES)},
    family=Path("/opt/oma/models/tiny/weights"),
)
SETTINGS: dict[str, type[Settings]] = {
    "style-train": StyleTrainSettings,
    "style-train-worker": StyleTrainSettings,
    "background": BackgroundSettings,
    "pose-estimation": PoseEstimationSettings,
    "pose-transfer": PoseTransferSettings,
    "gateway": GatewaySettings,
    "gateway-worker": GatewaySettings,
}


def program(name: str) -> Program:
    return next(one for one in mesh_programs(PLACE) if one.name == name)


def test_every_process_of_the_mesh_is_here() -> None:
    assert {one.name for one in mesh_programs(PLACE)} == set(SETTINGS)


@pytest.mark.parametrize("name", SETTINGS)
def test_a_process_reads_the_settings_that_it_is_given(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for key, value in program(name).environment.items():
        monkeypatch.setenv(key, value)
    told = SETTINGS[name]().model_dump()
    assert told["artifacts"]["folder"] == Path("/srv/oma/artifacts")
    assert told["family"] == PLACE.family


@pytest.mark.parametrize("name", MODEL_SERVICES)
def test_the_gateway_calls_each_service_where_it_listens(name: str) -> None:
    variable = name.upper().replace("-", "_")
    listens = program(name).environment[f"OMA_{variable}_SERVER__ADDRESS"]
    for caller in ("gateway", "gateway-worker"):
        assert program(caller).environment[f"OMA_GATEWAY_{variable}_ADDRESS"] == listens == program(name).address


def test_the_processes_that_share_a_database_are_given_the_same_one() -> None:
    for api, worker, key in (
        ("style-train", "style-train-worker", "OMA_STYLE_TRAIN_DATABASE_URL"),
        ("gateway", "gateway-worker", "OMA_GATEWAY_DATABASE_URL"),
    ):
        assert program(api).environment[key] == program(worker).environment[key]
        assert program(worker).after == (api,)


def test_a_variable_of_the_users_own_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    monkeypatch.setenv("OMA_BACKGROUND_SERVER__ADDRESS", "0.0.0.0:1")
    environment = program("background").environment
    assert environment["OMP_NUM_THREADS"] == "3"
    assert environment["OMA_BACKGROUND_SERVER__ADDRESS"] == f"127.0.0.1:{PLACE.ports['background']}"
