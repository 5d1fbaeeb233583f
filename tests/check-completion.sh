#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Completes with a usbferry that lists names of all kinds: what somebody called a VM or an assignment must be
# neither run nor taken for an option.

set -u
source "$1/data/completions/usbferry"
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

# bash-completion's, as far as it is needed
_init_completion() {
    words=("${COMP_WORDS[@]}") cword=$COMP_CWORD cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]}
}
usbferry() {
    case $2 in
        vms | groups) printf '%s\n' win11 "\$(>$folder/pwned)" '`true`' '-v' 'two words' '*' "it's" ;;
    esac
}

failed=0
expect() {
    local expected=$1
    shift
    COMP_WORDS=(usbferry "$@") COMP_CWORD=$#
    COMPREPLY=()
    _usbferry
    if [[ "${COMPREPLY[*]}" != "$expected" ]]; then
        printf '%s: %s, not %s\n' "$*" "${COMPREPLY[*]}" "$expected" >&2
        failed=1
    fi
}

expect 'take' ta
expect 'win11' take w
# shellcheck disable=SC2016
expect '\`true\`' take '`'
expect "it\\'s" take it
expect "\\*" take '*'
expect '' take -v
expect 'win11' give 3-1 --group w
# everything there is, which is what two taps give
COMP_WORDS=(usbferry take '') COMP_CWORD=2
_usbferry
if [[ -e $folder/pwned ]]; then
    echo 'a name was run' >&2
    failed=1
fi
exit $failed
