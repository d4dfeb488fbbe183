"""Tokens for programs: named, for reading or for everything, shown once, and taken back at any time."""

import secrets

import sqlalchemy as sa
from fastapi import APIRouter, Request
from sqlmodel import col, select

from services.common.errors import NotFound, NotReady
from services.gateway.doors import authenticate
from services.gateway.gateway import Parts, SignedIn
from services.gateway.people_schemas import TokenAnswer, TokenRequest, TokenShown
from services.gateway.queries import is_id
from services.gateway.schemas import Page
from services.gateway.sessions import refuse_foreign_page, sha256
from services.gateway.tables import Token

router = APIRouter(tags=["tokens"])

MOST = 100


@router.post("/tokens", status_code=201)
def create_token(body: TokenRequest, request: Request, gateway: Parts) -> TokenAnswer:
    """Make a token for a program; it works until it is deleted."""
    refuse_foreign_page(request, gateway.sessions)
    account = authenticate(gateway, body.email, body.password, request)
    secret = f"oma_{secrets.token_urlsafe(32)}"
    row = Token(token_sha256=sha256(secret), account_id=account.id, label=body.label, scope=body.scope)
    count = sa.select(sa.func.count()).select_from(Token).where(col(Token.account_id) == account.id)
    with gateway.db() as db:
        if db.connection().execute(count).scalar_one() >= MOST:
            raise NotReady(f"there are {MOST} tokens: delete some", reason="TOO_MANY_TOKENS")
        db.add(row)
        db.commit()
    return TokenAnswer(id=row.id, token=secret, label=row.label, scope=body.scope, created_at=row.created_at)


@router.get("/tokens")
def list_tokens(caller: SignedIn, gateway: Parts) -> Page[TokenShown]:
    """Every token, without the secret itself."""
    with gateway.db() as db:
        query = select(Token).where(Token.account_id == caller.id).order_by(col(Token.created_at).desc())
        rows = db.exec(query).all()
    return Page(items=[TokenShown.model_validate(row, from_attributes=True) for row in rows], next_cursor=None)


@router.delete("/tokens/{token_id}", status_code=204)
def delete_token(token_id: str, caller: SignedIn, gateway: Parts) -> None:
    """Take a token back; a program that has it is refused from now on."""
    known = token_id if is_id(token_id) else ""
    one = sa.delete(Token).where(col(Token.account_id) == caller.id, col(Token.id) == known)
    with gateway.db() as db:
        found = db.connection().execute(one).rowcount
        db.commit()
    if not found:
        raise NotFound("there is no such token", reason="NO_TOKEN")
