"""Coming in: proving a password, starting a session, and how often either may be tried."""

import ipaddress

from fastapi import Request, Response
from sqlmodel import Session, select

from services.common.errors import Unauthenticated
from services.gateway.gateway import Gateway
from services.gateway.limits import take
from services.gateway.present import session_answer
from services.gateway.schemas import SessionAnswer
from services.gateway.sessions import sha256, sign_in
from services.gateway.tables import Account

_IPV6_NETWORK_BITS = 64  # one household has as many addresses as it likes


def authenticate(gateway: Gateway, email: str, password: str, request: Request) -> Account:
    """The account with this e-mail and password.

    Raises:
        Unauthenticated: in the same words, at the same cost, whether or not there is such an account.
        Overloaded: too many tries for this e-mail, or from this address.
    """
    take(gateway.engine, gateway.rates.sign_ins_from, client_network(request))
    take(gateway.engine, gateway.rates.sign_ins, sha256(email))
    with gateway.db() as db:
        account = db.exec(select(Account).where(Account.email == email)).first()
    if not gateway.passwords.matches(account.password_hash if account else None, password) or account is None:
        raise Unauthenticated("e-mail or password is wrong", reason="WRONG_CREDENTIALS")
    return account


def start_session(
    db: Session, gateway: Gateway, account: Account, request: Request, response: Response
) -> SessionAnswer:
    """Sign an account in, in this browser; commits."""
    token, expires_at = sign_in(db, account.id, gateway.sessions.lifetime, request.headers.get("user-agent", ""))
    db.commit()
    gateway.sessions.set_cookie(request, response, token)
    return session_answer(account, token, expires_at)


def own_session(session_token: str | None) -> str:
    """The session that a request came by; raises Unauthenticated for a program's token."""
    if session_token is None:
        raise Unauthenticated("a program's token has no session: use the token itself", reason="NO_SESSION")
    return session_token


def client_network(request: Request) -> str:
    """Where a request comes from, as rates count it: an IPv4 address, or an IPv6 network."""
    host = request.client.host if request.client is not None else "unknown"
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return host
    if isinstance(address, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((address, _IPV6_NETWORK_BITS), strict=False))
    return str(address)
