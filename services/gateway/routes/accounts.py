"""Sign-up, sign-in, sign-out, and tokens for programs."""

import secrets

from fastapi import APIRouter, Request, Response
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, select

from services.common.errors import Conflict, Unauthenticated
from services.gateway.gateway import Gateway, Parts, SignedIn
from services.gateway.present import session_answer
from services.gateway.schemas import Credentials, NewAccount, SessionAnswer, TokenAnswer, TokenRequest
from services.gateway.sessions import COOKIE, refuse_foreign_page, sha256, sign_in
from services.gateway.tables import Account, SignIn, Token, utc_now

router = APIRouter(tags=["accounts"])


@router.post("/accounts", status_code=201)
def create_account(body: NewAccount, request: Request, response: Response, gateway: Parts) -> SessionAnswer:
    """Make an account and sign in."""
    refuse_foreign_page(request)
    password_hash = gateway.passwords.hash(body.password)
    account = Account(email=body.email, name=body.name, locale=body.locale, password_hash=password_hash)
    with gateway.db() as db:
        db.add(account)
        try:
            db.flush()
        except IntegrityError as error:
            raise Conflict("there is an account with this e-mail: sign in", reason="EMAIL_TAKEN") from error
        return _start_session(db, gateway, account, request, response)


@router.post("/session")
def create_session(body: Credentials, request: Request, response: Response, gateway: Parts) -> SessionAnswer:
    """Sign in."""
    refuse_foreign_page(request)
    account = _authenticate(gateway, body)
    with gateway.db() as db:
        return _start_session(db, gateway, account, request, response)


@router.get("/session")
def get_session(caller: SignedIn, request: Request, response: Response, gateway: Parts) -> SessionAnswer:
    """Who is signed in; renews the session."""
    token = _browser_session(caller.session_token)
    with gateway.db() as db:
        if session := db.get(SignIn, sha256(token)):
            session.expires_at = utc_now() + gateway.session_lifetime
            db.add(session)
            db.commit()
    _set_cookie(gateway, request, response, token)
    return session_answer(caller.account, token)


@router.delete("/session", status_code=204)
def delete_session(caller: SignedIn, response: Response, gateway: Parts) -> None:
    """Sign out."""
    token = _browser_session(caller.session_token)
    with gateway.db() as db:
        if session := db.get(SignIn, sha256(token)):
            db.delete(session)
            db.commit()
    response.delete_cookie(COOKIE, path="/")


@router.post("/tokens", status_code=201)
def create_token(body: TokenRequest, request: Request, gateway: Parts) -> TokenAnswer:
    """Make a token for a program; it lives until its account does."""
    refuse_foreign_page(request)
    account = _authenticate(gateway, body)
    token = f"oma_{secrets.token_urlsafe(32)}"
    with gateway.db() as db:
        db.add(Token(token_sha256=sha256(token), account_id=account.id, label=body.label))
        db.commit()
    return TokenAnswer(token=token, label=body.label)


def _authenticate(gateway: Gateway, body: Credentials) -> Account:
    with gateway.db() as db:
        account = db.exec(select(Account).where(Account.email == body.email)).first()
    if not gateway.passwords.matches(account.password_hash if account else None, body.password) or account is None:
        raise Unauthenticated("e-mail or password is wrong", reason="WRONG_CREDENTIALS")
    return account


def _start_session(
    db: Session, gateway: Gateway, account: Account, request: Request, response: Response
) -> SessionAnswer:
    token = sign_in(db, account.id, gateway.session_lifetime)
    db.commit()
    _set_cookie(gateway, request, response, token)
    return session_answer(account, token)


def _set_cookie(gateway: Gateway, request: Request, response: Response, token: str) -> None:
    response.set_cookie(
        COOKIE,
        token,
        max_age=round(gateway.session_lifetime.total_seconds()),
        path="/",
        httponly=True,
        samesite="lax",
        secure=request.url.scheme == "https",
    )


def _browser_session(session_token: str | None) -> str:
    if session_token is None:
        raise Unauthenticated("a program's token has no session: use the token itself", reason="NO_SESSION")
    return session_token
