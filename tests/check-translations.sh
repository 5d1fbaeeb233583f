#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Every catalogue has every text that is to be translated: none missing, none fuzzy, and the same details in it.
# Usage: check-translations.sh [source root]
set -eu
cd "${1:-$(dirname "$0")/..}"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
status=0

xgettext --from-code=UTF-8 --keyword=N_ --files-from=data/po/POTFILES -o "$work/now.pot"
for language in $(cat data/po/LINGUAS); do
    catalogue=data/po/$language.po
    msgfmt --check -o /dev/null "$catalogue"
    msgmerge --quiet --no-fuzzy-matching -o "$work/$language.po" "$catalogue" "$work/now.pot"
    msgattrib --untranslated --no-obsolete "$work/$language.po" > "$work/missing"
    msgattrib --only-fuzzy --no-obsolete "$work/$language.po" > "$work/fuzzy"
    msgattrib --only-obsolete "$work/$language.po" > "$work/left"
    for kind in missing fuzzy left; do
        if [ -s "$work/$kind" ]; then
            echo "$catalogue: $kind:"
            msgcat --no-location --no-wrap "$work/$kind" | grep '^\(#~ \)*msgid "..*"'
            status=1
        fi
    done
    # $(device) and the like are filled in by polkit: the same ones in the translation.
    msgcat --no-wrap "$catalogue" | python3 -c '
import re, sys
details = lambda text: sorted(re.findall(r"\$\(\w+\)", text))
bad = [b for a, b in re.findall("^msgid (.*)\nmsgstr (.*)$", sys.stdin.read(), re.M) if details(a) != details(b)]
sys.exit("\n".join(["other details:"] + bad) if bad else 0)' || status=1
done
exit $status
