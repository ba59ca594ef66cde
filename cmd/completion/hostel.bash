# Completion of hostel(8) for bash.
_hostel()
{
    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} command=${COMP_WORDS[1]}
    local words=

    case $prev in
    --config)
        compopt -o filenames
        mapfile -t COMPREPLY < <(compgen -f -- "$cur")
        return
        ;;
    --output)
        compopt -o filenames
        mapfile -t COMPREPLY < <(compgen -f -- "$cur")
        return
        ;;
    --root | --run-dir)
        compopt -o filenames
        mapfile -t COMPREPLY < <(compgen -d -- "$cur")
        return
        ;;
    --explain)
        words=$(hostel check --explain 2>/dev/null | sed -n 's/^\([a-z_.]*\): .*/\1/p')
        mapfile -t COMPREPLY < <(compgen -W "$words" -- "$cur")
        return
        ;;
    esac
    if ((COMP_CWORD == 1)); then
        words="serve status reload upgrade php-restart logs-reopen stop check cert export confine --version --help"
    else
        case $command in
        serve) words="--config --root --listen" ;;
        status) words="--json --watch --config --run-dir" ;;
        reload | upgrade | logs-reopen | stop) words="--config --run-dir" ;;
        php-restart)
            mapfile -t COMPREPLY < <(compgen -u -W "--config --run-dir" -- "$cur")
            return
            ;;
        check) words="--config --explain" ;;
        cert) words="self-signed" ;;
        export)
            if ((COMP_CWORD == 2)); then
                words="haproxy-map"
            else
                words="--box --output"
            fi
            ;;
        confine)
            case $COMP_CWORD in
            2) words="worker listening-worker php acceptor" ;;
            3)
                mapfile -t COMPREPLY < <(compgen -u -- "$cur")
                return
                ;;
            *) words="--config --" ;;
            esac
            ;;
        esac
    fi
    mapfile -t COMPREPLY < <(compgen -W "$words" -- "$cur")
}
complete -F _hostel hostel
