"""A typed client of the gateway's public REST API: what every command, and the demo, is made of."""

from services.cli.client.errors import ApiError
from services.cli.client.gateway import Gateway

__all__ = ["ApiError", "Gateway"]
