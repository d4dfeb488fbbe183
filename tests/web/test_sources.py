"""The web app's own tests, and the contract it was built from."""

import json
import os
import re
import subprocess
from pathlib import Path

import pytest

from services.gateway.app import create_api

ROOT = Path(__file__).parents[2]
WEB = ROOT / "web"
MAX_LINES = 250
# What only an operator's terminal shows.
NOT_ON_THE_WEB = (
    "services/admin/",
    "services/cli/",
    "services/gateway/operator.py",
    "services/pose/estimation/triton_repository.py",
    "services/pose/transfer/original.py",
)


def test_the_committed_contract_is_the_gateways() -> None:
    committed = json.loads((WEB / "openapi.json").read_text(encoding="utf-8"))
    told = json.loads(json.dumps(create_api(None).openapi()))
    assert committed == told, "web/openapi.json is old: `python -m services.gateway.openapi`, then `npm run types`"


@pytest.mark.timeout(300)
def test_the_pages_own_tests_pass() -> None:
    vitest = WEB / "node_modules/.bin/vitest"
    assert vitest.exists(), "the web tools are not installed: run scripts/build_web.sh"
    path = f"{ROOT / '.venv/bin'}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        [vitest, "run"], cwd=WEB, env={**os.environ, "PATH": path}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_no_source_of_the_pages_is_long() -> None:
    sources = [path for suffix in ("ts", "tsx", "css", "json") for path in (WEB / "src").rglob(f"*.{suffix}")]
    written = [path for path in sources if path.name != "schema.d.ts"]
    assert len(written) > 80
    long = [str(path) for path in written if len(path.read_text(encoding="utf-8").splitlines()) > MAX_LINES]
    assert long == []


def test_the_lock_file_names_no_host_of_packages() -> None:
    lock = (WEB / "package-lock.json").read_text(encoding="utf-8")
    assert '"integrity"' in lock
    assert '"resolved"' not in lock


def test_every_reason_that_the_services_give_has_a_text() -> None:
    """In both dictionaries, by itself or through the table of reasons that mean the same to an artist."""
    texts = [
        set(json.loads((WEB / f"src/shared/i18n/{language}/errors.json").read_text(encoding="utf-8")))
        for language in ("ko", "en")
    ]
    table = (WEB / "src/shared/ui/reasons.ts").read_text(encoding="utf-8")
    shared = set(re.findall(r'^\s*"([A-Z_]+)",?$|"([A-Z_]+)"[\],]', table, re.MULTILINE))
    told = {one or other for one, other in shared}
    assert len(told) > 70
    given = {
        reason
        for path in (ROOT / "services").rglob("*.py")
        if not path.relative_to(ROOT).as_posix().startswith(NOT_ON_THE_WEB)
        for reason in re.findall(r'reason="([A-Z_]+)"', path.read_text(encoding="utf-8"))
    }
    assert len(given) > 100
    assert sorted(given - told - texts[0]) == []
    assert sorted(given - told - texts[1]) == []
    targets = set(re.findall(r"^  ([A-Z_]+): \[", table, re.MULTILINE))
    assert sorted(targets - texts[0]) == []
