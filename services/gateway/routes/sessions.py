"""Sessions of browsers: sign-in, sign-out, and those in other browsers."""

import sqlalchemy as sa
from fastapi import APIRouter, Request, Response
from sqlmodel import col, select

from services.common.errors import NotFound
from services.gateway.doors import authenticate, own_session, start_session
from services.gateway.gateway import Parts, SignedIn
from services.gateway.people_schemas import SignInAnswer
from services.gateway.present import session_answer
from services.gateway.queries import is_id
from services.gateway.schemas import Credentials, Page, SessionAnswer
from services.gateway.sessions import refuse_foreign_page, sha256
from services.gateway.tables import SignIn, utc_now

router = APIRouter(tags=["sessions"])

SHOWN = 100


@router.post("/session")
def create_session(body: Credentials, request: Request, response: Response, gateway: Parts) -> SessionAnswer:
    """Sign in."""
    refuse_foreign_page(request, gateway.sessions)
    account = authenticate(gateway, body.email, body.password, request)
    with gateway.db() as db:
        return start_session(db, gateway, account, request, response)


@router.get("/session")
def get_session(caller: SignedIn, request: Request, response: Response, gateway: Parts) -> SessionAnswer:
    """Who is signed in."""
    token = own_session(caller.session_token)
    gateway.sessions.set_cookie(request, response, token)
    assert caller.session_ends_at is not None  # it came by a session
    return session_answer(caller.account, token, caller.session_ends_at)


@router.delete("/session", status_code=204)
def delete_session(caller: SignedIn, request: Request, response: Response, gateway: Parts) -> None:
    """Sign out."""
    token = own_session(caller.session_token)
    with gateway.db() as db:
        if session := db.get(SignIn, sha256(token)):
            db.delete(session)
            db.commit()
    gateway.sessions.forget_cookie(request, response)


@router.get("/sessions")
def list_sessions(caller: SignedIn, gateway: Parts) -> Page[SignInAnswer]:
    """Every browser that is signed in, this one marked; the newest hundred."""
    here = sha256(own_session(caller.session_token))
    live = (col(SignIn.account_id) == caller.id, col(SignIn.expires_at) > utc_now())
    with gateway.db() as db:
        rows = db.exec(select(SignIn).where(*live).order_by(col(SignIn.created_at).desc()).limit(SHOWN)).all()
    items = [
        SignInAnswer(
            id=row.id,
            user_agent=row.user_agent,
            created_at=row.created_at,
            expires_at=row.expires_at,
            current=row.token_sha256 == here,
        )
        for row in rows
    ]
    return Page(items=items, next_cursor=None)


@router.delete("/sessions", status_code=204)
def delete_other_sessions(caller: SignedIn, gateway: Parts) -> None:
    """Sign out everywhere else."""
    here = sha256(own_session(caller.session_token))
    others = sa.delete(SignIn).where(col(SignIn.account_id) == caller.id, col(SignIn.token_sha256) != here)
    with gateway.db() as db:
        db.connection().execute(others)
        db.commit()


@router.delete("/sessions/{session_id}", status_code=204)
def delete_one_session(session_id: str, caller: SignedIn, gateway: Parts) -> None:
    """Sign one browser out."""
    own_session(caller.session_token)
    known = session_id if is_id(session_id) else ""
    one = sa.delete(SignIn).where(col(SignIn.account_id) == caller.id, col(SignIn.id) == known)
    with gateway.db() as db:
        found = db.connection().execute(one).rowcount
        db.commit()
    if not found:
        raise NotFound("there is no such session", reason="NO_SESSION")
