# SPDX-License-Identifier: LGPL-2.1-or-later
# steps.sh: source me. step [--show] TEXT COMMAND...: says what happens, runs it, gives a sign of life every 10 s.
# What the command prints is shown at once with --show, else only if it fails; it is in $step_log either way.
step_log=$(mktemp)
step_pid=
step_ticks=
step_quiet() {
    [ -z "$step_ticks" ] || { kill -KILL "$step_ticks" && wait "$step_ticks"; } 2> /dev/null || true
    step_ticks=
}
# The trap of a program that sources this may call it too.
step_end() {
    [ -z "$step_pid" ] || kill "$step_pid" 2> /dev/null || true
    step_quiet
    rm -f "$step_log"
}
trap step_end EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

step() {
    local begin=$SECONDS status=0 show=false shown
    if [ "$1" = --show ]; then
        show=true
        shift
    fi
    local text=$1
    shift
    echo "==> $text"
    "$@" < /dev/null > "$step_log" 2>&1 &
    step_pid=$!
    if $show; then
        tail --pid="$step_pid" --lines=+1 --follow "$step_log" &
        shown=$!
    fi
    # Nothing looks all the time whether it runs: where processes are dear, five looks a second took a good part of the
    # tests' processor time.
    (
        exec 3<> <(:)    # nothing ever comes out of it
        while ! read -r -t 10 -u 3 && kill -0 "$$" 2> /dev/null; do echo "    … $((SECONDS - begin)) s"; done
    ) &
    step_ticks=$!
    wait "$step_pid" || status=$?
    step_pid=
    step_quiet
    if $show; then wait "$shown" || true; fi
    if [ "$status" != 0 ]; then
        $show || cat "$step_log"
        echo "==> failed after $((SECONDS - begin)) s: $text"
        return "$status"
    fi
    echo "    done in $((SECONDS - begin)) s"
}
