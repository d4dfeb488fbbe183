"""List what a test run skipped, and fail for it in CI: a part that was never tried proves nothing.

python scripts/report_skips.py <JUnit report>
"""

import os
import sys
from collections import Counter
from pathlib import Path
from xml.etree import ElementTree as ET


def skips(report: str) -> Counter[str]:
    """How many tests were skipped, by reason."""
    skipped = ET.fromstring(report).iter("skipped")  # noqa: S314 (pytest has just written it)
    return Counter(one.get("message") or "no reason given" for one in skipped if one.get("type") != "pytest.xfail")


def main() -> int:
    path = Path(sys.argv[1])
    text = path.read_text(encoding="utf-8")
    if not text:
        print("No report: the tests did not run.")
        return 1
    found = skips(text)
    if not found:
        return 0
    print("\nNot tried on this system:")
    for reason, count in found.most_common():
        print(f"  {count:3d}  {reason}")
    if os.environ.get("CI"):
        print("In CI no test may be skipped.")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
