from pathlib import Path

import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from services.common.databases import create_database_engine
from services.style_train.store import TrainingStore, metadata


def test_migrations_make_exactly_the_tables_that_the_code_uses_and_may_run_twice(tmp_path: Path) -> None:
    engine = create_database_engine(f"sqlite:///{tmp_path}/style.db")
    store = TrainingStore(engine, max_queued=1)
    store.migrate()
    store.migrate()
    with engine.connect() as c:
        assert compare_metadata(MigrationContext.configure(c), metadata) == []
        assert "job" in sa.inspect(c).get_table_names()
    engine.dispose()
