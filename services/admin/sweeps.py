"""Sweeps at an operator's word what workers sweep every six hours."""

import datetime as dt
from collections.abc import Sequence

from services.admin.places import Place
from services.common.leases import refuse_half_restored
from services.common.sweeping import GRACE, Swept


def sweep_all(places: Sequence[Place], *, dry_run: bool) -> dict[str, Swept]:
    """What each service's sweep saw and removed; in a dry run, what it would have.

    Raises:
        NotReady: a database is not at the revision that this program knows, or was restored only in part.
        Unavailable: a database or store cannot be reached.
    """
    now = dt.datetime.now(dt.UTC)
    for place in places:
        place.require_newest()
        refuse_half_restored(place.engine, place.metadata)
    return {place.name: place.sweep(place.engine, place.store, now, GRACE, dry_run) for place in places}
