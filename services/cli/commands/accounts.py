"""oma account: who the commands act as."""

import os
import platform
from typing import Annotated

import typer

from services.cli.client import Gateway
from services.cli.credentials import Credentials, gateway_url, load_credentials, open_gateway, save_credentials
from services.cli.output import AsJson, console, print_json, show, show_rows
from services.cli.paths import credentials_file

app = typer.Typer(help="Sign up, and get a token for the commands.", no_args_is_help=True)

Email = Annotated[str, typer.Option(prompt=True)]
NewPassword = Annotated[
    str, typer.Option(envvar="OMA_PASSWORD", prompt=True, hide_input=True, confirmation_prompt=True)
]
Password = Annotated[str, typer.Option(envvar="OMA_PASSWORD", prompt=True, hide_input=True)]


@app.command("sign-up")
def sign_up(
    email: Email,
    password: NewPassword,
    name: Annotated[str, typer.Option(prompt=True, help="What the pages call you.")],
    locale: Annotated[str | None, typer.Option(help="ko or en.")] = None,
    as_json: AsJson = False,
) -> None:
    """Create an account and keep a token for the commands."""
    gateway = open_gateway(signed_in=False)
    session = gateway.sign_up(email=email, password=password, name=name, locale=locale)
    _keep_token(gateway, email, password)
    show(session.account, ("id", "email", "name"), as_json=as_json)


@app.command("token")
def token(
    email: Email,
    password: Password,
    show_it: Annotated[bool, typer.Option("--print", help="Print the token instead of keeping it.")] = False,
) -> None:
    """Get a new token and keep it for the commands."""
    gateway = open_gateway(signed_in=False)
    if show_it:
        print(gateway.create_token(email=email, password=password, label=_label()).token)
        return
    _keep_token(gateway, email, password)
    console.print(f"kept in {credentials_file()}", highlight=False)


@app.command("show")
def show_account(as_json: AsJson = False) -> None:
    """Show who the commands act as, and on which gateway; ends with 4 if the token does not hold there."""
    projects = open_gateway().projects()
    saved = load_credentials(credentials_file())
    email = saved.email if saved and "OMA_TOKEN" not in os.environ else None
    told = {"email": email, "url": gateway_url(), "projects": len(projects)}
    if as_json:
        print_json(told)
    else:
        show_rows([told], list(told))


def _keep_token(gateway: Gateway, email: str, password: str) -> None:
    created = gateway.create_token(email=email, password=password, label=_label())
    save_credentials(credentials_file(), Credentials(url=gateway.url, email=email, token=created.token))


def _label() -> str:
    return f"oma on {platform.node() or 'a machine'}"
