"""Owner assertions: short-lived signed statements that a call to one service acts for one owner.

An assertion is a JSON Web Token signed with Ed25519. Its claims: `iss` who signed, `sub` the owner, `aud` the full
name of the one service that it is for, `iat` and `exp` at most two minutes apart.
"""

import time
from collections.abc import Callable, Mapping

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from services.common.artifacts import check_owner
from services.common.errors import InvalidInput, Unauthenticated
from services.common.identity.keys import GATEWAY, TrustedKey, key_id

METADATA_KEY = "oma-owner-assertion"
LIFETIME_SECONDS = 90
LONGEST_LIFETIME_SECONDS = 120
CLOCK_SKEW_SECONDS = 10
_ALGORITHM, _TYPE = "EdDSA", "oma-owner+jwt"
_CLAIMS = ["iss", "sub", "aud", "iat", "exp"]


class Signer:
    """Makes assertions. Who holds the key can act for every owner."""

    def __init__(
        self, key: Callable[[], Ed25519PrivateKey], *, issuer: str = GATEWAY, clock: Callable[[], float] = time.time
    ) -> None:
        self._key = key
        self._issuer = issuer
        self._clock = clock

    def sign(self, owner: str, *, audience: str, lifetime_seconds: int = LIFETIME_SECONDS) -> str:
        """An assertion that a call to the service `audience` acts for `owner`."""
        now, key = int(self._clock()), self._key()
        claims = {"iss": self._issuer, "sub": check_owner(owner), "aud": audience}
        times = {"iat": now, "exp": now + lifetime_seconds}
        headers = {"kid": key_id(key.public_key()), "typ": _TYPE}
        return jwt.encode({**claims, **times}, key, algorithm=_ALGORITHM, headers=headers)


class Verifier:
    """Reads assertions, and believes those that a trusted key signed."""

    def __init__(self, keys: Callable[[], Mapping[str, TrustedKey]]) -> None:
        self._keys = keys

    def owner_of(self, assertion: str, *, audience: str) -> str:
        """The owner that a call to the service `audience` acts for.

        Raises:
            Unauthenticated: no assertion, or one that is not to be believed here and now; the reason says why.
        """
        if not assertion:
            raise Unauthenticated("the call carries no owner assertion", reason="ASSERTION_MISSING")
        try:
            return self._read(assertion, audience)
        except jwt.ExpiredSignatureError as error:
            raise Unauthenticated("the owner assertion has expired", reason="ASSERTION_EXPIRED") from error
        except jwt.InvalidAudienceError as error:
            raise Unauthenticated(f"the assertion is not for {audience}", reason="ASSERTION_AUDIENCE") from error
        except jwt.InvalidSignatureError as error:
            raise Unauthenticated("no trusted key signed the assertion", reason="ASSERTION_FORGED") from error
        except (jwt.InvalidTokenError, InvalidInput) as error:
            raise Unauthenticated("not an owner assertion", reason="ASSERTION_MALFORMED") from error

    def _read(self, assertion: str, audience: str) -> str:
        header = jwt.get_unverified_header(assertion)
        key = self._keys().get(str(header.get("kid")))
        if key is None:
            raise jwt.InvalidSignatureError
        claims = jwt.decode(
            assertion,
            key.public_key,
            algorithms=[_ALGORITHM],
            audience=audience,
            issuer=key.issuer,
            leeway=CLOCK_SKEW_SECONDS,
            options={"require": _CLAIMS, "strict_aud": True},
        )
        if header.get("typ") != _TYPE or claims["exp"] - claims["iat"] > LONGEST_LIFETIME_SECONDS:
            raise jwt.InvalidTokenError
        return check_owner(claims["sub"])
