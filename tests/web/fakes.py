"""What a page is told in the place of the gateway, where the claim is about the page alone."""

import json
import re

from playwright.sync_api import Page, Route

PIXEL = "data:image/svg+xml,<svg xmlns='http://www.w3.org/2000/svg' width='4' height='3'/>"

# Tells of one job thirty times a second, with another preview each time.
STREAM = """(() => {
    class Streaming extends EventTarget {
        constructor() {
            super();
            let told = 0;
            this.timer = setInterval(() => {
                told += 1;
                const preview = document.createElement('canvas');
                preview.width = preview.height = 128;
                const pen = preview.getContext('2d');
                pen.fillStyle = `hsl(${told % 360} 60% 50%)`;
                pen.fillRect(0, 0, 128, 128);
                const job = {...JOB, steps_done: told % 1000, preview_url: preview.toDataURL()};
                this.dispatchEvent(new MessageEvent('job', {data: JSON.stringify(job)}));
            }, 33);
        }
        close() { clearInterval(this.timer); }
    }
    window.EventSource = Streaming;
})()"""


def asset(project: str, number: int) -> dict[str, object]:
    file = {"id": f"f{number}", "index": 0, "url": PIXEL, "width": 4, "height": 3, "media_type": "image/png"}
    return {
        "id": f"{number:032x}",
        "project_id": project,
        "name": f"그림 {number}",
        "description": "",
        "kind": "background",
        "files": [{**file, "size_bytes": 100, "settings": {}}],
        "starred": False,
        "folder": "",
        "tags": [],
        "deleted_at": None,
        "created_at": "2026-11-01T00:00:00Z",
    }


def tell_assets(page: Page, project: str, *, total: int, per_page: int) -> None:
    """Answer for the list of assets and for changes of one."""

    def pages(route: Route) -> None:
        asked = re.search(r"cursor=(\d+)", route.request.url)
        first = int(asked[1]) if asked else 0
        last = min(first + per_page, total)
        items = [asset(project, number) for number in range(first, last)]
        body = {"items": items, "next_cursor": str(last) if last < total else None}
        route.fulfill(status=200, content_type="application/json", body=json.dumps(body))

    def changed(route: Route) -> None:
        number = int(route.request.url.rsplit("/", 1)[1], 16)
        told = {**asset(project, number), **json.loads(route.request.post_data or "{}")}
        route.fulfill(status=200, content_type="application/json", body=json.dumps(told))

    page.route("**/assets?*", pages)
    page.route("**/api/v1/assets/*", changed)


def tell_a_job(page: Page, project: str, *, prompt: str = "a street", **changes: object) -> dict[str, object]:
    """Answer with this one job, a drawing under way unless told otherwise."""
    job: dict[str, object] = {
        "id": "e" * 32,
        "project_id": project,
        "kind": "background",
        "state": "running",
        "cancel_requested": False,
        "queue_position": None,
        "steps_done": 1,
        "steps_total": 1000,
        "seconds_left": 40.0,
        "stage": "drawing",
        "preview_url": PIXEL,
        "losses": [],
        "findings": [],
        "checkpoint_samples": [],
        "error": None,
        "request": {"prompt": prompt},
        "results": [],
        "style_id": None,
        "created_at": "2026-11-01T00:00:00Z",
        "started_at": "2026-11-01T00:00:00Z",
        "ended_at": None,
    } | changes
    answer = json.dumps({"items": [job], "next_cursor": None})
    page.route("**/jobs?*", lambda route: route.fulfill(status=200, content_type="application/json", body=answer))
    return job


def tell_a_running_job(page: Page, project: str) -> None:
    """Answer with one drawing under way, and stream its previews after the next reload."""
    page.add_init_script(STREAM.replace("JOB", json.dumps(tell_a_job(page, project))))
