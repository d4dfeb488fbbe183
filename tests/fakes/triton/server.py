"""A real Triton for tests: the server of the nvidia-pytriton package, on loopback and free ports, ended by process id.

The package has the Python backend only; `model.py` runs the networks inside it. Everything else is the repository
that the stock image gets.
"""

import os
import shutil
import signal
import subprocess
import sys
import sysconfig
import time
import urllib.error
import urllib.request
from pathlib import Path

from services.pose.estimation.triton_repository import MODELS, Model, Placement, write_repository
from tests.fakes.postgres import free_port

SITE = Path(__file__).parents[3] / ".venv-triton"
START_SECONDS = 60
_STOP_SECONDS = 20
_HERE = Path(__file__).parent


class Triton:
    """Started by the constructor, which returns when the server is ready."""

    def __init__(
        self,
        folder: Path,
        family: Path,
        *,
        models: tuple[Model, ...] = MODELS,
        delay_seconds: float = 0.0,
        traces_to: str | None = None,
    ) -> None:
        self.grpc_port, self._http_port, self._metrics_port = free_port(), free_port(), free_port()
        self.address = f"127.0.0.1:{self.grpc_port}"
        self.family = family
        self._folder = folder
        self._delay_seconds = delay_seconds
        self._tracing = tracing(traces_to) if traces_to else []
        self._backends = _make_backends(folder / "backends")
        self._repository = folder / "repository"
        for model in write_repository(family, self._repository, Placement(backend="python", gpu=False), models):
            shutil.copyfile(_HERE / "model.py", model / "1" / "model.py")
        self.start()

    def start(self) -> None:
        """Return when the server is ready."""
        command = [
            str(SITE / "pytriton/tritonserver/bin/tritonserver"), f"--model-repository={self._repository}",
            f"--backend-directory={self._backends}", "--http-address=127.0.0.1", f"--http-port={self._http_port}",
            "--grpc-address=127.0.0.1", f"--grpc-port={self.grpc_port}", "--metrics-address=127.0.0.1",
            f"--metrics-port={self._metrics_port}", "--exit-timeout-secs=5",
            *self._tracing,
        ]  # fmt: skip
        libraries = f"{sysconfig.get_config_var('LIBDIR')}:{SITE}/nvidia_pytriton.libs"
        environment = {
            **os.environ,
            "LD_LIBRARY_PATH": libraries,
            "TRITON_SITE": str(SITE),
            "TRITON_TEST_DELAY_SECONDS": str(self._delay_seconds),
        }
        with (self._folder / "log").open("ab") as log:
            # A session of its own: a model's process can outlive a server that was killed, so the group is ended.
            self._process = subprocess.Popen(
                command, stdout=log, stderr=log, env=environment, cwd=self._folder, start_new_session=True
            )
        deadline = time.monotonic() + START_SECONDS
        while not self._is_ready():
            if time.monotonic() > deadline or self._process.poll() is not None:
                raise RuntimeError((self._folder / "log").read_text(encoding="utf-8", errors="replace")[-4000:])
            time.sleep(0.05)

    def kill(self) -> None:
        """End it as a crash does."""
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def stop(self) -> None:
        """End it and its models' processes, however it is."""
        if self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        try:
            os.killpg(self._process.pid, signal.SIGKILL)
        except ProcessLookupError:
            return

    def counts(self, metric: str) -> dict[str, float]:
        """A metric by its labels, such as `nv_inference_exec_count`."""
        url = f"http://127.0.0.1:{self._metrics_port}/metrics"
        with urllib.request.urlopen(url, timeout=10) as answer:
            lines = [line for line in answer.read().decode().splitlines() if line.startswith(metric + "{")]
        return {line.rpartition(" ")[0].removeprefix(metric): float(line.rpartition(" ")[2]) for line in lines}

    def _is_ready(self) -> bool:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self._http_port}/v2/health/ready", timeout=2) as answer:
                return bool(answer.status == 200)
        except (urllib.error.URLError, OSError):
            return False


def tracing(address: str) -> list[str]:
    """Arguments by which every request is traced to an OTLP address (HTTP), under the trace of its caller."""
    exporter = {"url": address, "resource": "service.name=triton", "bsp_schedule_delay": "100"}
    common = ["mode=opentelemetry", "level=TIMESTAMPS", "rate=1", "count=-1"]
    settings = common + [f"opentelemetry,{name}={value}" for name, value in exporter.items()]
    return [f"--trace-config={setting}" for setting in settings]


def missing() -> str | None:
    """Why no Triton can be started here; nothing if one can."""
    if not (SITE / "pytriton").is_dir():
        return "no Triton on this system: it is for Linux on x86-64, and scripts/setup.sh installs it there"
    if not _stub().is_file():
        return f"this Triton has no Python backend for Python {sys.version_info[0]}.{sys.version_info[1]}"
    if not any(Path(sysconfig.get_config_var("LIBDIR") or "/").glob("libpython3*.so*")):
        return "this Python has no shared library, which Triton's Python backend needs"
    return None


def _stub() -> Path:
    version = f"{sys.version_info[0]}.{sys.version_info[1]}"
    return SITE / "pytriton/tritonserver/python_backend_stubs" / version / "triton_python_backend_stub"


def _make_backends(folder: Path) -> Path:
    python = folder / "python"
    shutil.copytree(SITE / "pytriton/tritonserver/backends/python", python)
    shutil.copyfile(_stub(), python / "triton_python_backend_stub")
    (python / "triton_python_backend_stub").chmod(0o755)
    return folder
