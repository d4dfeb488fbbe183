"""Accounts: sign-up, what an account says of itself, its password, and what it has used."""

import datetime as dt

import sqlalchemy as sa
from fastapi import APIRouter, BackgroundTasks, Request, Response
from sqlalchemy.exc import IntegrityError
from sqlmodel import col

from services.common.errors import Conflict, Unauthenticated
from services.gateway.doors import client_network, own_session, start_session
from services.gateway.gateway import Gateway, Parts, SignedIn
from services.gateway.letters import send_letter
from services.gateway.limits import allowance, stored_bytes, take, used_today
from services.gateway.people_schemas import AccountChange, PasswordChange, UsageAnswer
from services.gateway.present import account_answer
from services.gateway.schemas import AccountAnswer, NewAccount, SessionAnswer
from services.gateway.sessions import refuse_foreign_page, sha256
from services.gateway.tables import Account, SignIn

router = APIRouter(tags=["accounts"])


@router.post("/accounts", status_code=201)
def create_account(
    body: NewAccount, request: Request, response: Response, gateway: Parts, after: BackgroundTasks
) -> SessionAnswer:
    """Make an account and sign in. Where letters are sent, one asks whether the e-mail is right."""
    refuse_foreign_page(request, gateway.sessions)
    take(gateway.engine, gateway.rates.sign_ups_from, client_network(request))
    password_hash = gateway.passwords.hash(body.password)
    account = Account(email=body.email, name=body.name, locale=body.locale, password_hash=password_hash)
    with gateway.db() as db:
        db.add(account)
        try:
            db.flush()
        except IntegrityError as error:
            raise Conflict("there is an account with this e-mail: sign in", reason="EMAIL_TAKEN") from error
        answer = start_session(db, gateway, account, request, response)
    if gateway.post is not None:
        after.add_task(send_letter, gateway, body.email, "verify")
    return answer


@router.get("/account")
def get_account(caller: SignedIn) -> AccountAnswer:
    """Whose session or token this is."""
    return account_answer(caller.account)


@router.patch("/account")
def change_account(body: AccountChange, caller: SignedIn, gateway: Parts) -> AccountAnswer:
    """Change the name or the language."""
    changes = body.model_dump(exclude_none=True)
    with gateway.db() as db:
        account = db.get(Account, caller.id)
        if account is None:
            raise Unauthenticated("sign in first", reason="SIGN_IN")
        for name, value in changes.items():
            setattr(account, name, value)
        db.add(account)
        db.commit()
    return account_answer(account)


@router.put("/account/password", status_code=204)
def change_password(body: PasswordChange, caller: SignedIn, gateway: Parts) -> None:
    """Choose a new password; every other session ends."""
    session_token = own_session(caller.session_token)
    confirm_password(gateway, caller.account, body.password)
    new_hash = gateway.passwords.hash(body.new_password)
    others = sa.delete(SignIn).where(
        col(SignIn.account_id) == caller.id, col(SignIn.token_sha256) != sha256(session_token)
    )
    with gateway.db() as db:
        db.connection().execute(sa.update(Account).where(col(Account.id) == caller.id).values(password_hash=new_hash))
        db.connection().execute(others)
        db.commit()


@router.get("/account/usage")
def get_usage(caller: SignedIn, gateway: Parts) -> UsageAnswer:
    """What is stored and was made today, and how much may be; null where there is no bound."""
    with gateway.db() as db:
        allowed = allowance(db, gateway.allowance, caller.id)
        return UsageAnswer(
            storage_bytes=stored_bytes(db, caller.id),
            storage_bytes_allowed=allowed.storage_bytes,
            trainings_today=used_today(db, caller.id, "training"),
            trainings_a_day_allowed=allowed.trainings_a_day,
            drawings_today=used_today(db, caller.id, "drawing"),
            drawings_a_day_allowed=allowed.drawings_a_day,
            new_day_at=dt.datetime.combine(dt.datetime.now(dt.UTC).date() + dt.timedelta(days=1), dt.time(), dt.UTC),
        )


def confirm_password(gateway: Gateway, account: Account, password: str) -> None:
    """Raises Unauthenticated unless it is the account's; tries are counted as sign-ins."""
    take(gateway.engine, gateway.rates.sign_ins, sha256(account.email))
    if not gateway.passwords.matches(account.password_hash, password):
        raise Unauthenticated("the password is wrong", reason="WRONG_PASSWORD")
