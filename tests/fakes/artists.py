"""People who use the gateway, as tests play them."""

import io
from dataclasses import dataclass
from typing import Any

import httpx
from PIL import Image

PASSWORD = "correct horse battery"


def png(width: int = 40, height: int = 30, colour: str = "red") -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (width, height), colour).save(buffer, "PNG")
    return buffer.getvalue()


@dataclass
class Artist:
    """One signed-in browser; paths are below /api/v1."""

    http: httpx.AsyncClient
    csrf: str
    id: str

    async def call(self, method: str, path: str, status: int, **kwargs: Any) -> Any:
        """The answer's JSON (None when empty), after checking its status."""
        headers = {"X-CSRF-Token": self.csrf, **kwargs.pop("headers", {})}
        answer = await self.http.request(method, f"/api/v1{path}", headers=headers, **kwargs)
        assert answer.status_code == status, answer.text
        return answer.json() if answer.content else None

    async def project(self, name: str = "달빛 아래") -> str:
        made = await self.call("POST", "/projects", 201, json={"name": name})
        return str(made["id"])

    async def picture(self, project_id: str, content: bytes | None = None) -> dict[str, Any]:
        files = {"file": ("그림.png", png() if content is None else content, "image/png")}
        made: dict[str, Any] = await self.call("POST", f"/projects/{project_id}/pictures", 201, files=files)
        return made

    async def pose(self, project_id: str) -> dict[str, Any]:
        person = {"keypoints": [[float(number), 5.0, 0.9] for number in range(133)]}
        body = {"width": 64, "height": 48, "people": [person]}
        made: dict[str, Any] = await self.call("POST", f"/projects/{project_id}/poses", 201, json=body)
        return made


async def sign_up(http: httpx.AsyncClient, email: str) -> Artist:
    body = {"email": email, "password": PASSWORD, "name": "화가", "locale": "ko"}
    answer = await http.post("/api/v1/accounts", json=body)
    assert answer.status_code == 201, answer.text
    session = answer.json()
    return Artist(http=http, csrf=session["csrf_token"], id=session["account"]["id"])
