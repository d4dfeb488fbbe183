"""The gateway's REST API as methods: one for each call, typed both ways."""

import uuid
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Self, TypeVar

import httpx

from services.cli.client.events import watch_job
from services.cli.client.records import (
    Asset,
    Check,
    Job,
    Person,
    Photographs,
    Picture,
    Pose,
    Project,
    Record,
    Session,
    Status,
    Style,
    Token,
    Translation,
)
from services.cli.client.requests import BackgroundRequest, EstimateRequest, PoseTransferRequest, TrainingRequest
from services.cli.client.transport import TIMEOUT, Transport

R = TypeVar("R", bound=Record)


class Gateway:
    """One gateway, called as one artist.

    Every method raises ApiError with the gateway's own words when it refuses.
    """

    def __init__(
        self,
        url: str,
        *,
        token: str | None = None,
        patience_seconds: float = 10.0,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self.url = url.rstrip("/")
        self._patience_seconds = patience_seconds
        self._http = httpx.Client(
            base_url=f"{self.url}/api/v1/",
            headers={"Authorization": f"Bearer {token}"} if token else {},
            timeout=TIMEOUT,
            transport=transport,
            trust_env=transport is None and not _is_loopback(url),  # a proxy cannot reach this machine's loopback
        )
        self._transport = Transport(self._http, patience_seconds=patience_seconds)

    def close(self) -> None:
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # People

    def sign_up(self, *, email: str, password: str, name: str, locale: str | None = None) -> Session:
        body = {"email": email, "password": password, "name": name, **({"locale": locale} if locale else {})}
        return self._post("accounts", Session, body)

    def create_token(self, *, email: str, password: str, label: str) -> Token:
        return self._post("tokens", Token, {"email": email, "password": password, "label": label})

    def status(self) -> Status:
        return self._get("status", Status)

    # Projects and what is put into them

    def create_project(self, name: str) -> Project:
        return self._post("projects", Project, {"name": name})

    def projects(self) -> list[Project]:
        return self._list("projects", Project)

    def delete_project(self, project_id: str) -> None:
        self._transport.send("DELETE", f"projects/{project_id}")

    def upload_picture(self, project_id: str, path: Path) -> Picture:
        """Sent again when the answer is lost: a second copy does less harm than none."""
        files = {"file": (path.name, path.read_bytes())}
        sent = self._transport.send("POST", f"projects/{project_id}/pictures", files=files, repeatable=True)
        return Picture.model_validate_json(sent.content)

    def pictures(self, project_id: str) -> list[Picture]:
        return self._list(f"projects/{project_id}/pictures", Picture)

    def delete_picture(self, picture_id: str) -> None:
        self._transport.send("DELETE", f"pictures/{picture_id}")

    # Styles

    def train(self, project_id: str, request: TrainingRequest) -> Job:
        return self._start(f"projects/{project_id}/trainings", request.body())

    def check_training(self, project_id: str, request: TrainingRequest) -> Check:
        """What is noticed about its pictures; nothing is begun."""
        return self._again("POST", f"projects/{project_id}/trainings/check", Check, request.check_body())

    def styles(self, project_id: str, *, in_use: bool | None = None) -> list[Style]:
        """Every version of every style; or those in use only."""
        asked = {} if in_use is None else {"in_use": str(in_use).lower()}
        return self._list(f"projects/{project_id}/styles", Style, asked)

    def style(self, style_id: str) -> Style:
        return self._get(f"styles/{style_id}", Style)

    def style_versions(self, style_id: str) -> list[Style]:
        return self._list(f"styles/{style_id}/versions", Style)

    def use_style(self, style_id: str) -> Style:
        """Make this version the one in use."""
        return self._again("POST", f"styles/{style_id}/use", Style)

    def change_style(self, style_id: str, *, name: str | None = None, note: str | None = None) -> Style:
        body = {key: value for key, value in {"name": name, "note": note}.items() if value is not None}
        return self._again("PATCH", f"styles/{style_id}", Style, body)

    def export_style(
        self, style_id: str, method: str, *, dialect: str | None = None, precision: str | None = None
    ) -> bytes:
        """The safetensors file."""
        asked = {"method": method, "dialect": dialect, "precision": precision}
        given = {key: value for key, value in asked.items() if value}
        return self._transport.send("GET", f"styles/{style_id}/export", params=given).content

    def import_style(self, project_id: str, path: Path, *, name: str) -> Style:
        """Keep a style file of another program."""
        files, headers = {"file": (path.name, path.read_bytes())}, {"Idempotency-Key": uuid.uuid4().hex}
        place = f"projects/{project_id}/styles/import"
        sent = self._transport.send("POST", place, files=files, data={"name": name}, headers=headers)
        return Style.model_validate_json(sent.content)

    def delete_style(self, style_id: str) -> None:
        self._transport.send("DELETE", f"styles/{style_id}")

    # Drawing

    def translate(self, prompt: str) -> Translation:
        sent = self._transport.send("POST", "prompts/translate", json={"prompt": prompt}, repeatable=True)
        return Translation.model_validate_json(sent.content)

    def draw_background(self, project_id: str, request: BackgroundRequest) -> Job:
        return self._start(f"projects/{project_id}/backgrounds", request.body())

    def draw_backgrounds(self, project_id: str, picture_ids: Sequence[str], request: BackgroundRequest) -> Photographs:
        """Draw over many pictures with one set of choices: a job for each."""
        body = {**request.body(), "picture_ids": list(picture_ids)}
        headers = {"Idempotency-Key": uuid.uuid4().hex}
        sent = self._transport.send("POST", f"projects/{project_id}/backgrounds/batch", json=body, headers=headers)
        return Photographs.model_validate_json(sent.content)

    def transfer_pose(self, project_id: str, request: PoseTransferRequest) -> Job:
        return self._start(f"projects/{project_id}/pose-transfers", request.body())

    # Poses

    def estimate_pose(self, project_id: str, request: EstimateRequest) -> Pose:
        return self._again("POST", f"projects/{project_id}/poses/estimate", Pose, request.body())

    def import_pose(self, project_id: str, content: str, *, size_wh: tuple[int, int]) -> Pose:
        """Keep the pose of an OpenPose file."""
        body = {"content": content, "width": size_wh[0], "height": size_wh[1]}
        return self._post(f"projects/{project_id}/poses/import", Pose, body)

    def skeleton(self, pose_id: str, file_format: str) -> bytes:
        """The skeleton as a "png", "svg", "openpose-18" or "openpose-25" file."""
        return self._transport.send("GET", f"poses/{pose_id}/skeleton", params={"format": file_format}).content

    def create_pose(
        self, project_id: str, *, size_wh: tuple[int, int], people: Sequence[Person], picture_id: str | None = None
    ) -> Pose:
        body: dict[str, Any] = {"width": size_wh[0], "height": size_wh[1], "people": [p.model_dump() for p in people]}
        if picture_id:
            body["picture_id"] = picture_id
        return self._post(f"projects/{project_id}/poses", Pose, body)

    def poses(self, project_id: str) -> list[Pose]:
        return self._list(f"projects/{project_id}/poses", Pose)

    def pose(self, pose_id: str) -> Pose:
        return self._get(f"poses/{pose_id}", Pose)

    def edit_pose(self, pose_id: str, people: Sequence[Person]) -> Pose:
        body = {"people": [person.model_dump() for person in people]}
        return Pose.model_validate_json(self._transport.send("PUT", f"poses/{pose_id}", json=body).content)

    # Jobs

    def jobs(self, *, project_id: str | None = None, state: str | None = None) -> list[Job]:
        asked = {"project_id": project_id, "state": state}
        return self._list("jobs", Job, {key: value for key, value in asked.items() if value})

    def job(self, job_id: str) -> Job:
        return self._get(f"jobs/{job_id}", Job)

    def watch(self, job_id: str) -> Iterator[Job]:
        """Every state of the job that can be seen, the end state last, over lost connections."""
        return watch_job(self._http, job_id, patience_seconds=max(self._patience_seconds, 60.0))

    def cancel(self, job_id: str) -> Job:
        return self._post(f"jobs/{job_id}/cancel", Job)

    def retry(self, job_id: str) -> Job:
        return self._start(f"jobs/{job_id}/retry", None)

    # Assets

    def save_asset(
        self, project_id: str, *, name: str, result_ids: Sequence[str], description: str = "", folder: str = ""
    ) -> Asset:
        body = {"name": name, "description": description, "result_ids": list(result_ids)}
        if folder:
            body["folder"] = folder
        return self._post(f"projects/{project_id}/assets", Asset, body)

    def assets(
        self,
        project_id: str,
        *,
        search: str | None = None,
        kind: str | None = None,
        starred: bool | None = None,
        folder: str | None = None,
        order: str | None = None,
    ) -> list[Asset]:
        """`folder`: with what lies below it; "" for what lies in none."""
        asked = {"search": search, "kind": kind, "order": order}
        given = {key: value for key, value in asked.items() if value}
        if starred is not None:
            given["starred"] = str(starred).lower()
        if folder is not None:
            given["folder"] = folder
        return self._list(f"projects/{project_id}/assets", Asset, given)

    def trashed_assets(self, project_id: str) -> list[Asset]:
        return self._list("trash", Asset, {"project_id": project_id})

    def asset(self, asset_id: str) -> Asset:
        return self._get(f"assets/{asset_id}", Asset)

    def assets_zip(self, project_id: str, asset_ids: Sequence[str] = ()) -> bytes:
        """Of all of a project's assets, or of these."""
        chosen = {"asset": list(asset_ids)}
        return self._transport.send("GET", f"projects/{project_id}/assets.zip", params=chosen).content

    def star_asset(self, asset_id: str, *, starred: bool) -> Asset:
        return self._again("PATCH", f"assets/{asset_id}", Asset, {"starred": starred})

    def move_asset(self, asset_id: str, *, folder: str) -> Asset:
        return self._again("PATCH", f"assets/{asset_id}", Asset, {"folder": folder})

    def tag_asset(self, asset_id: str, *, tags: Sequence[str]) -> Asset:
        """In place of the tags that it has."""
        return self._again("PATCH", f"assets/{asset_id}", Asset, {"tags": list(tags)})

    def delete_asset(self, asset_id: str) -> None:
        """Into the trash, where it stays for 30 days."""
        self._transport.send("DELETE", f"assets/{asset_id}")

    def restore_asset(self, asset_id: str) -> Asset:
        return self._again("POST", f"assets/{asset_id}/restore", Asset)

    def delete_from_trash(self, asset_id: str) -> None:
        """For good."""
        self._transport.send("DELETE", f"trash/{asset_id}")

    def download(self, url: str) -> bytes:
        """What a signed link of a record leads to."""
        return self._transport.send("GET", f"{self.url}{url}").content

    def _get(self, path: str, kind: type[R]) -> R:
        return kind.model_validate_json(self._transport.send("GET", path).content)

    def _post(self, path: str, kind: type[R], body: dict[str, Any] | None = None) -> R:
        return kind.model_validate_json(self._transport.send("POST", path, json=body).content)

    def _again(self, method: str, path: str, kind: type[R], body: dict[str, Any] | None = None) -> R:
        """Send what does no more when it is done twice."""
        sent = self._transport.send(method, path, json=body, repeatable=True)
        return kind.model_validate_json(sent.content)

    def _start(self, path: str, body: dict[str, Any] | None) -> Job:
        """Create a job once, however often the request has to be sent."""
        headers = {"Idempotency-Key": uuid.uuid4().hex}
        return Job.model_validate_json(self._transport.send("POST", path, json=body, headers=headers).content)

    def _list(self, path: str, kind: type[R], asked: dict[str, str] | None = None) -> list[R]:
        """Every item of every page."""
        items: list[R] = []
        params = dict(asked or {})
        while True:
            page = self._transport.send("GET", path, params=params).json()
            items += [kind.model_validate(item) for item in page["items"]]
            if not page.get("next_cursor"):
                return items
            params["cursor"] = page["next_cursor"]


def _is_loopback(url: str) -> bool:
    return httpx.URL(url).host in ("127.0.0.1", "localhost", "::1")
