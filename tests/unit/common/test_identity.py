"""Owner assertions: what is believed, what is refused and in which words, and keys that change while all goes on."""

import base64
import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from services.common.errors import Forbidden, InvalidInput, Unauthenticated
from services.common.identity.assertions import METADATA_KEY, Signer, Verifier
from services.common.identity.gate import OwnerGate
from services.common.identity.keys import TrustedKey, key_id, signing_key, trusted_keys, write_keys
from services.common.watched_files import FromFiles

SERVICE, OTHER_SERVICE = "oma.background.v1.BackgroundService", "oma.style.v1.StyleTrainService"
METHOD = f"/{SERVICE}/GenerateBackground"
KEY = Ed25519PrivateKey.generate()
VERIFIER = Verifier(lambda: {key_id(KEY.public_key()): TrustedKey(issuer="gateway", public_key=KEY.public_key())})


def signed(owner: str = "ann", *, age_seconds: int = 0, key: Ed25519PrivateKey = KEY, **options: Any) -> str:
    signer = Signer(lambda: key, clock=lambda: time.time() - age_seconds)
    return signer.sign(owner, **{"audience": SERVICE, **options})


def claimed(key: Any = KEY, algorithm: str = "EdDSA", typ: str = "oma-owner+jwt", **changes: Any) -> str:
    now = int(time.time())
    claims = {"iss": "gateway", "sub": "ann", "aud": SERVICE, "iat": now, "exp": now + 60, **changes}
    kept = {name: value for name, value in claims.items() if value is not None}
    return jwt.encode(kept, key, algorithm=algorithm, headers={"kid": key_id(KEY.public_key()), "typ": typ})


def with_other_owner(assertion: str) -> str:
    header, claims, signature = assertion.split(".")
    read = json.loads(base64.urlsafe_b64decode(claims + "=="))
    changed = base64.urlsafe_b64encode(json.dumps({**read, "sub": "bob"}).encode()).rstrip(b"=").decode()
    return f"{header}.{changed}.{signature}"


def test_an_assertion_says_for_whom_a_call_acts() -> None:
    assert VERIFIER.owner_of(signed(), audience=SERVICE) == "ann"


def test_clocks_may_differ_a_little() -> None:
    assert VERIFIER.owner_of(signed(age_seconds=-5), audience=SERVICE) == "ann"
    assert VERIFIER.owner_of(signed(age_seconds=95), audience=SERVICE) == "ann"


@pytest.mark.parametrize(
    ("assertion", "reason"),
    [
        (lambda: "", "ASSERTION_MISSING"),
        (lambda: signed(age_seconds=200), "ASSERTION_EXPIRED"),
        (lambda: signed(age_seconds=-60), "ASSERTION_MALFORMED"),  # from the future
        (lambda: signed(audience=OTHER_SERVICE), "ASSERTION_AUDIENCE"),
        (lambda: claimed(aud=[SERVICE, OTHER_SERVICE]), "ASSERTION_AUDIENCE"),
        (lambda: signed(key=Ed25519PrivateKey.generate()), "ASSERTION_FORGED"),
        (lambda: claimed(key=Ed25519PrivateKey.generate()), "ASSERTION_FORGED"),  # another's key under our key's name
        (lambda: with_other_owner(signed()), "ASSERTION_FORGED"),
        (lambda: claimed(key=None, algorithm="none"), "ASSERTION_MALFORMED"),
        (lambda: claimed(key="a shared secret of at least 32 bytes", algorithm="HS256"), "ASSERTION_MALFORMED"),
        (lambda: claimed(exp=int(time.time()) + 3600), "ASSERTION_MALFORMED"),  # long-lived
        (lambda: claimed(exp=None), "ASSERTION_MALFORMED"),
        (lambda: claimed(sub=None), "ASSERTION_MALFORMED"),
        (lambda: claimed(sub="../ann"), "ASSERTION_MALFORMED"),
        (lambda: claimed(iss="somebody"), "ASSERTION_MALFORMED"),
        (lambda: claimed(typ="JWT"), "ASSERTION_MALFORMED"),  # signed with this key, for another purpose
        (lambda: "not.a.token", "ASSERTION_MALFORMED"),
        (lambda: "가.나.다", "ASSERTION_MALFORMED"),
    ],
)
def test_anything_else_is_refused_with_its_reason(assertion: Callable[[], str], reason: str) -> None:
    """Each is made when it is tried: made with the list, it would have expired by then."""
    with pytest.raises(Unauthenticated) as refused:
        VERIFIER.owner_of(assertion(), audience=SERVICE)
    assert refused.value.reason == reason


