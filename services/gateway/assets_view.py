"""Finding assets: a project's, and those in the trash. Filters and searches are answered from an index alone, but for
those in the order of names.
"""

import datetime as dt
from dataclasses import dataclass
from typing import Literal

import sqlalchemy as sa
from sqlmodel import Session, col, select

from services.gateway.links import Links
from services.gateway.present import asset_answer
from services.gateway.queries import cursor_at, is_id, read_cursor, read_name_cursor
from services.gateway.schemas import AssetAnswer, FolderAnswer
from services.gateway.tables import Asset, AssetFile, folded, name_order

AssetOrder = Literal["newest", "oldest", "name"]
TRASH_LASTS = dt.timedelta(days=30)


@dataclass(frozen=True, slots=True, kw_only=True)
class AssetFilter:
    """What an artist is looking for."""

    text: str | None = None
    kind: Literal["background", "character"] | None = None
    starred: bool | None = None
    folder: str | None = None

    def conditions(self, dialect: str) -> list[sa.ColumnElement[bool]]:
        found: list[sa.ColumnElement[bool]] = []
        if self.kind is not None:
            found.append(col(Asset.kind) == self.kind)
        if self.starred is not None:
            found.append(col(Asset.starred).is_(self.starred))
        if self.folder is not None:
            below = f"{self.folder}/"
            within = sa.func.substr(col(Asset.folder), 1, len(below)) == below
            found.append(sa.or_(col(Asset.folder) == self.folder, *[within] if self.folder else []))
        if self.text:
            place = sa.func.strpos if dialect == "postgresql" else sa.func.instr
            found.append(place(col(Asset.search_text), folded(self.text)) > 0)
        return found


def live_assets(
    db: Session,
    project_id: str,
    wanted: AssetFilter,
    *,
    order: AssetOrder = "newest",
    cursor: str | None,
    limit: int,
) -> tuple[list[Asset], str | None]:
    """The first assets of a project that are not in the trash, after `cursor`; and the cursor to go on with."""
    key = sa.tuple_(col(Asset.name_order if order == "name" else Asset.created_at), col(Asset.id))
    sorting = [part.desc() if order == "newest" else part.asc() for part in key.clauses]
    ids = sa.select(col(Asset.id)).where(col(Asset.project_id) == project_id, col(Asset.deleted_at).is_(None))
    ids = ids.where(*wanted.conditions(db.get_bind().dialect.name))
    if cursor is not None:
        place = read_name_cursor(cursor) if order == "name" else read_cursor(cursor)
        ids = ids.where(key < place if order == "newest" else key > place)
    ids = ids.order_by(*sorting).limit(limit + 1)
    rows = list(db.exec(select(Asset).where(col(Asset.id).in_(ids)).order_by(*sorting)))
    last = rows[limit - 1] if len(rows) > limit else None
    more = cursor_at(last.name_order if order == "name" else last.created_at, last.id) if last is not None else None
    return rows[:limit], more


def folders(db: Session, project_id: str) -> list[FolderAnswer]:
    """The folders of a project's assets that are not in the trash, in their order."""
    query = (
        sa.select(col(Asset.folder), sa.func.count())
        .where(col(Asset.project_id) == project_id, col(Asset.deleted_at).is_(None))
        .group_by(col(Asset.folder))
    )
    counted = [FolderAnswer(folder=folder, assets=count) for folder, count in db.execute(query)]
    return sorted(counted, key=lambda one: [name_order(part) for part in one.folder.split("/")])


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
