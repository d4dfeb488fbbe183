"""What an operator does to one account; the gateway's own words, at the database that was named."""

from collections.abc import Sequence

from services.admin.places import GATEWAY, Place
from services.common.errors import InvalidInput
from services.gateway import operator
from services.gateway.settings import GatewaySettings


def quota(places: Sequence[Place], email: str, changes: Sequence[str]) -> dict[str, int | None]:
    """Set what one account may keep and make (`name=number`, `name=` for as everybody); returns all of it.

    Raises:
        NotFound: no such account.
        InvalidInput: no such quota, or not a number.
    """
    return operator.set_quota(_gateway(places).engine, email, operator.quota_changes(list(changes)))


def reset_link(places: Sequence[Place], email: str, url: str | None) -> str:
    """A link to choose a new password, once and within an hour. `url` is where browsers find the gateway.

    Raises:
        NotFound: no such account.
    """
    settings = GatewaySettings()
    shown = url or settings.public_url or f"http://{settings.http_address}"
    return operator.reset_link(_gateway(places).engine, shown, email)


def _gateway(places: Sequence[Place]) -> Place:
    for place in places:
        if place.name == GATEWAY:
            place.require_newest()
            return place
    raise InvalidInput("accounts are the gateway's: leave --service out", reason="SERVICE")
