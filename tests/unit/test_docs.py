"""What the pages say is what the code does."""

import re
from pathlib import Path

import pytest

from scripts import metrics_page, proto_pages
from scripts.settings_page import PAGE, page, settings_classes

ROOT = Path(__file__).parents[2]


def test_the_settings_page_is_what_the_code_says() -> None:
    assert len(settings_classes()) >= 5
    assert PAGE.read_text(encoding="utf-8") == page(), "run `python -m scripts.settings_page`"


@pytest.mark.parametrize("doc", sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]), ids=lambda p: p.name)
def test_links_between_pages_lead_somewhere(doc: Path) -> None:
    links = re.findall(r"\]\((?!https?:|#|mailto:)([^)#\s]+)", doc.read_text(encoding="utf-8"))
    assert [link for link in links if not (doc.parent / link).exists()] == []


def test_every_make_target_that_the_readme_names_exists() -> None:
    named = set(re.findall(r"`make ([a-z0-9-]+)`", (ROOT / "README.md").read_text(encoding="utf-8")))
    made = set(re.findall(r"^([a-z0-9-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    assert {"demo", "test"} <= named
    assert named <= made


def test_the_korean_readme_gives_the_same_commands_programs_and_links() -> None:
    english, korean = ((ROOT / name).read_text(encoding="utf-8") for name in ("README.md", "README.ko.md"))
    fences = [re.findall(r"^```(\w*)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL) for text in (english, korean)]
    programs, translated = ([(kind, re.sub(r" +# .*", "", body)) for kind, body in found] for found in fences)
    assert len(programs) >= 3
    assert translated == programs
    inline = [
        set(re.findall(r"`([^`\n]+)`", re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)))
        for text in (english, korean)
    ]
    assert inline[0] == inline[1]
    links = [sorted(re.findall(r"\]\(([^)]+)\)", text)) for text in (english, korean)]
    assert [link.replace("README.ko.md", "README.md") for link in links[0]] == links[1]


def test_every_decision_has_the_same_four_parts() -> None:
    decisions = sorted((ROOT / "docs/decisions").glob("[0-9]*.md"))
    assert len(decisions) >= 6
    for decision in decisions:
        headings = re.findall(r"^## (.+)$", decision.read_text(encoding="utf-8"), re.MULTILINE)
        assert headings == ["Context", "Decision", "Consequences", "Alternatives"], decision.name


def test_the_page_of_metrics_is_what_the_code_says() -> None:
    assert len(metrics_page.entries()) > 30
    assert metrics_page.PAGE.read_text(encoding="utf-8") == metrics_page.page(), "run `python -m scripts.metrics_page`"


def test_the_pages_of_the_protos_are_what_their_comments_say() -> None:
    pages = proto_pages.pages()
    assert len(pages) >= 8
    written = {path: path.read_text(encoding="utf-8") for path in proto_pages.PAGES.glob("*-*.md")}
    assert written == pages, "run `python -m scripts.proto_pages`"


def test_every_reason_that_the_pages_name_is_one_of_the_code() -> None:
    texts = [path.read_text(encoding="utf-8") for path in proto_pages.PAGES.glob("*.md")]
    named = {reason for text in texts for reason in re.findall(r"`([A-Z]+(?:_[A-Z]+)*)`", text)}
    known = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "services").rglob("*.py"))
    values = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "protos").rglob("*.proto"))
    assert len(named) > 40
    assert [reason for reason in named if f'"{reason}"' not in known and f"{reason} =" not in values] == []