def call(*assertions: str) -> Any:
    return SimpleNamespace(invocation_metadata=lambda: tuple((METADATA_KEY, one) for one in assertions))


def test_the_owner_of_the_request_is_the_owner_of_the_assertion() -> None:
    gate = OwnerGate(VERIFIER)
    assert gate.admit(call(signed()), METHOD, SimpleNamespace(owner="ann")) == "ann"
    assert gate.admit(call(signed()), METHOD, SimpleNamespace()) == "ann"  # a request without such a field
    with pytest.raises(Forbidden) as refused:
        gate.admit(call(signed()), METHOD, SimpleNamespace(owner="bob"))
    assert refused.value.reason == "OWNER_DIFFERS"
    with pytest.raises(InvalidInput):
        gate.admit(call(signed()), METHOD, SimpleNamespace(owner=""))


def test_two_assertions_are_as_good_as_none() -> None:
    with pytest.raises(Unauthenticated) as refused:
        OwnerGate(VERIFIER).admit(call(signed(), signed("bob")), METHOD, SimpleNamespace(owner="bob"))
    assert refused.value.reason == "ASSERTION_MISSING"


class Clock:
    """Time that a test moves."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_keys_are_their_users_alone_and_one_that_is_not_is_refused(tmp_path: Path) -> None:
    write_keys(tmp_path, KEY)
    assert (tmp_path / "signing.pem").stat().st_mode & 0o777 == 0o600
    assert signing_key(tmp_path / "signing.pem")().private_bytes_raw() == KEY.private_bytes_raw()
    (tmp_path / "signing.pem").chmod(0o644)
    with pytest.raises(ValueError, match="chmod"):
        signing_key(tmp_path / "signing.pem")


def test_a_key_is_rotated_without_a_restart(tmp_path: Path) -> None:
    """The new public key first, then the private one, then the old public key goes."""
    write_keys(tmp_path, KEY)
    folder = tmp_path / "trusted"
    verifier, newer = Verifier(trusted_keys(folder, look_seconds=0)), Ed25519PrivateKey.generate()
    assert verifier.owner_of(signed(), audience=SERVICE) == "ann"
    (folder / "gateway.pem").rename(folder / "gateway.old.pem")
    write_keys(tmp_path, newer)
    assert verifier.owner_of(signed(), audience=SERVICE) == "ann"
    assert verifier.owner_of(signed(key=newer), audience=SERVICE) == "ann"
    (folder / "gateway.old.pem").unlink()
    with pytest.raises(Unauthenticated):
        verifier.owner_of(signed(), audience=SERVICE)
    assert verifier.owner_of(signed(key=newer), audience=SERVICE) == "ann"


def test_a_service_that_trusts_nobody_does_not_start(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no key"):
        trusted_keys(tmp_path)
    (tmp_path / "gateway.pem").write_text("not a key", encoding="utf-8")
    with pytest.raises(ValueError, match="PEM"):
        trusted_keys(tmp_path)


def test_files_are_read_again_only_when_they_changed_and_half_a_change_changes_nothing(tmp_path: Path) -> None:
    file, clock, reads = tmp_path / "value", Clock(), []
    file.write_text("1", encoding="utf-8")

    def read() -> int:
        reads.append(file)
        return int(file.read_text(encoding="utf-8"))

    value = FromFiles(lambda: [file], read, clock=clock)
    for content, expected, expected_reads in (("1", 1, 1), ("", 1, 2), ("22", 22, 3)):
        if content != "1":
            file.write_text(content, encoding="utf-8")
            os.utime(file)
        clock.now += 1.5
        assert (value(), len(reads)) == (expected, expected_reads)
    file.unlink()
    clock.now += 1.5
    assert value() == 22
