#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# A whole front end for usbferry: front-end.sh [give DEVICE VM | take DEVICE]. Alone it shows which device is where, and
# every change of that, until it is ended; only root may listen that way. org.usbferry1(5) has the interface.
set -euo pipefail
name=org.usbferry1 root=/org/usbferry1

# call PATH INTERFACE METHOD SIGNATURE ARGUMENT...: somebody may have to type a password for it, so there is no timeout.
call() { busctl --timeout=infinity call $name "$1" "$name.$2" "${@:3}"; }
# get PATH INTERFACE PROPERTY: without its type and quotes. Nothing when the object has just gone.
get() { busctl get-property $name "$1" "$name.$2" "$3" 2> /dev/null | sed 's/^[a-z]* //; s/^"\(.*\)"$/\1/; s/\\\(.\)/\1/g' || true; }
paths() { busctl --list tree $name | grep "^$root/$1/" || true; }
# The path in an answer.
path() { sed 's/^o "\(.*\)"$/\1/'; }

show() {
    local one
    for one in $(paths device); do
        [ "$(get "$one" Device IsHub)" = false ] || continue
        echo "device $(get "$one" Device SysName) $(get "$one" Device Label): $(get "$one" Device State)" \
            "[$(get "$(get "$one" Device Machine)" Machine Name)]" \
            "[$(get "$one" Device HostUse | sed 's/^[0-9]* *//; s/" "/, /g; s/"//g')] $(get "$one" Device Reason)"
    done
    for one in $(paths assignment); do
        echo "assignment $(get "$one" Assignment Name): $(get "$one" Assignment State)," \
            "$(get "$one" Assignment Has) of $(get "$one" Assignment Wanted): $(get "$one" Assignment Reason)"
    done
    for one in $(paths group); do
        echo "group $(get "$one" ResourceGroup Name): $(get "$one" ResourceGroup Free) of $(get "$one" ResourceGroup Total) free"
    done
}

# next_line SECONDS: the next signal in line, or nothing if it takes longer. Of what has come of it by then nothing is lost.
next_line() {
    local more status=0
    IFS= read -r -t "$1" -u "$signals" more || status=$?
    [ $status -eq 0 ] || [ $status -gt 128 ] || exit 1
    begun+=$more line=''
    [ $status -gt 0 ] || { line=$begun; begun=''; }
}

# A signal only says: look again. What differs from the last look is shown; a look now and then is for the signals that came
# before anybody listened.
follow() {
    local seen='' now line begun='' signals status=ready
    exec {signals}< <(exec busctl --json=short --match="type='signal',sender='$name'" monitor 2> /dev/null)
    while now=$(show | sort); do
        comm -13 <(echo "$seen") <(echo "$now")
        comm -23 <(cut -d : -f 1 <<< "$seen" | sort) <(cut -d : -f 1 <<< "$now" | sort) | sed '/./s/^/gone /; /./!d'
        seen=$now
        echo -n "${status:+$status$'\n'}"; status=''
        next_line 5
        while [ -n "$line" ]; do
            sed -n 's/.*"member":"Notice".*"data":\["\([a-z-]*\)","[^"]*","\(\([^"\\]\|\\.\)*\)".*/notice \1: \2/; T; s/\\\(.\)/\1/g; p' <<< "$line"
            next_line 0.1
        done
    done
}

# What CheckAssign and CheckRelease say: an obstacle with the name of an error refuses it, without one it comes later.
ask_first() {
    grep -o '"Text" s "\([^"\\]\|\\.\)*"' <<< "$1" | sed 's/^"Text" s //' || true
    if [[ $1 == '(s'* || $1 == *' "no" '* || $1 == *"$name.Error."* ]]; then echo "it would be refused" >&2; exit 1; fi
}

give() {
    local device machine
    device=$(call $root Manager GetDevice s "$1" | path)
    machine=$(call $root Manager GetMachine s "$2" | path)
    ask_first "$(call $root Manager CheckAssign 'aooa{sv}' 1 "$device" "$machine" 0)"
    echo "given: $(call $root Manager Assign 'ooa{sv}' "$device" "$machine" 0 | path)"
}

take() {
    local device assignment
    device=$(call $root Manager GetDevice s "$1" | path)
    assignment=$(get "$device" Device Assignment)
    [ "$assignment" != / ] || { echo "it is on the host already" >&2; exit 1; }
    ask_first "$(call $root Manager CheckRelease 'ooa{sv}' "$assignment" "$device" 0)"
    call "$assignment" Assignment ReleaseDevice 'oa{sv}' "$device" 0
    echo "taken: $assignment"
}

case "$# ${1:-}" in
'0 ') follow ;;
'3 give' | '2 take') "$@" ;;
*) echo "front-end.sh [give DEVICE VM | take DEVICE]"; [ "${1:-}" = --help ] || exit 2 ;;
esac
