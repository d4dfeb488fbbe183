"""What stands before every RPC of ours: nobody's work is read or written before it has let the call in."""

from collections.abc import Collection, Sequence
from typing import Any, Protocol

from services.common.artifacts import check_owner
from services.common.errors import Forbidden
from services.common.identity.assertions import METADATA_KEY, Verifier


class Gate(Protocol):
    """Lets calls in."""

    def admit(self, context: Any, method: str, request: Any) -> str:
        """The owner that the call acts for.

        Args:
            context: the call's, as gRPC gives it.
            method: "/package.Service/Method".
            request: its message.

        Raises:
            Unauthenticated: who calls is not known.
            Forbidden: who calls is known, but may not do this.
            InvalidInput: the request names no possible owner.
        """


class OwnerGate:
    """Asks for an owner assertion that is for the called service, and for the owner that the request names.

    That other names in a request, of jobs, styles and artifacts, belong to that owner is for the service to check:
    to anybody else they do not exist.
    """

    def __init__(self, verifier: Verifier) -> None:
        self._verifier = verifier

    def admit(self, context: Any, method: str, request: Any) -> str:
        service = method.split("/")[1]
        owner = self._verifier.owner_of(_assertion(context.invocation_metadata() or ()), audience=service)
        if check_owner(getattr(request, "owner", owner)) != owner:
            raise Forbidden("the assertion is another owner's than the request's", reason="OWNER_DIFFERS")
        return owner


class CallerGate:
    """Lets in the callers that the service names, by the names in their certificates.

    Whom they may act for is asked `within`: a valid certificate alone opens nobody's work.
    """

    def __init__(self, allowed: Collection[str], within: Gate) -> None:
        self._allowed = frozenset(allowed)
        self._within = within

    def admit(self, context: Any, method: str, request: Any) -> str:
        names = {name.decode() for name in context.auth_context().get("x509_subject_alternative_name", ())}
        if not names & self._allowed:
            known = ", ".join(sorted(names)) or "a caller without a name"
            raise Forbidden(f"{known} is not among this service's callers", reason="CALLER_NOT_ALLOWED")
        return self._within.admit(context, method, request)


def _assertion(metadata: Sequence[tuple[str, str | bytes]]) -> str:
    """The one assertion of a call; two are as good as none."""
    found = [value for key, value in metadata if key == METADATA_KEY]
    return found[0] if len(found) == 1 and isinstance(found[0], str) else ""
