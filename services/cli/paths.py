"""Where this program finds its project, its data and its user's settings."""

import os
from pathlib import Path

import typer


def project_root() -> Path:
    """The folder that holds models/, samples/ and web/dist: OMA_ROOT, or the checkout this file lies in."""
    given = os.environ.get("OMA_ROOT")
    return Path(given).resolve() if given else Path(__file__).resolve().parents[2]


def default_data_folder() -> Path:
    return project_root() / "var"


def credentials_file() -> Path:
    """Where `oma account` keeps the token; OMA_CONFIG names another folder."""
    folder = os.environ.get("OMA_CONFIG") or typer.get_app_dir("oma")
    return Path(folder) / "credentials.json"
