"""What makes a shell ask the program at every TAB, for both of its names."""

from __future__ import annotations

BASH = r"""# Completion of lago for bash. In ~/.bashrc: eval "$(lago completion bash)"
_lago() {
    local IFS=' ' line choice program=${COMP_WORDS[0]/#\~/$HOME}
    line=${COMP_WORDS[*]:0:COMP_CWORD+1}
    [[ -n ${COMP_LINE-} ]] && line=${COMP_LINE:0:COMP_POINT}
    COMPREPLY=()
    while IFS= read -r choice; do
        if [[ $choice == @files* ]]; then
            compopt -o filenames 2>/dev/null
            while IFS= read -r choice; do
                COMPREPLY+=("$choice")
            done < <(compgen -f -- "${choice#*$'\t'}")
        else
            COMPREPLY+=("$choice")
        fi
    done < <("$program" __complete bash "$line" "$COMP_WORDBREAKS" 2>/dev/null)
    if [[ ${#COMPREPLY[@]} -eq 1 && ${COMPREPLY[0]} == *= ]]; then
        compopt -o nospace 2>/dev/null
    fi
    return 0
}
complete -F _lago lago lago-cli
"""

ZSH = r"""#compdef lago lago-cli
# Completion of lago for zsh. In ~/.zshrc, after compinit: eval "$(lago completion zsh)"
_lago() {
    local line program=${(Q)words[1]/#\~/$HOME}
    local -a choices shown
    while IFS= read -r line; do
        if [[ $line == @files ]]; then
            compset -P '--*='
            _files
        else
            choices+=("${line%%$'\t'*}")
            shown+=("${${line/$'\t'/  -- }%  -- }")
        fi
    done < <("$program" __complete zsh "${(@Q)words[2,CURRENT-1]}" "${(Q)PREFIX}" 2>/dev/null)
    (( $#choices )) && compadd -l -d shown -a choices
    return 0
}
if [[ ${zsh_eval_context[-1]} == loadautofunc ]]; then
    _lago "$@"
else
    (( $+functions[compdef] )) || { autoload -Uz compinit && compinit }
    compdef _lago lago lago-cli
fi
"""

FISH = r"""# Completion of lago for fish. In config.fish: lago completion fish | source
function __lago_complete
    set -l words (commandline -opc)
    set -l program $words[1]
    set -e words[1]
    set -l last (commandline -ct)
    if string match -qr '^["\']' -- "$last"
        set last (string sub -s 2 -- $last)
    else
        set last (string unescape -- "$last"; or printf '%s\n' "$last")
    end
    for line in ($program __complete fish $words "$last" 2>/dev/null)
        if test "$line" = @files
            __fish_complete_path "$last"
        else
            printf '%s\n' $line
        end
    end
end
complete -c lago -f -a '(__lago_complete)'
complete -c lago-cli -f -a '(__lago_complete)'
"""

SCRIPTS = {"bash": BASH, "zsh": ZSH, "fish": FISH}
