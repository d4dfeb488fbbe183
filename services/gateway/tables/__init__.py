"""The gateway's tables: people, what they made, and the queue of what is being made.

Every row of a person carries `account_id`; a query without it is a mistake. Files are rows' references into the
artifact store: a row is written after its object and removed before it.
"""

from services.gateway.tables.base import InProject, Owned, Table, UtcTime, metadata, new_id, utc_now
from services.gateway.tables.content import (
    KINDS,
    Asset,
    AssetFile,
    FileRow,
    JobRequest,
    Picture,
    Pose,
    Project,
    Result,
    Style,
    StyleUpload,
    folded,
    jobs,
    name_order,
    search_text,
)
from services.gateway.tables.people import (
    Account,
    DailyUse,
    Letter,
    MadeOnce,
    Quota,
    Rate,
    Receipt,
    SignIn,
    Token,
)

__all__ = [
    "KINDS",
    "Account",
    "Asset",
    "AssetFile",
    "DailyUse",
    "FileRow",
    "InProject",
    "JobRequest",
    "Letter",
    "MadeOnce",
    "Owned",
    "Picture",
    "Pose",
    "Project",
    "Quota",
    "Rate",
    "Receipt",
    "Result",
    "SignIn",
    "Style",
    "StyleUpload",
    "Table",
    "Token",
    "UtcTime",
    "folded",
    "jobs",
    "metadata",
    "name_order",
    "new_id",
    "search_text",
    "utc_now",
]
