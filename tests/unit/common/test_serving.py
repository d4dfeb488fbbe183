import pytest

from services.common.serving import ServerSettings, refuse_open_plaintext


@pytest.mark.parametrize("address", ["127.0.0.1:0", "[::1]:50051", "localhost:50051"])
def test_loopback_needs_no_tls(address: str) -> None:
    refuse_open_plaintext(ServerSettings(address=address))


@pytest.mark.parametrize("address", ["0.0.0.0:50051", "[::]:50051", "10.0.0.7:50051", "pose:50051"])
def test_an_open_address_without_tls_is_refused_unless_allowed(address: str) -> None:
    with pytest.raises(ValueError, match="allow_plaintext"):
        refuse_open_plaintext(ServerSettings(address=address))
    refuse_open_plaintext(ServerSettings(address=address, allow_plaintext=True))
