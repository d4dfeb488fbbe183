"""An artist who has something already: made through the gateway, in the browser's own session."""

import time
from dataclasses import dataclass
from typing import Any

from playwright.sync_api import Page

PATIENCE_SECONDS = 600


@dataclass(frozen=True, slots=True)
class Having:
    """What is sent goes with the page's cookie and CSRF token."""

    page: Page

    def send(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        session = self.page.request.get("/api/v1/session").json()
        answer = self.page.request.fetch(
            f"/api/v1{path}", method=method, data=body, headers={"X-CSRF-Token": session["csrf_token"]}
        )
        assert answer.ok, answer.text()
        return answer.json() if answer.body() else None

    def drawing(self, project_id: str, prompt: str) -> str:
        """A drawn background; the id of its picture."""
        job = self.send("POST", f"/projects/{project_id}/backgrounds", {"prompt": prompt, "steps": 2, "enlarge": 1})
        until = time.monotonic() + PATIENCE_SECONDS
        while job["state"] in ("queued", "running"):
            assert time.monotonic() < until, job
            self.page.wait_for_timeout(500)  # keeps the page alive; the loop waits for the state
            job = self.send("GET", f"/jobs/{job['id']}")
        assert job["state"] == "succeeded", job
        result_id: str = job["results"][0]["id"]
        return result_id

    def assets(self, project_id: str, result_id: str, names: list[str]) -> None:
        for name in names:
            self.send("POST", f"/projects/{project_id}/assets", {"name": name, "result_ids": [result_id]})
