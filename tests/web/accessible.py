"""axe-core, which knows the rules that a program can check."""

from pathlib import Path
from typing import Any

from playwright.sync_api import Page

AXE = Path(__file__).parents[2] / "web/node_modules/axe-core/axe.min.js"
# A colour halfway between two themes is nobody's to read. What turns for ever, such as a waiting wheel, does not count.
SETTLED = """async () => {
  const ends = (one) => one.playState === "running" && one.effect.getComputedTiming().endTime !== Infinity;
  const passing = document.getAnimations().filter(ends);
  await Promise.allSettled(passing.map((one) => one.finished));
}"""
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]


def violations(page: Page) -> list[str]:
    """What axe-core has against the page once its colours rest: rule, element and reason; empty when nothing."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE.read_text(encoding="utf-8"))  # past the page's own policy, which allows no foreign script
    page.evaluate(SETTLED)
    found: dict[str, Any] = page.evaluate(
        "rules => window.axe.run(document, {runOnly: rules, resultTypes: ['violations']})", RULES
    )
    return [
        f"{problem['id']}: {node['target']}: {node['failureSummary']}"
        for problem in found["violations"]
        for node in problem["nodes"]
    ]
