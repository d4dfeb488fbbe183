"""Finding assets: a project's, and those in the trash. Filters and searches are answered from an index alone."""

import datetime as dt
from dataclasses import dataclass
from typing import Literal

import sqlalchemy as sa
from sqlmodel import Session, col, select

from services.gateway.links import Links
from services.gateway.present import asset_answer
from services.gateway.queries import cursor_at, is_id, read_cursor
from services.gateway.schemas import AssetAnswer
from services.gateway.tables import Asset, AssetFile, folded

TRASH_LASTS = dt.timedelta(days=30)


@dataclass(frozen=True, slots=True, kw_only=True)
class AssetFilter:
    """What an artist is looking for."""

    text: str | None = None
    kind: Literal["background", "character"] | None = None
    starred: bool | None = None

    def conditions(self, dialect: str) -> list[sa.ColumnElement[bool]]:
        found: list[sa.ColumnElement[bool]] = []
        if self.kind is not None:
            found.append(col(Asset.kind) == self.kind)
        if self.starred is not None:
            found.append(col(Asset.starred).is_(self.starred))
        if self.text:
            place = sa.func.strpos if dialect == "postgresql" else sa.func.instr
            found.append(place(col(Asset.search_text), folded(self.text)) > 0)
        return found


def live_assets(
    db: Session, project_id: str, wanted: AssetFilter, *, cursor: str | None, limit: int
) -> tuple[list[Asset], str | None]:
    """The newest assets of a project that are not in the trash, after `cursor`; and the cursor to go on with."""
    newest = (col(Asset.created_at).desc(), col(Asset.id).desc())
    ids = sa.select(col(Asset.id)).where(col(Asset.project_id) == project_id, col(Asset.deleted_at).is_(None))
    ids = ids.where(*wanted.conditions(db.get_bind().dialect.name))
    if cursor is not None:
        ids = ids.where(sa.tuple_(col(Asset.created_at), col(Asset.id)) < read_cursor(cursor))
    ids = ids.order_by(*newest).limit(limit + 1)
    rows = list(db.exec(select(Asset).where(col(Asset.id).in_(ids)).order_by(*newest)))
    more = cursor_at(rows[limit - 1].created_at, rows[limit - 1].id) if len(rows) > limit else None
    return rows[:limit], more


def trashed_assets(
    db: Session, account_id: str, project_id: str | None, *, cursor: str | None, limit: int
) -> tuple[list[Asset], str | None]:
    """What an account threw away, the latest first."""
    latest = (col(Asset.deleted_at).desc(), col(Asset.id).desc())
    query = select(Asset).where(Asset.account_id == account_id, col(Asset.deleted_at).is_not(None))
    if project_id is not None:
        query = query.where(Asset.project_id == (project_id if is_id(project_id) else ""))
    if cursor is not None:
        query = query.where(sa.tuple_(col(Asset.deleted_at), col(Asset.id)) < read_cursor(cursor))
    rows = list(db.exec(query.order_by(*latest).limit(limit + 1)))
    last = rows[limit - 1] if len(rows) > limit else None
    more = cursor_at(last.deleted_at, last.id) if last is not None and last.deleted_at is not None else None
    return rows[:limit], more


def asset_answers(db: Session, assets: list[Asset], links: Links) -> list[AssetAnswer]:
    ids = [asset.id for asset in assets]
    by_asset: dict[str, list[AssetFile]] = {asset_id: [] for asset_id in ids}
    for file in db.exec(select(AssetFile).where(col(AssetFile.asset_id).in_(ids))):
        by_asset[file.asset_id].append(file)
    return [asset_answer(asset, by_asset[asset.id], links) for asset in assets]


def project_files(db: Session, project_id: str, chosen: set[str] | None = None) -> list[tuple[Asset, AssetFile]]:
    """Every picture of a project's assets, or of those chosen, that are not in the trash, the oldest asset first."""
    query = (
        select(Asset, AssetFile)
        .where(Asset.project_id == project_id, col(Asset.deleted_at).is_(None))
        .join(AssetFile, col(AssetFile.asset_id) == col(Asset.id))
        .order_by(col(Asset.created_at), col(Asset.id), col(AssetFile.index))
    )
    if chosen is not None:
        query = query.where(col(Asset.id).in_(chosen))
    return list(db.exec(query))
