#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Include direction: client → dbus/names.h; dbus → daemon, polkit; daemon and polkit → libraries.
# Usage: check-layers.sh [source root]
set -eu
cd "${1:-$(dirname "$0")/..}"
status=0

# deny FOLDER REGEX WHY: no #include in FOLDER may match REGEX
deny() {
    found=$(grep -nE "^[[:space:]]*#[[:space:]]*include[[:space:]]*[<\"]($2)" "$1"/*.c "$1"/*.h 2>/dev/null |
        grep -v '^daemon/main\.c:' || true)
    if [ -n "$found" ]; then
        printf '%s\n' "$found" | sed "s|\$|    <- $3|"
        status=1
    fi
}

# only FOLDER REGEX WHY: every #include "…" in FOLDER must match REGEX
only() {
    found=$(grep -nE '^[[:space:]]*#[[:space:]]*include[[:space:]]*"' "$1"/*.c "$1"/*.h 2>/dev/null |
        grep -v '^daemon/main\.c:' | grep -vE "include[[:space:]]*\"($2)" || true)
    if [ -n "$found" ]; then
        printf '%s\n' "$found" | sed "s|\$|    <- $3|"
        status=1
    fi
}

only daemon 'daemon/' 'the core knows libraries only'
deny daemon 'systemd/|polkit' 'the core knows neither the bus nor polkit'
only polkit 'polkit/' 'polkit/ knows no objects'
deny polkit 'systemd/|libvirt|libudev' 'polkit/ knows polkit only'
only dbus 'dbus/|daemon/|polkit/authority\.h' 'dbus/ calls the core and asks polkit/'
deny dbus 'polkit/polkit|libvirt|libudev' 'libvirt, udev and polkit are behind daemon/ and polkit/'
only client 'client/|dbus/names\.h' 'the client knows the bus only'
deny client 'libvirt|libudev' 'the client knows the bus only'

exit $status
