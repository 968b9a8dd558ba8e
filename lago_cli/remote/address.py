"""Where a Lago is: the URL that a person gives, in the one form that it is remembered by."""

from __future__ import annotations

from urllib.parse import quote, urlsplit

from lago_cli.errors import LagoError, wrong_usage

API = "/api/v1"
_PORTS = {"http": 80, "https": 443}
_EXAMPLE = "For example: https://api.getlago.com, or http://127.0.0.1:3000"


def normalised(url: str) -> str:
    """
    `HTTPS://Lago.example:443/metering/api/v1/` as `https://lago.example/metering`.

    Raises:
        LagoError: wrong usage, where it is no URL of HTTP, or has more than a place.
    """
    text = url.strip()
    scheme = text.partition("://")[0].lower()
    if "://" not in text or scheme not in _PORTS:
        raise _invalid(text, "does not begin with http:// or https://")
    try:
        parts = urlsplit(text)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise _invalid(text.split("@")[-1], f"cannot be read: {error}") from None
    if parts.username is not None or parts.password is not None:
        shown = text.split("@")[-1]
        hint = "Give the key with --key or $LAGO_API_KEY."
        raise wrong_usage("invalid_url", f"The URL of {shown} has a name or password in it.", hint)
    if not host:
        raise _invalid(text, "names no host")
    if parts.query or parts.fragment or text.endswith(("?", "#")):
        raise _invalid(text.partition("?")[0].partition("#")[0], "has more than a path")
    try:
        host = host.encode("idna").decode() if not host.isascii() else host
    except UnicodeError:
        raise _invalid(text, "has no valid host") from None
    if any(sign.isspace() or not sign.isprintable() for sign in text):
        raise _invalid(text, "has spaces or control characters in it")
    shown = f"[{host}]" if ":" in host else host
    place = shown if port in (None, _PORTS[scheme]) else f"{shown}:{port}"
    path = quote(parts.path, safe="/%:@!$&'()*+,;=~-._").rstrip("/")
    return f"{scheme}://{place}{path.removesuffix(API).rstrip('/')}"


def _invalid(shown: str, reason: str) -> LagoError:
    return wrong_usage("invalid_url", f'"{shown}" {reason}.', _EXAMPLE)
