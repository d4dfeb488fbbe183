"""Sweeps style training's part of the artifact store: see `services.common.sweeping`.

A training's folder stays as long as its row: pictures, files and samples. Of its checkpoints only the one stays that
the row names.
"""

import datetime as dt
from collections.abc import Collection

from services.common.artifacts import ArtifactStore
from services.common.sweeping import GRACE, Swept, sweep_prefix
from services.style_train.records import PREFIX, Checkpoint
from services.style_train.store import TrainingStore


def sweep_trainings(
    trainings: TrainingStore,
    store: ArtifactStore,
    *,
    now: dt.datetime,
    grace: dt.timedelta = GRACE,
    dry_run: bool = False,
) -> Swept:
    """Remove the objects of `<owner>/style/` that no training has and that are older than the grace.

    Raises:
        Unavailable: the store cannot be reached.
        sqlalchemy.exc.OperationalError: the database cannot; nothing was removed since it was last asked.
    """

    def named(keys: Collection[str]) -> set[str]:
        by_id: dict[str, list[str]] = {}
        for key in keys:
            by_id.setdefault(key.split("/")[2], []).append(key)
        found: set[str] = set()
        for job in trainings.existing(by_id.keys()):
            position = Checkpoint.model_validate(job.checkpoint).position
            current = position.key if position is not None else None
            found |= {key for key in by_id[job.id] if "/checkpoints/" not in key or key == current}
        return found

    total = Swept()
    for owner in store.owners():
        prefix = f"{owner}/{PREFIX}/"
        total += sweep_prefix(store, prefix, named=named, older_than=now - grace, dry_run=dry_run)
    return total
