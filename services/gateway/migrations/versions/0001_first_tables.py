"""The first tables."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.schema import SchemaItem

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)


def text(name: str, *, nullable: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.String(), nullable=nullable)


def whole(name: str, *, big: bool = False) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger() if big else sa.Integer(), nullable=False)


def structured(name: str) -> sa.Column[object]:
    return sa.Column(name, sa.JSON(), nullable=False)


def create_owned(name: str, *columns: SchemaItem) -> None:
    op.create_table(
        name,
        text("id"),
        text("account_id"),
        sa.Column("created_at", MOMENT, nullable=False),
        *columns,
        sa.PrimaryKeyConstraint("id", name=f"pk_{name}"),
    )
    index(name, "account_id", "created_at", "id")


def create_in_project(name: str, *columns: SchemaItem) -> None:
    create_owned(name, text("project_id"), *columns)
    index(name, "project_id", "created_at", "id")


def file_columns() -> tuple[SchemaItem, ...]:
    return (
        text("key"),
        text("sha256"),
        whole("size_bytes", big=True),
        text("media_type"),
        whole("width"),
        whole("height"),
    )


def index(table: str, *columns: str) -> None:
    op.create_index(f"ix_{table}_{'_'.join(columns)}", table, list(columns))


def upgrade() -> None:
    create_people()
    create_job()
    create_owned("project", text("name"))
    create_in_project("picture", *file_columns(), text("filename"))
    create_in_project(
        "style",
        text("name"),
        text("job_id"),
        text("training_id"),
        structured("files"),
        structured("samples"),
        sa.UniqueConstraint("job_id", name="uq_style_job_id"),
    )
    create_in_project(
        "pose",
        text("picture_id", nullable=True),
        whole("width"),
        whole("height"),
        structured("people"),
        sa.Column("used_whole_picture", sa.Boolean(), nullable=False),
        text("skeleton_key", nullable=True),
    )
    index("pose", "picture_id")
    create_in_project("job_request", text("kind"), structured("request"))
    create_in_project(
        "result",
        *file_columns(),
        text("job_id"),
        text("kind"),
        whole("index"),
        whole("seed", big=True),
        structured("settings"),
    )
    index("result", "job_id")
    create_in_project("asset", text("name"), text("description"), text("kind"))
    create_in_project("asset_file", *file_columns(), text("asset_id"), whole("index"), structured("settings"))
    index("asset_file", "asset_id")


def create_people() -> None:
    op.create_table(
        "account",
        text("id"),
        text("email"),
        text("name"),
        text("locale"),
        text("password_hash"),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_account"),
        sa.UniqueConstraint("email", name="uq_account_email"),
    )
    for name, column in (("sign_in", sa.Column("expires_at", MOMENT, nullable=False)), ("token", text("label"))):
        op.create_table(
            name,
            text("token_sha256"),
            text("account_id"),
            column,
            sa.Column("created_at", MOMENT, nullable=False),
            sa.PrimaryKeyConstraint("token_sha256", name=f"pk_{name}"),
        )
        index(name, "account_id")


def create_job() -> None:
    op.create_table(
        "job",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("owner", sa.String(64), nullable=False),
        sa.Column("key", sa.String(255)),
        sa.Column("payload", sa.JSON(), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("fruitless", sa.Integer(), nullable=False, comment="attempts since the last progress"),
        sa.Column("token", sa.Integer(), nullable=False, comment="fencing token, one more with every claim"),
        sa.Column("worker", sa.String(128)),
        sa.Column("lease_until", sa.Double(), nullable=False),
        sa.Column("run_after", sa.Double(), nullable=False),
        sa.Column("cancel_requested", sa.Boolean(), nullable=False),
        sa.Column("progress", sa.JSON(), nullable=False),
        sa.Column("checkpoint", sa.JSON(), nullable=False),
        sa.Column("result", sa.JSON()),
        sa.Column("error", sa.JSON()),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.Column("started_at", sa.Double()),
        sa.Column("ended_at", sa.Double()),
        sa.UniqueConstraint("owner", "kind", "key", name="uq_job_owner_kind_key"),
    )
    op.create_index("ix_job_claim", "job", ["kind", "state", "priority", "created_at"])
    op.create_index("ix_job_owner", "job", ["owner", "created_at"])
