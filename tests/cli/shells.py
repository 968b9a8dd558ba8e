"""What real shells offer at TAB, once they have read the script of `lago completion`."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.conftest import Lago

_IN_BASH = r"""
eval "$(lago completion bash)"
COMP_LINE=$1 COMP_POINT=${#1} COMP_WORDS=($1) COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
_lago
printf '%s\n' "${COMPREPLY[@]}"
"""
_IN_ZSH = r"""
autoload -Uz compinit && compinit -D -u
eval "$(lago completion zsh)"
compadd() { print -rl -- "${(@P)@[-1]}" }
_files() { print -r -- "files of $PREFIX" }
compset() { PREFIX=${PREFIX#--*=} }
words=("${(@)argv}") CURRENT=$#argv PREFIX=$argv[-1]
_lago
"""
_IN_FISH = r"""
lago completion fish | source
complete -C $argv[1]
"""


def offered(lago: Lago, shell: str, line: str) -> list[str]:
    """The choices for a line that ends at the cursor; skips where there is no such shell."""
    program = shutil.which(shell)
    if program is None:
        pytest.skip(f"{shell} is not installed here")
    if shell == "bash":
        command = [program, "--norc", "-c", _IN_BASH, "bash", line]
    elif shell == "zsh":
        command = [program, "-f", "-c", _IN_ZSH, "zsh", *_words_for_zsh(line)]
    else:
        command = [program, "--no-config", "-c", _IN_FISH, line]
    path = f"{Path(sys.executable).parent}:/usr/bin:/bin"
    finished = subprocess.run(
        command,
        capture_output=True,
        check=False,
        text=True,
        cwd=lago.folder,
        env=lago.environment({"PATH": path, "HOME": str(lago.folder), "XDG_CONFIG_HOME": ""}),
    )
    assert finished.stderr == ""
    return [text.partition("\t")[0] for text in finished.stdout.splitlines() if text]


def _words_for_zsh(line: str) -> list[str]:
    """As its editor cuts a line: quotes stay, and the last word may be empty."""
    return line.split(" ")
