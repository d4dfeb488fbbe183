"""Folders and tags of assets, their order by name, and searches that look into tags and prompts."""

import re
import unicodedata
from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

AT_ONCE = 1000
LIVE = sa.text("deleted_at IS NULL")
SHOWN = ["project_id", "created_at", "id", "starred", "kind", "search_text"]

OTHER_INDEXES = {
    "ix_asset_by_name": ["project_id", "name_order", "id"],
    "ix_asset_folder": ["project_id", "folder"],
}


def upgrade() -> None:
    op.add_column("asset", sa.Column("folder", sa.String(), nullable=False, server_default=""))
    op.add_column("asset", sa.Column("tags", sa.JSON(), nullable=False, server_default="[]"))
    op.add_column("asset", sa.Column("name_order", sa.String(), nullable=False, server_default=""))
    write_what_is_searched()
    live([*SHOWN, "folder"])
    for name, columns in OTHER_INDEXES.items():
        op.create_index(name, "asset", columns, sqlite_where=LIVE, postgresql_where=LIVE)


def downgrade() -> None:
    for name in OTHER_INDEXES:
        op.drop_index(name, "asset")
    live(SHOWN)
    for name in ("folder", "tags", "name_order"):
        op.drop_column("asset", name)


def live(columns: list[str]) -> None:
    op.drop_index("ix_asset_live", "asset")
    op.create_index("ix_asset_live", "asset", columns, sqlite_where=LIVE, postgresql_where=LIVE)


def write_what_is_searched() -> None:
    asset = sa.table("asset", *[sa.column(name) for name in ("id", "name", "description", "search_text", "name_order")])
    write = sa.update(asset).where(asset.c.id == sa.bindparam("row"))
    write = write.values(search_text=sa.bindparam("searched"), name_order=sa.bindparam("ordered"))
    for rows in batches(asset):
        op.get_bind().execute(write, rows)


def batches(asset: sa.TableClause) -> Iterator[list[dict[str, str]]]:
    file = sa.table("asset_file", sa.column("asset_id"), sa.column("index"), sa.column("settings", sa.JSON()))
    first = sa.and_(file.c.asset_id == asset.c.id, file.c.index == 0)
    query = sa.select(asset.c.id, asset.c.name, asset.c.description, file.c.settings)
    query = query.select_from(asset.outerjoin(file, first)).order_by(asset.c.id).limit(AT_ONCE)
    last = ""
    while rows := op.get_bind().execute(query.where(asset.c.id > last)).all():
        last = rows[-1].id
        yield [row_of(*row) for row in rows]


def row_of(row_id: str, name: str, description: str, settings: dict[str, Any] | None) -> dict[str, str]:
    prompt = (settings or {}).get("prompt", "")
    padded = re.sub(r"[0-9]+", lambda number: number[0].zfill(6), folded(name))
    return {
        "row": row_id,
        "searched": folded(f"{name}\n\n{description[:200]}\n{prompt}")[:500],
        "ordered": padded[:100],
    }


def folded(text: str) -> str:
    return unicodedata.normalize("NFKC", text).casefold().replace("\x00", "")  # prompts may have it, texts may not
