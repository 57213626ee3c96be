"""The mail simulator's pages for people and its JSON for tests, under /mail/."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

from fastapi import FastAPI, HTTPException, Request
from fastapi.responses import FileResponse, HTMLResponse, PlainTextResponse
from fastapi.templating import Jinja2Templates

from simulators.mail.mailbox import Faults, Mailbox

_HERE = Path(__file__).parent


def build(mailbox: Mailbox) -> FastAPI:
    """The application over `mailbox`."""
    app = FastAPI(title="Mail simulator", openapi_url=None)
    templates = Jinja2Templates(_HERE / "templates")

    @app.get("/healthz")
    @app.get("/readyz")
    async def health() -> dict[str, str]:
        return {"status": "ok"}

    @app.get("/mail/", response_class=HTMLResponse)
    async def inbox(request: Request) -> Any:
        return templates.TemplateResponse(request, "inbox.html", {"mails": mailbox.all()})

    @app.get("/mail/style.css")
    async def style() -> FileResponse:
        return FileResponse(_HERE / "style.css", media_type="text/css")

    @app.get("/mail/api/messages")
    async def messages(to: str | None = None) -> list[dict[str, Any]]:
        return [asdict(mail) for mail in mailbox.all(to)]

    @app.get("/mail/api/log")
    async def log() -> list[dict[str, Any]]:
        return [
            {
                "message_id": mail.message_id,
                "to": mail.recipients,
                "subject": mail.subject,
                "at": mail.received_at,
                "told": mail.told,
            }
            for mail in mailbox.all()
        ]

    @app.put("/mail/api/faults")
    async def faults(wanted: Faults) -> Faults:
        mailbox.faults = wanted
        return wanted

    @app.get("/mail/{mail_id}", response_class=HTMLResponse)
    async def read(request: Request, mail_id: int) -> Any:
        mail = mailbox.get(mail_id)
        if mail is None:
            raise HTTPException(404, "This mail is not kept any more.")
        return templates.TemplateResponse(request, "mail.html", {"mail": mail})

    @app.get("/mail/{mail_id}/attachments/{index}", response_class=PlainTextResponse)
    async def attachment(mail_id: int, index: int) -> str:
        mail = mailbox.get(mail_id)
        if mail is None or not 0 <= index < len(mail.attachments):
            raise HTTPException(404, "There is no such attachment.")
        return mail.attachments[index].content

    return app
