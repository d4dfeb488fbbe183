"""Commands as a user types them: what they print, and the code they end with."""

import json
import socket
import stat
from pathlib import Path

import pytest

from services.cli.__main__ import run
from services.cli.client import ApiError
from services.cli.credentials import Credentials, load_credentials, save_credentials
from services.cli.failures import Exit, exit_code
from services.cli.mesh.ports import free_ports
from services.common.errors import ServiceError


@pytest.fixture(autouse=True)
def _a_user_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of the machine's own user: no account, no running mesh."""
    for name in ("OMA_TOKEN", "OMA_URL", "OMA_PROJECT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("OMA_CONFIG", str(tmp_path / "config"))
    monkeypatch.setenv("OMA_ROOT", str(tmp_path))


def make_family(root: Path, content: bytes, sha256: str) -> None:
    folder = root / "models/tiny/weights"
    folder.mkdir(parents=True)
    (folder / "unet.safetensors").write_bytes(content)
    manifest = {"name": "tiny", "licence": "Apache-2.0", "resolution": 64, "size_step": 16}
    (folder / "manifest.json").write_text(json.dumps({**manifest, "files": {"unet.safetensors": sha256}}))


SHA256_OF_ABC = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


def test_without_a_token_the_remedy_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["project", "list"]) == Exit.SIGNED_OUT
    assert "oma account sign-up" in capsys.readouterr().err


def test_a_failure_is_json_when_json_was_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["project", "list", "--json"]) == Exit.SIGNED_OUT
    assert json.loads(capsys.readouterr().err)["error"]["reason"] == "NO_TOKEN"


def test_a_gateway_that_is_away_is_told_from_a_refusal(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OMA_URL", f"http://127.0.0.1:{free_ports(1)[0]}")
    assert run(["account", "sign-up", "--email", "a@b.test", "--password", "0123456789", "--name", "A"]) == (
        Exit.UNAVAILABLE
    )
    assert "oma up" in capsys.readouterr().err


def test_a_misspelt_option_ends_with_the_code_for_usage() -> None:
    assert run(["project", "list", "--jsno"]) == Exit.USAGE


def test_no_mesh_is_an_answer_with_a_code_of_its_own(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["status", "--data", str(tmp_path / "var")]) == Exit.NOT_FOUND
    assert run(["down", "--data", str(tmp_path / "var")]) == Exit.DONE
    assert "nothing runs" in capsys.readouterr().out


def test_a_port_that_is_taken_names_the_remedy(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    make_family(tmp_path, b"abc", SHA256_OF_ABC)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        code = run(["up", "--port", port, "--family", "models/tiny/weights", "--data", str(tmp_path / "var")])
    assert code == Exit.UNAVAILABLE
    assert "--port 0" in capsys.readouterr().err


def test_without_a_family_nothing_is_started(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["up", "--port", "0", "--data", str(tmp_path / "var")]) == Exit.REFUSED
    assert "no model family" in capsys.readouterr().err
    assert not (tmp_path / "var").exists()


def test_whole_weights_pass_and_damaged_ones_do_not(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    make_family(tmp_path, b"abc", SHA256_OF_ABC)
    assert run(["models", "list", "--json"]) == Exit.DONE
    assert json.loads(capsys.readouterr().out)[0]["licence"] == "Apache-2.0"
    assert run(["models", "verify"]) == Exit.DONE
    (tmp_path / "models/tiny/weights/unet.safetensors").write_bytes(b"abd")
    capsys.readouterr()
    assert run(["models", "verify", "--json"]) == Exit.DAMAGED
    assert json.loads(capsys.readouterr().out)[0]["damaged"] == ["unet.safetensors"]


def test_only_the_user_reads_the_credentials(tmp_path: Path) -> None:
    path = tmp_path / "config" / "credentials.json"
    kept = Credentials(url="http://gateway.test", email="a@b.test", token="t0k3n")
    save_credentials(path, kept)
    assert load_credentials(path) == kept
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    path.write_text("{broken")
    assert load_credentials(path) is None


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (0, Exit.UNAVAILABLE),
        (400, Exit.REFUSED),
        (401, Exit.SIGNED_OUT),
        (404, Exit.NOT_FOUND),
        (409, Exit.REFUSED),
        (429, Exit.UNAVAILABLE),
        (503, Exit.UNAVAILABLE),
    ],
)
def test_each_kind_of_refusal_has_its_code(status: int, expected: Exit) -> None:
    assert exit_code(ApiError(status, "REASON", "words")) is expected


def test_every_error_of_the_services_has_a_code() -> None:
    kinds = ServiceError.__subclasses__()
    assert len(kinds) >= 9
    for kind in kinds:
        assert exit_code(kind("words", reason="REASON")) in Exit
