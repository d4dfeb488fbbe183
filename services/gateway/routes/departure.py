"""Everything of an account: to take along, or to have deleted."""

import datetime as dt
from typing import Any

import sqlalchemy as sa
from fastapi import APIRouter, Request, Response
from sqlmodel import Session, col, select

from services.common.errors import NotFound
from services.gateway.doors import own_session
from services.gateway.gateway import Gateway, Parts, SignedIn
from services.gateway.limits import forget
from services.gateway.people_schemas import DeletionAnswer, DeletionBody, ExportAnswer, ReceiptAnswer
from services.gateway.queries import is_id
from services.gateway.routes.accounts import confirm_password
from services.gateway.schemas import Page
from services.gateway.sessions import sha256
from services.gateway.tables import Account, Letter, Receipt, SignIn, Token, jobs

router = APIRouter(tags=["departure"])

EXPORTS_LAST = dt.timedelta(days=7)
SHOWN = 20
UNFINISHED = ("queued", "running")


@router.post("/account/exports", status_code=202)
def create_export(caller: SignedIn, gateway: Parts) -> ExportAnswer:
    """Pack everything that is kept of the account as one zip; one at a time."""
    with gateway.db() as db:
        for row in _exports(db, caller.id):
            if row.state in UNFINISHED:
                return _export_answer(gateway, row)
        job = gateway.queue.enqueue(kind="export", owner=caller.id, payload={}, connection=db.connection())
        db.commit()
        return _export_answer(gateway, _own_export(db, job.id, caller.id))


@router.get("/account/exports")
def list_exports(caller: SignedIn, gateway: Parts) -> Page[ExportAnswer]:
    """The newest exports; each is kept for a week."""
    with gateway.db() as db:
        return Page(items=[_export_answer(gateway, row) for row in _exports(db, caller.id)], next_cursor=None)


@router.get("/account/exports/{export_id}")
def get_export(export_id: str, caller: SignedIn, gateway: Parts) -> ExportAnswer:
    """One export; `url` is there when it has been packed."""
    with gateway.db() as db:
        return _export_answer(gateway, _own_export(db, export_id, caller.id))


@router.post("/account/deletion", status_code=202)
def delete_account(
    body: DeletionBody, caller: SignedIn, request: Request, response: Response, gateway: Parts
) -> DeletionAnswer:
    """Delete the account and everything in it. Nobody can sign in from now on; the receipt tells when it is done."""
    own_session(caller.session_token)
    confirm_password(gateway, caller.account, body.password)
    receipt = Receipt()
    with gateway.db() as db:
        db.add(receipt)
        payload = {"receipt_id": receipt.id}
        gateway.queue.enqueue(kind="deletion", owner=caller.id, payload=payload, connection=db.connection())
        for table in (SignIn, Token, Letter):
            db.connection().execute(sa.delete(table).where(col(table.account_id) == caller.id))
        db.connection().execute(sa.delete(Account).where(col(Account.id) == caller.id))
        for who in (caller.id, sha256(caller.account.email)):
            forget(db, who)
        db.commit()
    gateway.sessions.forget_cookie(request, response)
    return DeletionAnswer(receipt_id=receipt.id)


@router.get("/receipts/{receipt_id}")
def get_receipt(receipt_id: str, gateway: Parts) -> ReceiptAnswer:
    """The receipt of a deletion, for whoever knows its id; it says when and how much, not whose."""
    with gateway.db() as db:
        row = db.exec(select(Receipt).where(Receipt.id == (receipt_id if is_id(receipt_id) else ""))).first()
    if row is None:
        raise NotFound("there is no such receipt", reason="NO_RECEIPT")
    return ReceiptAnswer(id=row.id, requested_at=row.requested_at, ended_at=row.ended_at, deleted=row.deleted)


def _exports(db: Session, account_id: str) -> list[sa.Row[Any]]:
    own = (jobs.c.owner == account_id, jobs.c.kind == "export")
    query = sa.select(jobs).where(*own).order_by(jobs.c.created_at.desc()).limit(SHOWN)
    return list(db.connection().execute(query))


def _own_export(db: Session, export_id: str, account_id: str) -> sa.Row[Any]:
    own = (jobs.c.id == (export_id if is_id(export_id) else ""), jobs.c.owner == account_id, jobs.c.kind == "export")
    row = db.connection().execute(sa.select(jobs).where(*own)).first()
    if row is None:
        raise NotFound("there is no such export", reason="NO_EXPORT")
    return row


def _export_answer(gateway: Gateway, row: sa.Row[Any]) -> ExportAnswer:
    ended_at = dt.datetime.fromtimestamp(row.ended_at, dt.UTC) if row.ended_at is not None else None
    packed = row.result if row.state == "succeeded" else None
    return ExportAnswer(
        id=row.id,
        state=row.state,
        size_bytes=packed["size_bytes"] if packed else None,
        url=gateway.links.url(packed["key"], "application/zip") if packed else None,
        created_at=dt.datetime.fromtimestamp(row.created_at, dt.UTC),
        ended_at=ended_at,
        gone_at=ended_at + EXPORTS_LAST if ended_at is not None else None,
    )
