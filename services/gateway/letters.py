"""Secrets that come by mail: made, sent, and used once."""

import datetime as dt
import logging
import secrets

import sqlalchemy as sa
from sqlmodel import Session, col, select

from services.common.errors import InvalidInput, Unavailable
from services.gateway.gateway import Gateway
from services.gateway.sessions import sha256
from services.gateway.tables import Account, Letter, utc_now

log = logging.getLogger(__name__)

LIFETIMES = {"reset": dt.timedelta(hours=1), "verify": dt.timedelta(days=3)}


def send_letter(gateway: Gateway, email: str, purpose: str) -> None:
    """Write to whoever has this e-mail, if anybody has. Runs after the answer, which so tells nothing."""
    with gateway.db() as db:
        account = db.exec(select(Account).where(Account.email == email)).first()
        if account is None or gateway.post is None:
            return
        secret = write_letter(db, account.id, purpose)
        db.commit()
    try:
        gateway.post.send(account.email, purpose, account.locale, secret)
    except Unavailable:
        log.warning("a letter was not sent", extra={"purpose": purpose})


def write_letter(db: Session, account_id: str, purpose: str) -> str:
    """A new secret; older ones for the same purpose stop working. The caller commits."""
    secret = secrets.token_urlsafe(32)
    db.connection().execute(_letters(account_id, purpose))
    db.add(
        Letter(
            secret_sha256=sha256(secret),
            account_id=account_id,
            purpose=purpose,
            expires_at=utc_now() + LIFETIMES[purpose],
        )
    )
    return secret


def open_letter(db: Session, secret: str, purpose: str) -> Account:
    """The account that a secret was sent to; it is used up with the caller's commit.

    Raises:
        InvalidInput: forged, used, replaced by a newer one, or expired; always in the same words.
    """
    letter = db.get(Letter, sha256(secret))
    account = db.get(Account, letter.account_id) if letter is not None else None
    if letter is None or account is None or letter.purpose != purpose or letter.expires_at <= utc_now():
        raise InvalidInput("this link does not work any more: ask for a new one", reason="LETTER_USED_UP")
    db.connection().execute(_letters(account.id, purpose))
    return account


def _letters(account_id: str, purpose: str) -> sa.Delete:
    return sa.delete(Letter).where(col(Letter.account_id) == account_id, col(Letter.purpose) == purpose)
