"""A forgotten password, and whether an e-mail is right: both by letter."""

import sqlalchemy as sa
from fastapi import APIRouter, BackgroundTasks, Request
from sqlmodel import col

from services.common.errors import NotReady
from services.gateway.doors import client_network
from services.gateway.gateway import Gateway, Parts, SignedIn
from services.gateway.letters import open_letter, send_letter
from services.gateway.limits import take
from services.gateway.people_schemas import LetterAnswer, NewPassword, ResetRequest, Verification
from services.gateway.sessions import refuse_foreign_page, sha256
from services.gateway.tables import SignIn, Token, utc_now

router = APIRouter(tags=["recovery"])

SENT = "if there is an account with this e-mail, a letter is on its way to it"


@router.post("/password-resets", status_code=202)
def request_reset(body: ResetRequest, request: Request, gateway: Parts, after: BackgroundTasks) -> LetterAnswer:
    """Ask for a letter with a link to choose a new password. The answer is the same for every e-mail."""
    refuse_foreign_page(request, gateway.sessions)
    _need_mail(gateway)
    take(gateway.engine, gateway.rates.letters_from, client_network(request))
    take(gateway.engine, gateway.rates.letters, sha256(body.email))
    after.add_task(send_letter, gateway, body.email, "reset")
    return LetterAnswer(message=SENT)


@router.post("/password-resets/confirm", status_code=204)
def reset_password(body: NewPassword, request: Request, gateway: Parts) -> None:
    """Choose a new password with a letter's secret; all sessions end, and all tokens stop working."""
    refuse_foreign_page(request, gateway.sessions)
    take(gateway.engine, gateway.rates.sign_ins_from, client_network(request))
    new_hash = gateway.passwords.hash(body.new_password)
    with gateway.db() as db:
        account = open_letter(db, body.secret, "reset")
        account.password_hash = new_hash
        account.email_verified_at = account.email_verified_at or utc_now()  # who reads its mail has the address
        db.add(account)
        for table in (SignIn, Token):
            db.connection().execute(sa.delete(table).where(col(table.account_id) == account.id))
        db.commit()


@router.post("/email-verifications", status_code=202)
def request_verification(caller: SignedIn, gateway: Parts, after: BackgroundTasks) -> LetterAnswer:
    """Ask for the letter that asks whether the account's e-mail is right, once more."""
    _need_mail(gateway)
    take(gateway.engine, gateway.rates.letters, sha256(caller.account.email))
    after.add_task(send_letter, gateway, caller.account.email, "verify")
    return LetterAnswer(message="a letter is on its way")


@router.post("/email-verifications/confirm", status_code=204)
def verify_email(body: Verification, request: Request, gateway: Parts) -> None:
    """Prove with a letter's secret that the account's e-mail is right."""
    refuse_foreign_page(request, gateway.sessions)
    take(gateway.engine, gateway.rates.sign_ins_from, client_network(request))
    with gateway.db() as db:
        account = open_letter(db, body.secret, "verify")
        account.email_verified_at = utc_now()
        db.add(account)
        db.commit()


def _need_mail(gateway: Gateway) -> None:
    if gateway.post is None:
        raise NotReady("this server sends no mail: ask its operator for a link", reason="NO_MAIL")
