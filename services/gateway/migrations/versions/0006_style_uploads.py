"""Files of styles that were not learned here."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    text = [sa.Column(name, sa.String(), nullable=False) for name in ("id", "account_id", "project_id")]
    file = [sa.Column(name, sa.String(), nullable=False) for name in ("key", "sha256", "media_type")]
    op.create_table(
        "style_upload",
        *text,
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        *file,
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_style_upload"),
    )
    for owner in ("account_id", "project_id"):
        op.create_index(f"ix_style_upload_{owner}_created_at_id", "style_upload", [owner, "created_at", "id"])
    op.create_index("ix_style_upload_account_id_size_bytes", "style_upload", ["account_id", "size_bytes"])


def downgrade() -> None:
    op.drop_table("style_upload")
