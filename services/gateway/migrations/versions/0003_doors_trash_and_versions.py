"""Named sessions and tokens, mail, limits, quotas and receipts; stars, trash and search; versions of styles."""

import unicodedata
from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.schema import SchemaItem

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)
SEARCHED_CHARACTERS = 300
AT_ONCE = 1000


def text(name: str, default: str | None = None) -> sa.Column[str]:
    return sa.Column(name, sa.String(), nullable=False, server_default=default)


def upgrade() -> None:
    name_sessions_and_tokens()
    create_people_tables()
    add_trash_and_search()
    add_style_versions()
    for table in ("picture", "result", "asset_file"):
        op.create_index(f"ix_{table}_account_id_size_bytes", table, ["account_id", "size_bytes"])
    op.create_index("ix_job_owner_state", "job", ["owner", "state", "created_at", "id"])


def name_sessions_and_tokens() -> None:
    op.add_column("account", sa.Column("email_verified_at", MOMENT))
    more: dict[str, list[sa.Column[Any]]] = {
        "sign_in": [text("user_agent", "")],
        "token": [text("scope", "write"), sa.Column("last_used_at", MOMENT)],
    }
    for table, columns in more.items():
        for column in (text("id", ""), *columns):
            op.add_column(table, column)
        op.execute(f"UPDATE {table} SET id = substr(token_sha256, 1, 32)")  # noqa: S608 (names of our own)
        with op.batch_alter_table(table) as batch:
            batch.create_unique_constraint(f"uq_{table}_id", ["id"])


def create_people_tables() -> None:
    create(
        "letter",
        text("secret_sha256"),
        text("account_id"),
        text("purpose"),
        sa.Column("expires_at", MOMENT, nullable=False),
        key=["secret_sha256"],
    )
    op.create_index("ix_letter_account_id", "letter", ["account_id"])
    create("rate", text("name"), sa.Column("used_until", sa.Double(), nullable=False), key=["name"])
    create(
        "daily_use",
        text("account_id"),
        sa.Column("day", sa.Date(), nullable=False),
        text("kind"),
        sa.Column("count", sa.Integer(), nullable=False),
        key=["account_id", "day", "kind"],
    )
    create(
        "quota",
        text("account_id"),
        sa.Column("storage_bytes", sa.BigInteger()),
        sa.Column("trainings_a_day", sa.Integer()),
        sa.Column("drawings_a_day", sa.Integer()),
        key=["account_id"],
    )
    create(
        "made_once",
        *(text("account_id"), text("route"), text("key"), text("request_sha256"), text("row_id")),
        sa.Column("created_at", MOMENT, nullable=False),
        key=["account_id", "route", "key"],
    )
    op.create_index("ix_made_once_created_at", "made_once", ["created_at"])
    create(
        "receipt",
        text("id"),
        sa.Column("requested_at", MOMENT, nullable=False),
        sa.Column("ended_at", MOMENT),
        sa.Column("deleted", sa.JSON(), nullable=False),
        key=["id"],
    )


def create(name: str, *columns: SchemaItem, key: list[str]) -> None:
    op.create_table(name, *columns, sa.PrimaryKeyConstraint(*key, name=f"pk_{name}"))


def add_trash_and_search() -> None:
    op.add_column("asset", sa.Column("starred", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("asset", sa.Column("deleted_at", MOMENT))
    op.add_column("asset", text("search_text", ""))
    asset = sa.table("asset", *[sa.column(name) for name in ("id", "name", "description", "search_text")])
    write = sa.update(asset).where(asset.c.id == sa.bindparam("row")).values(search_text=sa.bindparam("searched"))
    for rows in batches(asset):
        op.get_bind().execute(write, rows)
    live, trashed = sa.text("deleted_at IS NULL"), sa.text("deleted_at IS NOT NULL")
    shown = ["project_id", "created_at", "id", "starred", "kind", "search_text"]
    op.create_index("ix_asset_live", "asset", shown, sqlite_where=live, postgresql_where=live)
    thrown_away = ["account_id", "deleted_at", "id"]
    op.create_index("ix_asset_trash", "asset", thrown_away, sqlite_where=trashed, postgresql_where=trashed)


def batches(asset: sa.TableClause) -> Iterator[list[dict[str, str]]]:
    last = ""
    query = sa.select(asset.c.id, asset.c.name, asset.c.description).order_by(asset.c.id).limit(AT_ONCE)
    while rows := op.get_bind().execute(query.where(asset.c.id > last)).all():
        last = rows[-1].id
        yield [{"row": row.id, "searched": searched(row.name, row.description)} for row in rows]


def searched(name: str, description: str) -> str:
    return unicodedata.normalize("NFKC", f"{name}\n{description}").casefold()[:SEARCHED_CHARACTERS]


def add_style_versions() -> None:
    op.add_column("style", text("lineage_id", ""))
    op.add_column("style", sa.Column("version", sa.Integer(), nullable=False, server_default="1"))
    op.add_column("style", sa.Column("in_use", sa.Boolean(), nullable=False, server_default=sa.true()))
    op.add_column("style", text("note", ""))
    op.execute("UPDATE style SET lineage_id = id")
    op.create_index("ix_style_lineage_id", "style", ["lineage_id"])
