"""Write docs/settings.md from the settings classes; a test compares the page with what this would write."""

import importlib
from collections.abc import Iterator
from pathlib import Path

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from services.common.settings import Settings, StrictSettings

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs/settings.md"
HEAD = """# Settings

Every process reads its settings once, at start, from environment variables. A misspelt name stops the start.
`oma up` sets addresses, ports and folders itself; this page is for whoever runs the processes otherwise.
Written by `python -m scripts.settings_page`; a test keeps it true.
"""


def settings_classes() -> list[type[StrictSettings]]:
    for path in sorted((ROOT / "services").rglob("settings.py")):
        if path.parent.name != "common":
            importlib.import_module(".".join(path.relative_to(ROOT).with_suffix("").parts))
    known = [*Settings.__subclasses__(), *StrictSettings.__subclasses__()]
    classes = [kind for kind in known if kind is not Settings and kind.__module__.startswith("services.")]
    return sorted(classes, key=lambda kind: str(kind.model_config.get("env_prefix")))


def variables(model: type[BaseModel], prefix: str) -> Iterator[tuple[str, FieldInfo]]:
    for name, field in model.model_fields.items():
        inner = field.annotation
        if isinstance(inner, type) and issubclass(inner, BaseModel):
            yield from variables(inner, f"{prefix}{name.upper()}__")
        else:
            yield f"{prefix}{name.upper()}", field


def page() -> str:
    parts = [HEAD]
    for kind in settings_classes():
        parts.append(f"\n## {kind.__module__.removesuffix('.settings')}\n\n")
        parts.append("| variable | default | what it does |\n|---|---|---|\n")
        for name, field in variables(kind, str(kind.model_config.get("env_prefix"))):
            if not field.description:
                raise SystemExit(f"{name} has no description")
            value = "" if field.is_required() else str(field.get_default(call_default_factory=True))
            default = f"`{value}`" if value else "required" if field.is_required() else "empty"
            parts.append(f"| `{name}` | {default} | {field.description} |\n")
    return "".join(parts)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
