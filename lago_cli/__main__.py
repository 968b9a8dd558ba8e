"""The entry point of `lago` and `lago-cli`."""

from __future__ import annotations

import sys


def main() -> None:
    if sys.argv[1:] == ["--version"]:  # asked by every CI script: not worth building a tree for
        from lago_cli import __version__

        print(f"lago {__version__}")
        return
    try:
        from lago_cli.cli.app import run
    except KeyboardInterrupt:
        sys.exit(130)
    sys.exit(run(sys.argv[1:]))


if __name__ == "__main__":
    main()
