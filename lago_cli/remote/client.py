"""
A client of Lago's API: it asks again where the other side is busy or away, and is patient.

The key is in the header of a request and nowhere else.
"""

from __future__ import annotations

import ssl
from collections.abc import Callable, Mapping
from decimal import Decimal
from email.utils import parsedate_to_datetime
from fractions import Fraction
from types import TracebackType
from typing import TYPE_CHECKING, Any, NamedTuple

import httpx
import msgspec

from lago_cli.errors import Kind, LagoError, not_found, refused, wrong_usage
from lago_cli.remote.address import API, normalised

if TYPE_CHECKING:
    from collections.abc import Iterator

Seconds = Fraction
JSON = {"Content-Type": "application/json", "Accept": "application/json"}
_FIRST_PAUSE, _LONGEST_PAUSE = Fraction(1, 2), Fraction(15)
_CONNECT_SECONDS, _ANSWER_SECONDS = 10, 60
_AGAIN = frozenset({408, 425, 429})
_AWAY = "Run it again later: what was answered for is remembered."
_NEEDS_KEY = "Give its key with --key or $LAGO_API_KEY."


class Answer(NamedTuple):
    """What the other side says; the body is None where it is no JSON object."""

    status: int
    body: Mapping[str, Any] | None

    @property
    def code(self) -> str | None:
        """Of an error, in Lago's words."""
        code = (self.body or {}).get("code")
        return code if isinstance(code, str) else None

    @property
    def said(self) -> str:
        """The status, and what was said of it."""
        words = [self.code, (self.body or {}).get("error")]
        return f"{self.status} " + next((f"({each})" for each in words if each), "")


class Surroundings(NamedTuple):
    """What a client needs of the world."""

    clock: Callable[[], int]  # nanoseconds that pass
    now: Callable[[], int]  # microseconds since 1970
    pause: Callable[[Seconds], None]
    say: Callable[[str], None]  # told why it waits


