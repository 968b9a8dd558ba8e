"""The form that asks for the key."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lago_cli.server.pages.page import Page
from lago_cli.server.pages.writing import write

if TYPE_CHECKING:
    from lago_cli.server.routes import Answer, Request


def sign_in(request: Request, wanted: str, fault: str = "") -> Answer:
    """`wanted` is where it leads."""
    values = {"next": wanted, "fault": fault, "form_token": request.token}
    return write(Page("login.html", "Sign in", values, has_data=False), None)
