"""
Who looks at the page: a signed cookie, and the token that forms carry.

The cookie is HttpOnly and SameSite=Strict, and holds a random id, whether its owner knows the
key, and a signature. A form's token is made of that id: another site cannot know it.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections import OrderedDict
from typing import NamedTuple

COOKIE = "lago_session"
_MOST_ENDED = 10_000
_FOREVER = 30 * 86_400  # seconds, as far as a page is concerned


class Visitor(NamedTuple):
    """Somebody who looks at the page."""

    id: str
    is_signed_in: bool
    is_new: bool  # the answer has to set the cookie


class Sessions:
    """With a key, sessions outlive a restart and end when the key changes."""

    def __init__(self, key: str | None) -> None:
        self._key = key
        self._secret = (
            secrets.token_bytes(32)
            if key is None
            else hashlib.sha256(b"lago session " + key.encode()).digest()
        )
        self._ticket: str | None = None
        self._ended: OrderedDict[str, None] = OrderedDict()  # ids of visitors who signed out

    def knows(self, key: str | None) -> bool:
        """Whether a key is the right one; everything is right where there is none."""
        if self._key is None:
            return True
        return hmac.compare_digest(_digest(key or ""), _digest(self._key))

    def visitor(self, cookie_header: str) -> Visitor:
        """Whom a cookie belongs to; a new visitor where it is none of ours."""
        for each in cookie_header.split(";"):  # others on this host may have left anything
            name, _, value = each.strip().partition("=")
            parts = value.split(".")
            if name != COOKIE or len(parts) != 3 or parts[0] in self._ended:
                continue
            if hmac.compare_digest(_digest(parts[2]), _digest(self._sign(parts[0], parts[1]))):
                return Visitor(parts[0], parts[1] == "1" or self._key is None, is_new=False)
        return Visitor(secrets.token_urlsafe(18), self._key is None, is_new=True)

    def cookie(self, visitor: Visitor, *, secure: bool) -> str:
        """The value of a `Set-Cookie` header."""
        flag = "1" if visitor.is_signed_in else "0"
        value = f"{visitor.id}.{flag}.{self._sign(visitor.id, flag)}"
        return _cookie(value, _FOREVER, secure=secure)

    def end(self, visitor: Visitor, *, secure: bool) -> str:
        """The value of a `Set-Cookie` header that makes a browser forget; its cookie is void."""
        self._ended[visitor.id] = None
        if len(self._ended) > _MOST_ENDED:
            self._ended.popitem(last=False)
        return _cookie("", 0, secure=secure)

    def signed_in(self) -> Visitor:
        """A visitor who has shown the key; the id is a new one."""
        return Visitor(secrets.token_urlsafe(18), is_signed_in=True, is_new=True)

    def token(self, visitor: Visitor) -> str:
        """What the forms of a visitor carry."""
        return self._sign("form", visitor.id)

    def is_token(self, visitor: Visitor, token: str) -> bool:
        return hmac.compare_digest(_digest(token), _digest(self.token(visitor)))

    def ticket(self) -> str:
        """A word that signs in once, for the browser that `--open` starts."""
        self._ticket = secrets.token_urlsafe(24)
        return self._ticket

    def use_ticket(self, ticket: str) -> bool:
        if self._ticket is None or not hmac.compare_digest(_digest(ticket), _digest(self._ticket)):
            return False
        self._ticket = None
        return True

    def _sign(self, *words: str) -> str:
        return hmac.new(self._secret, "\0".join(words).encode(), hashlib.sha256).hexdigest()


def _digest(text: str) -> bytes:
    """Comparing digests takes the same time for whatever is compared."""
    return hashlib.sha256(text.encode(errors="surrogateescape")).digest()


def _cookie(value: str, seconds: int, *, secure: bool) -> str:
    ending = "; Secure" if secure else ""
    return f"{COOKIE}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Strict{ending}"
