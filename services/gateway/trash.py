"""Emptying the trash: rows first, then files."""

from collections.abc import Sequence

import sqlalchemy as sa
from sqlmodel import Session, col

from services.common.artifacts import ArtifactStore, delete_prefix
from services.gateway.files import asset_prefix
from services.gateway.tables import Asset, AssetFile


def delete_assets(db: Session, store: ArtifactStore, assets: Sequence[Asset]) -> None:
    """Delete assets for good; commits."""
    ids = [asset.id for asset in assets]
    db.connection().execute(sa.delete(AssetFile).where(col(AssetFile.asset_id).in_(ids)))
    db.connection().execute(sa.delete(Asset).where(col(Asset.id).in_(ids)))
    db.commit()
    for asset in assets:
        delete_prefix(store, asset_prefix(asset.account_id, asset.id))
