"""Rows as the answers that clients see; files become signed links here, and nowhere else."""

import datetime as dt
from collections.abc import Sequence
from typing import Any

from services.gateway.links import Links
from services.gateway.pose_schemas import PersonShape, PoseAnswer
from services.gateway.schemas import (
    AccountAnswer,
    AssetAnswer,
    AssetFileAnswer,
    CheckpointSampleAnswer,
    DrawingAnswer,
    PictureAnswer,
    ProjectAnswer,
    ResultAnswer,
    SessionAnswer,
)
from services.gateway.sessions import csrf_token
from services.gateway.style_schemas import StyleAnswer, StyleFileAnswer
from services.gateway.tables import Account, Asset, AssetFile, Picture, Pose, Project, Result, Style

PNG = "image/png"


def session_answer(account: Account, session_token: str, expires_at: dt.datetime) -> SessionAnswer:
    return SessionAnswer(account=account_answer(account), csrf_token=csrf_token(session_token), expires_at=expires_at)


def account_answer(row: Account) -> AccountAnswer:
    verified = row.email_verified_at is not None
    return AccountAnswer(id=row.id, email=row.email, name=row.name, locale=row.locale, email_verified=verified)


def project_answer(row: Project) -> ProjectAnswer:
    return ProjectAnswer(id=row.id, name=row.name, created_at=row.created_at)


def picture_answer(row: Picture, links: Links) -> PictureAnswer:
    return PictureAnswer(
        id=row.id,
        project_id=row.project_id,
        filename=row.filename,
        width=row.width,
        height=row.height,
        media_type=row.media_type,
        size_bytes=row.size_bytes,
        url=links.url(row.key, row.media_type),
        created_at=row.created_at,
    )


def style_answer(row: Style, links: Links) -> StyleAnswer:
    return StyleAnswer(
        id=row.id,
        project_id=row.project_id,
        name=row.name,
        job_id=row.job_id,
        files=[style_file_answer(file) for file in row.files],
        sample_urls=[_link(sample, links) for sample in row.samples if "step" not in sample],
        checkpoint_samples=checkpoint_answers([sample for sample in row.samples if "step" in sample], links),
        lineage_id=row.lineage_id,
        version=row.version,
        in_use=row.in_use,
        note=row.note,
        imported=not row.training_id,
        created_at=row.created_at,
    )


def checkpoint_answers(refs: Sequence[dict[str, Any]], links: Links) -> list[CheckpointSampleAnswer]:
    return [CheckpointSampleAnswer(method=ref["method"], step=ref["step"], url=_link(ref, links)) for ref in refs]


def _link(ref: dict[str, Any], links: Links) -> str:
    return links.url(ref["key"], ref["media_type"])


def style_file_answer(file: dict[str, Any]) -> StyleFileAnswer:
    return StyleFileAnswer(
        method=file["method"], trigger=file["trigger"], size_bytes=file["size_bytes"], media_type=file["media_type"]
    )


def pose_answer(row: Pose, links: Links) -> PoseAnswer:
    return PoseAnswer(
        id=row.id,
        project_id=row.project_id,
        picture_id=row.picture_id,
        width=row.width,
        height=row.height,
        people=[PersonShape.model_validate(person) for person in row.people],
        used_whole_picture=row.used_whole_picture,
        skeleton_url=links.url(row.skeleton_key, PNG) if row.skeleton_key else None,
        created_at=row.created_at,
    )


def result_answer(row: Result, links: Links) -> ResultAnswer:
    return ResultAnswer(
        id=row.id,
        index=row.index,
        url=links.url(row.key, row.media_type),
        width=row.width,
        height=row.height,
        seed=row.seed,
        settings=row.settings,
    )


def drawing_answer(row: Result, links: Links) -> DrawingAnswer:
    drawn = result_answer(row, links).model_dump()
    return DrawingAnswer(**drawn, job_id=row.job_id, kind=row.kind, created_at=row.created_at)


def asset_answer(row: Asset, files: list[AssetFile], links: Links) -> AssetAnswer:
    return AssetAnswer.model_validate(
        {
            "id": row.id,
            "project_id": row.project_id,
            "name": row.name,
            "description": row.description,
            "kind": row.kind,
            "files": [asset_file_answer(file, links) for file in sorted(files, key=lambda file: file.index)],
            "starred": row.starred,
            "folder": row.folder,
            "tags": row.tags,
            "deleted_at": row.deleted_at,
            "created_at": row.created_at,
        }
    )


def asset_file_answer(row: AssetFile, links: Links) -> AssetFileAnswer:
    return AssetFileAnswer(
        id=row.id,
        index=row.index,
        url=links.url(row.key, row.media_type),
        width=row.width,
        height=row.height,
        media_type=row.media_type,
        size_bytes=row.size_bytes,
        settings=row.settings,
    )
