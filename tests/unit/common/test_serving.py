from pathlib import Path

import pytest

from services.common.identity.certificates import TlsSettings
from services.common.serving import ServerSettings, refuse_open_plaintext


@pytest.mark.parametrize("address", ["127.0.0.1:0", "[::1]:50051", "localhost:50051"])
def test_loopback_needs_no_tls(address: str) -> None:
    refuse_open_plaintext(ServerSettings(address=address))


@pytest.mark.parametrize("address", ["0.0.0.0:50051", "[::]:50051", "10.0.0.7:50051", "pose:50051"])
def test_an_open_address_without_tls_is_refused_unless_allowed(address: str) -> None:
    with pytest.raises(ValueError, match="allow_plaintext"):
        refuse_open_plaintext(ServerSettings(address=address))
    refuse_open_plaintext(ServerSettings(address=address, allow_plaintext=True))


def test_an_open_address_with_certificates_is_not_refused(tmp_path: Path) -> None:
    tls = TlsSettings(certificate=tmp_path / "crt", private_key=tmp_path / "key", authorities=tmp_path / "ca")
    refuse_open_plaintext(ServerSettings(address="0.0.0.0:50051", tls=tls))


def test_plaintext_for_other_machines_is_said_aloud(caplog: pytest.LogCaptureFixture) -> None:
    refuse_open_plaintext(ServerSettings(address="127.0.0.1:50051", allow_plaintext=True))
    assert caplog.records == []
    refuse_open_plaintext(ServerSettings(address="0.0.0.0:50051", allow_plaintext=True))
    assert [record.message for record in caplog.records] == ["without TLS on an address that other machines reach"]
