"""Owner assertions for tests: a key made for this run, a gate that believes it, stubs that sign for their owners."""

from typing import Any, TypeVar, cast

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from services.common.artifacts import check_owner
from services.common.errors import InvalidInput
from services.common.identity.assertions import METADATA_KEY, Signer, Verifier
from services.common.identity.gate import OwnerGate
from services.common.identity.keys import TrustedKey, key_id

KEY = Ed25519PrivateKey.generate()
SIGNER = Signer(lambda: KEY)
TRUSTED = {key_id(KEY.public_key()): TrustedKey(issuer="gateway", public_key=KEY.public_key())}
VERIFIER = Verifier(lambda: TRUSTED)
GATE = OwnerGate(VERIFIER)
SOMEBODY = "somebody"

Stub = TypeVar("Stub")


def assertion(service: str, owner: str = SOMEBODY) -> tuple[str, str]:
    """One entry of a call's metadata."""
    return (METADATA_KEY, SIGNER.sign(owner, audience=service))


def acting_for_owners(stub: Stub) -> Stub:
    """The stub, its every call signed for the owner that the request names; for somebody where it names none."""
    return cast("Stub", _ActingForOwners(stub))


class _ActingForOwners:
    def __init__(self, stub: object) -> None:
        self._stub = stub

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._stub, name)

        def call(request: Any, **options: Any) -> Any:
            file = request.DESCRIPTOR.file
            (service,) = (one.full_name for one in file.services_by_name.values() if name in one.methods_by_name)
            owner = getattr(request, "owner", SOMEBODY)
            try:
                check_owner(owner)
            except InvalidInput:
                owner = SOMEBODY  # the server is to say what is wrong with the request's
            return method(request, **options, metadata=(assertion(service, owner),))

        return call
