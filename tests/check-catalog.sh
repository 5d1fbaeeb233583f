#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Every event of daemon/base/log.h has a MESSAGE_ID, is logged somewhere, has an entry in the catalogue and is in the man
# page; the catalogue has no other entries. Usage: check-catalog.sh [source root]
set -eu
cd "${1:-$(dirname "$0")/..}"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
status=0

# EVENT ID
sed -n 's/^ *\[\(LOG_EVENT_[A-Z_]*\)\] = { "\([0-9a-f]\{32\}\)".*/\1 \2/p' daemon/base/log.c | sort > "$work/events"
sed -n 's/^ *\(LOG_EVENT_[A-Z_]*\),$/\1/p' daemon/base/log.h | sort > "$work/declared"
cut -d' ' -f1 "$work/events" | diff "$work/declared" - || { echo "log.h and log.c have other events"; status=1; }
cut -d' ' -f2 "$work/events" | sort > "$work/ids"
[ -s "$work/ids" ] || { echo "no events found"; status=1; }
sed -n 's/^-- \([0-9a-f]*\)$/\1/p' data/usbferry.catalog | sort | diff "$work/ids" - ||
    { echo "data/usbferry.catalog has other entries"; status=1; }
sed -n 's/^ *\([0-9a-f]\{32\}\)  .*/\1/p' data/man/usbferryd.8.rst | sort | diff "$work/ids" - ||
    { echo "data/man/usbferryd.8.rst has other events"; status=1; }
while read -r event; do
    grep -rq --include='*.c' "log_event($event," daemon dbus || { echo "$event is never logged"; status=1; }
done < "$work/declared"
exit $status
