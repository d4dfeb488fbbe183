"""What a mesh on one machine is made of: each process, its settings, and what must be up before it."""

import os
import sys
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from services.cli.mesh.probes import grpc_serves, http_serves
from services.common.identity.keys import SIGNING_FILE, TRUSTED_FOLDER

Probe = Callable[[str], Awaitable[bool]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """One process to keep running.

    `probe` asks the process at `address` whether it is ready; without one, running is enough.
    """

    name: str
    arguments: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)
    address: str | None = None
    probe: Probe | None = None
    after: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class MeshPlace:
    """Where one mesh lives. `ports` are those of the four model services, by name."""

    root: Path
    data_folder: Path
    http_port: int
    ports: Mapping[str, int]
    family: Path


MODEL_SERVICES = {
    "style-train": "services.style_train",
    "background": "services.background",
    "pose-estimation": "services.pose.estimation",
    "pose-transfer": "services.pose.transfer",
}
_DRAWS = ("style-train-worker", "background", "pose-transfer")
_MOST_USEFUL_THREADS = 8


def keys_folder(data_folder: Path) -> Path:
    """Where the keys of owner assertions lie; made anew whenever a mesh starts."""
    return data_folder / "keys"


def mesh_programs(place: MeshPlace) -> list[Program]:
    """The seven processes of a mesh, in the order that they start."""
    family = {"FAMILY": str(place.family)}
    style = {"DATABASE_URL": _sqlite(place, "style_train.db"), **family}
    # One machine, short trainings: a worker that was killed is back at once, and its place should be near.
    lively = {"LEASE_SECONDS": "12", "HEARTBEAT_SECONDS": "1", "CHECKPOINT_SECONDS": "8"}
    gateway = _gateway_settings(place)
    return [
        *(_model_service(place, name, style if name == "style-train" else family) for name in MODEL_SERVICES),
        Program(
            name="gateway",
            arguments=_module("services.gateway"),
            environment=_environment(place, "gateway", "OMA_GATEWAY_", gateway),
            address=f"127.0.0.1:{place.http_port}",
            probe=http_serves,
        ),
        # The workers wait: whoever comes first migrates the database that they share.
        Program(
            name="style-train-worker",
            arguments=_module("services.style_train.worker"),
            environment=_environment(place, "style-train-worker", "OMA_STYLE_TRAIN_", style | lively),
            after=("style-train",),
        ),
        Program(
            name="gateway-worker",
            arguments=_module("services.gateway.worker"),
            environment=_environment(place, "gateway-worker", "OMA_GATEWAY_", gateway),
            after=("gateway",),
        ),
    ]


def _model_service(place: MeshPlace, name: str, settings: Mapping[str, str]) -> Program:
    address = f"127.0.0.1:{place.ports[name]}"
    server = {
        "SERVER__ADDRESS": address,
        "SERVER__SHUTDOWN_GRACE_SECONDS": "5",
        "SERVER__TRUSTED_KEYS": str(keys_folder(place.data_folder) / TRUSTED_FOLDER),
    }
    return Program(
        name=name,
        arguments=_module(MODEL_SERVICES[name]),
        environment=_environment(place, name, f"OMA_{_variable(name)}_", {**settings, **server}),
        address=address,
        probe=grpc_serves,
    )


def _gateway_settings(place: MeshPlace) -> dict[str, str]:
    return {
        "DATABASE_URL": _sqlite(place, "gateway.db"),
        "FAMILY": str(place.family),
        "HTTP_ADDRESS": f"127.0.0.1:{place.http_port}",
        "WEB_FOLDER": str(place.root / "web" / "dist"),
        "LINK_SECRET_FILE": str(place.data_folder / "link_secret"),
        "SIGNING_KEY_FILE": str(keys_folder(place.data_folder) / SIGNING_FILE),
        **{f"{_variable(name)}_ADDRESS": f"127.0.0.1:{place.ports[name]}" for name in MODEL_SERVICES},
    }


def _module(name: str) -> tuple[str, ...]:
    return (sys.executable, "-m", name)


def _variable(name: str) -> str:
    return name.upper().replace("-", "_")


def _sqlite(place: MeshPlace, name: str) -> str:
    return f"sqlite:///{place.data_folder / name}"


def _environment(place: MeshPlace, name: str, prefix: str, settings: Mapping[str, str]) -> dict[str, str]:
    """What one process is told. A variable that the caller has set wins, except those that hold the mesh together."""
    threads = min(os.cpu_count() or 1, _MOST_USEFUL_THREADS) if name in _DRAWS else 1
    gentle = {
        "OMP_NUM_THREADS": str(threads),
        "OMP_WAIT_POLICY": "PASSIVE",  # processes that share the cores must not spin on them
        "TOKENIZERS_PARALLELISM": "false",
        "HF_HUB_OFFLINE": "1",  # weights are files here; nothing is fetched while drawing
        "PYTHONUNBUFFERED": "1",
    }
    firm = {prefix + key: value for key, value in settings.items()}
    firm[f"{prefix}ARTIFACTS__FOLDER"] = str(place.data_folder / "artifacts")
    return {**gentle, **os.environ, **firm}