class Client:
    """A context manager, of one connection that stays open."""

    def __init__(
        self, url: str, key: str | None, surroundings: Surroundings, *, patience: Seconds
    ) -> None:
        """
        Raises:
            LagoError: wrong usage, where `url` is none, or `key` cannot be one.
        """
        self.url = normalised(url)
        self._has_key = key is not None
        self._patience = patience
        self._world = surroundings
        headers = dict(JSON)
        if key is not None:
            if not key.isascii() or not key.isprintable() or " " in key:
                message = "The key has characters in it that no key has."
                raise wrong_usage("invalid_key", message, "See that it was copied whole.")
            headers["Authorization"] = f"Bearer {key}"
        self._http = httpx.Client(
            headers=headers,
            timeout=httpx.Timeout(_ANSWER_SECONDS, connect=_CONNECT_SECONDS),
            follow_redirects=False,
        )

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._http.close()

    def post(self, path: str, content: bytes) -> Answer:
        """See `_ask`."""
        return self._ask("POST", path, content=content)

    def get(self, path: str, parameters: Mapping[str, str]) -> Answer:
        """See `_ask`."""
        return self._ask("GET", path, params=dict(parameters))

    def _ask(self, method: str, path: str, **what: Any) -> Answer:
        """
        What it answers, with whatever status a Lago answers with.

        Raises:
            LagoError: it does not accept the key; it is no Lago; or it stays away, or busy,
                for longer than the patience lasts.
        """
        since: int | None = None
        pause = _FIRST_PAUSE
        while True:
            try:
                response = self._http.request(method, f"{self.url}{API}{path}", **what)
            except httpx.RequestError as error:
                self._refuse_untrusted(error)
                reason, wait = f"does not answer ({_reason_of(error)})", pause
            else:
                if response.status_code not in _AGAIN and response.status_code < 500:
                    return self._judged(method, path, response)
                reason = f"answers {response.status_code}"
                asked = self._asked_for(response)
                wait = pause if asked is None else asked
            now = self._world.clock()
            since = now if since is None else since
            if Fraction(now - since, 10**9) + wait > self._patience:
                raise self._away(reason, wait)
            if wait >= 1:
                self._world.say(f"{self.url} {reason}; trying again in {_shown(wait)} s.")
            self._world.pause(wait)
            pause = min(pause * 2, _LONGEST_PAUSE)

    def _asked_for(self, response: httpx.Response) -> Seconds | None:
        """How long it wants us to wait."""
        for name in ("retry-after", "x-ratelimit-reset"):
            text = response.headers.get(name, "").strip()
            if text.replace(".", "", 1).isascii() and text.replace(".", "", 1).isdigit():
                return max(Fraction(text[:12]), Fraction(1, 10))
            if name == "retry-after" and text:
                try:
                    moment = parsedate_to_datetime(text)
                    seconds = Fraction(int(moment.timestamp())) - Fraction(self._world.now(), 10**6)
                    return max(seconds, Fraction(1, 10))
                except (ValueError, OverflowError):
                    continue
        return None

    def _away(self, reason: str, wait: Seconds) -> LagoError:
        hint = _AWAY
        if wait > self._patience > 0:
            reason += f" and wants us to wait for {_shown(wait)} s"
            hint = f"{_AWAY} --retry-for {_shown(wait)} waits for it."
        return LagoError(Kind.LOCKED, "server_unavailable", f"{self.url} {reason}.", hint)

    def _refuse_untrusted(self, error: BaseException) -> None:
        """Raises `LagoError` where no trust can be had; to ask again would change nothing."""
        if any(isinstance(each, ssl.SSLError) for each in _causes(error)):
            reason = next(str(e) for e in _causes(error) if isinstance(e, ssl.SSLError))
            message = f"No secure connection to {self.url}: {reason.rstrip('.')}."
            hint = "See its certificate, or name that of your own authority by $SSL_CERT_FILE."
            if self.url.startswith("https:") and "WRONG_VERSION" in reason:
                hint = f"Does it speak plain HTTP? http{self.url.removeprefix('https')}"
            raise not_a_lago("tls_failed", message, hint) from None

    def _judged(self, method: str, path: str, response: httpx.Response) -> Answer:
        status, content = response.status_code, response.content
        answer = Answer(status, _object(content))
        if status == 401:
            said = "does not accept the key" if self._has_key else "wants a key, and none was given"
            raise refused("unauthorized", f"{self.url} {said}.", _NEEDS_KEY)
        if status == 403:
            message = f"{self.url} does not allow it: {answer.said.strip()}."
            raise refused("forbidden", message, "See what the key may do.")
        if 300 <= status < 400:
            target = response.headers.get("location", "nowhere")[:200]
            message = f"{self.url} answers {status}: it sends us on to {target}."
            hint = "Keys are not carried elsewhere. If that is right, give its URL."
            raise not_a_lago("redirected", message, hint)
        is_empty = status < 300 and not content.strip()
        if (answer.body is None and not is_empty and status != 413) or self._is_unknown(answer):
            what = "an HTML page" if _is_html(content) else "no JSON"
            if answer.body is not None:
                what = "404: it does not know that path"
            message = f"There is no Lago at {self.url}: {method} {API}{path} answers {what}."
            if answer.body is None:
                message = message.removesuffix(".") + f" ({status})."
            raise not_a_lago("not_a_lago", message, "Give the URL of Lago's API, without /api/v1.")
        return answer

    @staticmethod
    def _is_unknown(answer: Answer) -> bool:
        """Whether it is the path that is not there, and not what it names."""
        return answer.status == 404 and answer.code in (None, "resource_not_found")


def not_a_lago(code: str, message: str, hint: str) -> LagoError:
    error = not_found("Lago", "", hint)
    error.code, error.message = code, message
    return error


def _object(content: bytes) -> Mapping[str, Any] | None:
    try:
        found = msgspec.json.Decoder(Any, float_hook=Decimal).decode(content)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, ArithmeticError):
        return None
    return found if isinstance(found, dict) else None


def _is_html(content: bytes) -> bool:
    return content[:1000].lstrip()[:1] == b"<"


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _reason_of(error: httpx.RequestError) -> str:
    if isinstance(error, httpx.TimeoutException):
        return "it takes too long"
    return str(error).rstrip(".") or type(error).__name__


def _shown(seconds: Seconds) -> str:
    return str(-(-seconds.numerator // seconds.denominator))
