"""What an operator does to one account in the gateway's own database; `oma admin` calls it."""

import sqlalchemy as sa
from sqlmodel import Session, select

from services.common.errors import InvalidInput, NotFound
from services.gateway.letters import write_letter
from services.gateway.post import page_link
from services.gateway.tables import Account, Quota

QUOTAS = ("storage_bytes", "trainings_a_day", "drawings_a_day")


def reset_link(engine: sa.Engine, public_url: str, email: str) -> str:
    """A link that works once, for an hour. Raises NotFound."""
    with Session(engine) as db:
        secret = write_letter(db, _account(db, email).id, "reset")
        db.commit()
    return page_link(public_url, "reset", secret)


def set_quota(engine: sa.Engine, email: str, numbers: dict[str, int | None]) -> dict[str, int | None]:
    """Set some of an account's quotas (None: as everybody's); returns all of them. Raises NotFound and InvalidInput."""
    if strangers := set(numbers) - set(QUOTAS):
        raise InvalidInput(f"unknown: {sorted(strangers)}; there are {', '.join(QUOTAS)}", reason="QUOTA")
    with Session(engine) as db:
        account_id = _account(db, email).id
        quota = db.get(Quota, account_id) or Quota(account_id=account_id)
        for name, number in numbers.items():
            setattr(quota, name, number)
        db.add(quota)
        db.commit()
        return {name: getattr(quota, name) for name in QUOTAS}


def _account(db: Session, email: str) -> Account:
    account = db.exec(select(Account).where(Account.email == email.strip().lower())).first()
    if account is None:
        raise NotFound(f"there is no account {email}", reason="NO_ACCOUNT")
    return account


def quota_changes(changes: list[str]) -> dict[str, int | None]:
    """`name=number`, or `name=` for as everybody. Raises InvalidInput."""
    found: dict[str, int | None] = {}
    for change in changes:
        name, _, number = change.partition("=")
        if number and not number.isdecimal():
            raise InvalidInput(f"not a number: {change}", reason="QUOTA")
        found[name] = int(number) if number else None
    return found
