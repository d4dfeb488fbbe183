"""Mutual TLS between our processes: certificates from files, and new ones served without a restart."""

from dataclasses import dataclass
from pathlib import Path
from typing import Self

import grpc
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from cryptography.x509 import load_pem_x509_certificates
from pydantic import BaseModel, Field, model_validator

from services.common.watched_files import FromFiles


class TlsSettings(BaseModel):
    """The three files of one process; give all of them or none."""

    certificate: Path | None = Field(
        default=None, description="Certificate chain of this process, as PEM; absent: no TLS."
    )
    private_key: Path | None = Field(default=None, description="Private key of that certificate, as PEM.")
    authorities: Path | None = Field(
        default=None, description="Certificates of the authorities that the other side's must come from, as PEM."
    )

    @model_validator(mode="after")
    def _all_or_none(self) -> Self:
        if len({file is None for file in (self.certificate, self.private_key, self.authorities)}) > 1:
            raise ValueError("TLS needs certificate, private_key and authorities, all three")
        return self


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificates:
    """What one process shows, and whom it believes; PEM."""

    chain: bytes
    private_key: bytes
    authorities: bytes


def open_certificates(settings: TlsSettings, *, look_seconds: float = 1.0) -> FromFiles[Certificates] | None:
    """The certificates as they stand at each call; None without TLS. Until they change it is the same object.

    Raises:
        ValueError: a file is absent or not what it should be, or the key is not the certificate's.
    """
    certificate, private_key, authorities = settings.certificate, settings.private_key, settings.authorities
    if certificate is None or private_key is None or authorities is None:
        return None

    def read() -> Certificates:
        chain, key, roots = certificate.read_bytes(), private_key.read_bytes(), authorities.read_bytes()
        load_pem_x509_certificates(roots)
        shown = load_pem_x509_certificates(chain)[0].public_key()
        if shown != load_pem_private_key(key, password=None).public_key():
            raise ValueError(f"{private_key} is not the key of {certificate}")  # the middle of a rotation
        return Certificates(chain=chain, private_key=key, authorities=roots)

    return FromFiles(lambda: [certificate, private_key, authorities], read, look_seconds=look_seconds)


def server_credentials(certificates: FromFiles[Certificates]) -> grpc.ServerCredentials:
    """For a server that asks every caller for a certificate; each handshake uses the files as they are then."""
    served = [certificates()]

    def configuration(files: Certificates) -> grpc.ServerCertificateConfiguration:
        pairs = [(files.private_key, files.chain)]
        return grpc.ssl_server_certificate_configuration(pairs, root_certificates=files.authorities)

    def fetch() -> grpc.ServerCertificateConfiguration | None:
        newest = certificates()
        if newest is served[0]:
            return None
        served[0] = newest
        return configuration(newest)

    first = configuration(served[0])
    return grpc.dynamic_ssl_server_credentials(
        first,
        fetch,  # type: ignore[arg-type]  # its stub does not know that None means "as before"
        require_client_authentication=True,
    )


def channel_credentials(files: Certificates) -> grpc.ChannelCredentials:
    """For a channel; it goes on with these files whatever becomes of them."""
    return grpc.ssl_channel_credentials(files.authorities, files.private_key, files.chain)
