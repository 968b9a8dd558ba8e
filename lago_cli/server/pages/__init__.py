"""The page: the same reports as on the command line, for people who would rather look."""

from lago_cli.server.pages.signing_in import sign_in
from lago_cli.server.pages.site import endpoints, failure

__all__ = ["endpoints", "failure", "sign_in"]
