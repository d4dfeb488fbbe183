"""The family's manifest: what the folder holds, byte for byte, and how each network came about.

`python -m models.webtoon_tiny.manifest` refreshes the hashes; `--check` only compares them and fails on any difference.
"""

import argparse
import hashlib
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from models.webtoon_tiny.training import WEIGHTS

NAME = "manifest.json"
FAMILY: Mapping[str, Any] = {
    "name": "webtoon-tiny",
    "licence": "Apache-2.0",
    "resolution": 128,
    "size_step": 32,
    "default_steps": 25,
    "default_guidance": 4.0,
    "transfer_guidance": 1.5,
    "style_rate": 4.0,
}
JUDGE: Mapping[str, Any] = {"name": "webtoon-tiny-judge", "licence": "Apache-2.0"}
"""The evaluation's networks: beside the family, no part of it."""


class ManifestError(Exception):
    """The folder and its manifest disagree, or the folder holds what a family must not hold."""


def hash_files(folder: Path) -> dict[str, str]:
    """The sha256 of every file below the folder except the manifest, by relative path.

    Raises ManifestError for pickles, logs and other files that do not belong to a family.
    """
    hashes: dict[str, str] = {}
    for path in sorted(folder.rglob("*")):
        relative = path.relative_to(folder).as_posix()
        if path.is_symlink():
            raise ManifestError(f"{relative} is a link")
        if path.is_dir() or relative == NAME:
            continue
        if path.suffix not in {".json", ".txt", ".safetensors", ".onnx"}:
            raise ManifestError(f"{relative} does not belong to a family")
        hashes[relative] = hashlib.sha256(path.read_bytes()).hexdigest()
    return hashes


def read(folder: Path = WEIGHTS) -> dict[str, Any]:
    """The manifest as it is; one without networks where there is none yet."""
    path = folder / NAME
    if not path.exists():
        return {"files": {}, "training": {}}
    manifest: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return manifest


def refresh(
    folder: Path = WEIGHTS,
    training: Mapping[str, Mapping[str, Any]] | None = None,
    *,
    about: Mapping[str, Any] = FAMILY,
) -> dict[str, Any]:
    """Writes the manifest anew: fresh hashes, the given networks' training records beside those already there.

    A record is {seed, steps, pictures, seconds, measured: {name: number}}; ManifestError says which key is missing.
    """
    manifest = {**read(folder), **about}
    for network, record in (training or {}).items():
        missing = {"seed", "steps", "pictures", "seconds", "measured"} - record.keys()
        if missing:
            raise ManifestError(f"the training record of {network} lacks {', '.join(sorted(missing))}")
        manifest["training"] = {**manifest["training"], network: dict(record)}
    manifest["files"] = hash_files(folder)
    (folder / NAME).write_text(json.dumps(manifest, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    return manifest


def add_run(
    folder: Path,
    network: str,
    run: Mapping[str, float],
    measured: Mapping[str, float],
    *,
    fresh: bool,
    about: Mapping[str, Any] = FAMILY,
) -> dict[str, Any]:
    """Records one run of a recipe ({seed, steps, pictures, seconds}) after the earlier ones, which `fresh` forgets.

    The network's own seed is its first run's; steps, pictures and seconds are sums over the runs.
    """
    earlier = [] if fresh else read(folder)["training"].get(network, {}).get("runs", [])
    runs = [*earlier, dict(run)]
    totals = {key: sum(one[key] for one in runs) for key in ("steps", "pictures", "seconds")}
    record = {"seed": runs[0]["seed"], **totals, "runs": runs, "measured": dict(measured)}
    return refresh(folder, {network: record}, about=about)


def check(folder: Path = WEIGHTS) -> None:
    """Raises ManifestError unless the manifest names exactly the files that are there, with their hashes."""
    recorded, present = read(folder)["files"], hash_files(folder)
    differing = sorted(name for name in recorded.keys() | present.keys() if recorded.get(name) != present.get(name))
    if differing:
        raise ManifestError(f"not as recorded: {', '.join(differing)}")


def main() -> int:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="compare only")
    parser.add_argument("--folder", type=Path, default=WEIGHTS)
    given = parser.parse_args()
    try:
        if given.check:
            check(given.folder)
        else:
            refresh(given.folder)
    except ManifestError as error:
        print(error, file=sys.stderr)
        return 1
    print(f"{len(read(given.folder)['files'])} files as recorded")
    return 0


if __name__ == "__main__":
    sys.exit(main())
