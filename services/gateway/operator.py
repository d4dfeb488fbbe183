"""What an operator does at the gateway's own database: `python -m services.gateway.operator`.

`reset-link <e-mail>` prints a link to choose a new password, for where no mail is sent.
`quota <e-mail> [name=number]...` shows or sets what one account may keep and make.
"""

import sys

import sqlalchemy as sa
from sqlmodel import Session, select

from services.common.databases import create_database_engine
from services.common.errors import InvalidInput, NotFound, ServiceError
from services.gateway.letters import write_letter
from services.gateway.post import page_link
from services.gateway.settings import GatewaySettings
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


def main(arguments: list[str]) -> int:
    settings = GatewaySettings()
    engine = create_database_engine(settings.database_url)
    try:
        match arguments:
            case ["reset-link", email]:
                public_url = settings.public_url or f"http://{settings.http_address}"
                sys.stdout.write(f"{reset_link(engine, public_url, email)}\n")
            case ["quota", email, *changes]:
                for name, number in set_quota(engine, email, _numbers(changes)).items():
                    sys.stdout.write(f"{name} = {'as everybody' if number is None else number}\n")
            case _:
                sys.stderr.write(f"{__doc__}")
                return 2
    except ServiceError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    finally:
        engine.dispose()
    return 0


def _numbers(changes: list[str]) -> dict[str, int | None]:
    """`name=number`, or `name=` for as everybody."""
    found: dict[str, int | None] = {}
    for change in changes:
        name, _, number = change.partition("=")
        if number and not number.isdecimal():
            raise InvalidInput(f"not a number: {change}", reason="QUOTA")
        found[name] = int(number) if number else None
    return found


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
