"""Who calls: a browser by its session cookie, a program by its bearer token.

Only hashes of secrets are stored. The CSRF token is derived from the session's own secret, which scripts cannot read
in the cookie: only the answer to a sign-in, or to GET /session from our own pages, tells it.
"""

import datetime as dt
import hashlib
import hmac
import secrets
from dataclasses import dataclass

import sqlalchemy as sa
from fastapi import Request
from sqlmodel import Session, col

from services.common.errors import Forbidden, Unauthenticated
from services.gateway.tables import Account, SignIn, Token, utc_now

COOKIE = "oma_session"
SAFE_METHODS = ("GET", "HEAD", "OPTIONS")


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """An account that has proven who it is; `session_token` only when it came by cookie."""

    account: Account
    session_token: str | None

    @property
    def id(self) -> str:
        return self.account.id


def sha256(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def csrf_token(session_token: str) -> str:
    return hmac.digest(session_token.encode(), b"csrf", hashlib.sha256).hex()


def sign_in(db: Session, account_id: str, lifetime: dt.timedelta) -> str:
    """A new session; returns the token for the cookie."""
    token = secrets.token_urlsafe(32)
    stale = sa.delete(SignIn).where(col(SignIn.account_id) == account_id, col(SignIn.expires_at) < utc_now())
    db.connection().execute(stale)
    db.add(SignIn(token_sha256=sha256(token), account_id=account_id, expires_at=utc_now() + lifetime))
    return token


def identify(db: Session, request: Request) -> Caller:
    """The caller of this request.

    Raises:
        Unauthenticated: no valid session or token.
        Forbidden: a session without its CSRF token, or from a page that is not ours.
    """
    scheme, _, bearer = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        found = db.get(Token, sha256(bearer.strip()))
        return _known(db, found.account_id if found else None, None)
    session_token = request.cookies.get(COOKIE, "")
    session = db.get(SignIn, sha256(session_token))
    live = session is not None and session.expires_at > utc_now()
    caller = _known(db, session.account_id if session and live else None, session_token)
    if request.method not in SAFE_METHODS:
        refuse_foreign_page(request)
        if not hmac.compare_digest(
            request.headers.get("x-csrf-token", "").encode(), csrf_token(session_token).encode()
        ):
            raise Forbidden("send the session's csrf_token as X-CSRF-Token", reason="CSRF")
    return caller


def refuse_foreign_page(request: Request) -> None:
    """Forbidden for a request that a browser makes for another site's page."""
    origin = request.headers.get("origin")
    host = request.headers.get("host", "")
    site = request.headers.get("sec-fetch-site", "none")
    if site not in ("none", "same-origin") or (origin is not None and origin.partition("://")[2] != host):
        raise Forbidden("this request comes from another site's page", reason="CROSS_SITE")


def _known(db: Session, account_id: str | None, session_token: str | None) -> Caller:
    account = db.get(Account, account_id) if account_id else None
    if account is None:
        raise Unauthenticated("sign in first", reason="SIGN_IN")
    return Caller(account=account, session_token=session_token)
