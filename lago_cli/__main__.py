"""The entry point of `lago` and `lago-cli`."""

from __future__ import annotations

import sys
from contextlib import suppress


def main() -> None:
    if sys.argv[1:] == ["--version"] and sys.stdout:  # asked by every CI script: worth no tree
        from lago_cli import __version__

        with suppress(OSError):  # which is told like any other answer that cannot be written
            print(f"lago {__version__}", flush=True)
            return
    try:
        from lago_cli.cli.process import run
    except KeyboardInterrupt:
        sys.exit(130)
    sys.exit(run(sys.argv[1:]))


if __name__ == "__main__":
    main()
