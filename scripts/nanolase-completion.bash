# bash completion for nanolase: commands, options, files, and for -s the keys and words of `nanolase keys`.

# SECTION.KEY= of every key, then sweep.KEY= of the numeric ones; with `SECTION.KEY` as $2 the words that it takes.
_nanolase_keys()
{
    "$1" keys 2>/dev/null | awk -v wanted="$2" '
        /^\[/ { section = substr($1, 2, length($1) - 2); next }
        /^; one of / { words = substr($0, 10); next }
        /^[A-Za-z]/ && / = / {
            if (words == "" && ($3 == "yes" || $3 == "no"))
                words = "yes|no"
            if (wanted == section "." $1)
                print words
            if (wanted == "") {
                print section "." $1 "="
                if (words == "" && section != "output")
                    print "sweep." $1 "="
            }
            words = ""
        }' | tr '|' '\n'
}

_nanolase()
{
    local commands="run check show keys info"
    local program=${COMP_WORDS[0]} line=${COMP_LINE:0:COMP_POINT} command="" word
    local current=${line##*[[:space:]]} previous index
    # bash takes words apart at = and :, so they are taken from the line.
    local words=()
    read -ra words <<<"${line%"$current"}"
    previous=${words[${#words[@]} - 1]}
    for ((index = 1; index < ${#words[@]}; index++)); do
        word=${words[index]}
        case $word in
        -o | -b | -j | -p | -s | --output | --backend | --threads | --share | --set) ((index++)) ;;
        -*) ;;
        *) command=$word && break ;;
        esac
    done
    case $current in # --option=value is completed as -o value
    --output=* | --backend=* | --threads=* | --share=* | --set=*) previous=${current%%=*} current=${current#*=} ;;
    esac
    COMPREPLY=()
    case $previous in
    -b | --backend) COMPREPLY=($(compgen -W "auto cpu cuda" -- "$current")) ;;
    -j | --threads) ;;
    -p | --share) COMPREPLY=($(compgen -W "auto points grids" -- "$current")) ;;
    -o | --output) _nanolase_files h5 "$current" ;;
    -s | --set)
        if [[ $current == *=* ]]; then
            COMPREPLY=($(compgen -W "$(_nanolase_keys "$program" "${current%%=*}")" -- "${current#*=}"))
        else
            compopt -o nospace 2>/dev/null
            COMPREPLY=($(compgen -W "$(_nanolase_keys "$program" "")" -- "$current"))
        fi
        ;;
    *) _nanolase_word ;;
    esac
}

# A command, an option of the command, or its file.
_nanolase_word()
{
    local options=""
    case $command in
    "" | run) options="--output --backend --threads --share --set --resume --quiet --verbose -o -b -j -p -s -r -q -v" ;;
    check) options="--set -s" ;;
    show) options="--csv -c" ;;
    esac
    [[ -n $command ]] || options+=" --csv --help --usage --version -c -? -V"
    if [[ $current == -* ]]; then
        COMPREPLY=($(compgen -W "$options" -- "$current"))
    else
        case $command in
        "") COMPREPLY=($(compgen -W "$commands" -- "$current")) ;;
        run | check) _nanolase_files ini "$current" ;;
        show) _nanolase_files h5 "$current" ;;
        esac
    fi
}

# Files with the suffix, and folders.
_nanolase_files()
{
    compopt -o filenames 2>/dev/null
    local IFS=$'\n'
    COMPREPLY=($(compgen -f -X "!*.$1" -- "$2") $(compgen -d -- "$2"))
}

complete -F _nanolase nanolase
