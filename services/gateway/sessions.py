"""Who calls: a browser by its session cookie, a program by its bearer token.

Only hashes of secrets are stored. The CSRF token is derived from the session's own secret, which scripts cannot read
in the cookie: only the answer to a sign-in, or to GET /session from our own pages, tells it.
"""

import datetime as dt
import hashlib
import hmac
import secrets
from dataclasses import dataclass
from urllib.parse import urlsplit

import sqlalchemy as sa
from fastapi import Request, Response
from sqlmodel import Session, col

from services.common.errors import Forbidden, Unauthenticated
from services.gateway.tables import Account, SignIn, Token, utc_now

COOKIE = "oma_session"
SECURE_COOKIE = f"__Host-{COOKIE}"  # a browser takes it over HTTPS only, and from this very host only
SAFE_METHODS = ("GET", "HEAD", "OPTIONS")
LONGEST_RENEWAL_WAIT = dt.timedelta(hours=1)
USER_AGENT_CHARACTERS = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionRules:
    """How long sessions last, and where browsers find us."""

    lifetime: dt.timedelta  # without being used
    longest: dt.timedelta  # however much it is used
    public_url: str = ""

    @property
    def renew_after(self) -> dt.timedelta:
        return min(LONGEST_RENEWAL_WAIT, self.lifetime / 10)

    def is_secure(self, request: Request) -> bool:
        return self.public_url.startswith("https://") or request.url.scheme == "https"

    def cookie(self, request: Request) -> str:
        return SECURE_COOKIE if self.is_secure(request) else COOKIE

    def set_cookie(self, request: Request, response: Response, token: str) -> None:
        response.set_cookie(
            self.cookie(request),
            token,
            max_age=round(self.lifetime.total_seconds()),
            path="/",
            httponly=True,
            samesite="lax",
            secure=self.is_secure(request),
        )

    def forget_cookie(self, request: Request, response: Response) -> None:
        response.delete_cookie(self.cookie(request), path="/", secure=self.is_secure(request), httponly=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """An account that has proven who it is; `session_token` only when it came by cookie."""

    account: Account
    session_token: str | None
    session_ends_at: dt.datetime | None = None  # only when it came by cookie
    renewed: bool = False  # the session's end has moved, and the browser is to be told

    @property
    def id(self) -> str:
        return self.account.id


def sha256(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def csrf_token(session_token: str) -> str:
    return hmac.digest(session_token.encode(), b"csrf", hashlib.sha256).hex()


def sign_in(db: Session, account_id: str, lifetime: dt.timedelta, user_agent: str) -> tuple[str, dt.datetime]:
    """A new session: the token for the cookie, and when it ends if it is not used."""
    token = secrets.token_urlsafe(32)
    stale = sa.delete(SignIn).where(col(SignIn.account_id) == account_id, col(SignIn.expires_at) < utc_now())
    db.connection().execute(stale)
    plain = "".join(character for character in user_agent if character.isprintable())[:USER_AGENT_CHARACTERS]
    expires_at = utc_now() + lifetime
    db.add(SignIn(token_sha256=sha256(token), account_id=account_id, expires_at=expires_at, user_agent=plain))
    return token, expires_at


def identify(db: Session, request: Request, rules: SessionRules) -> Caller:
    """The caller of this request. Commits what using a session or a token changes.

    Raises:
        Unauthenticated: no valid session or token.
        Forbidden: a session without its CSRF token, or from a page that is not ours; a token that may only read.
    """
    scheme, _, bearer = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return _program(db, request, bearer.strip(), rules)
    session_token = request.cookies.get(rules.cookie(request), "")
    session = db.get(SignIn, sha256(session_token))
    if session is None or session.expires_at <= utc_now():
        raise _sign_in_first()
    refuse_foreign_page(request, rules)
    if request.method not in SAFE_METHODS:
        given = request.headers.get("x-csrf-token", "").encode()
        if not hmac.compare_digest(given, csrf_token(session_token).encode()):
            raise Forbidden("send the session's csrf_token as X-CSRF-Token", reason="CSRF")
    account = _account(db, session.account_id)
    renewed = _renew(db, session, rules)
    return Caller(account=account, session_token=session_token, session_ends_at=session.expires_at, renewed=renewed)


def refuse_foreign_page(request: Request, rules: SessionRules) -> None:
    """Forbidden for a request that a browser makes for another site's page."""
    origin = request.headers.get("origin")
    ours = {request.headers.get("host", ""), urlsplit(rules.public_url).netloc} - {""}
    site = request.headers.get("sec-fetch-site", "none")
    if site not in ("none", "same-origin") or (origin is not None and origin.partition("://")[2] not in ours):
        raise Forbidden("this request comes from another site's page", reason="CROSS_SITE")


def _program(db: Session, request: Request, bearer: str, rules: SessionRules) -> Caller:
    token = db.get(Token, sha256(bearer))
    if token is None:
        raise _sign_in_first()
    account = _account(db, token.account_id)
    if token.scope == "read" and request.method not in SAFE_METHODS:
        raise Forbidden("this token may only read: make one with the scope write", reason="READ_ONLY_TOKEN")
    if token.last_used_at is None or token.last_used_at + rules.renew_after < utc_now():
        token.last_used_at = utc_now()
        db.add(token)
        db.commit()
    return Caller(account=account, session_token=None)


def _renew(db: Session, session: SignIn, rules: SessionRules) -> bool:
    """Move the end of a session that is in use, now and then; never past its longest life."""
    if session.expires_at - rules.lifetime + rules.renew_after > utc_now():
        return False
    new_end = min(utc_now() + rules.lifetime, session.created_at + rules.longest)
    if new_end <= session.expires_at:
        return False
    session.expires_at = new_end
    db.add(session)
    db.commit()
    return True


def _account(db: Session, account_id: str) -> Account:
    account = db.get(Account, account_id)
    if account is None:
        raise _sign_in_first()
    return account


def _sign_in_first() -> Unauthenticated:
    return Unauthenticated("sign in first", reason="SIGN_IN")
