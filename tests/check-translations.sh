#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Every catalogue has every text that is to be translated: none missing, none fuzzy, and the same details in it. And every
# text that the client says to people is one of them.
# Usage: check-translations.sh [source root]
set -eu
cd "${1:-$(dirname "$0")/..}"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
status=0

xgettext --from-code=UTF-8 --keyword=_ --keyword=N_ --keyword=ngettext:1,2 --files-from=data/po/POTFILES -o "$work/now.pot"
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
pairs = re.findall("^msgid (.*(?:\n\".*)*)\nmsgstr (.*(?:\n\".*)*)$", sys.stdin.read(), re.M)
bad = [b for a, b in pairs if details(a) != details(b)]
sys.exit("\n".join(["other details:"] + bad) if bad else 0)' || status=1
done

# What looks like a sentence where sentences are said, and is in no _() or N_(); and files that have some and are in no list.
python3 - <<'PY' || status=1
import glob, re, sys
string = r'"(?:[^"\\\n]|\\.)*[a-z]{2}(?:[^"\\\n]|\\.)*"'
places = {
    'an error': r'OUTCOME_\w+,\s*' + string,
    'an error by name': r'\berror_set\([^;]*?"[A-Z]\w+",\s*' + string,
    'an option': r'G_OPTION_ARG_\w+,\s*(?:\\\s*)?(?:&\(?[\w.>()-]+|NULL),\s*(?:\\\s*)?' + string,
    'a verb': r'const Verb verb_\w+ = \{ "[a-z ]+",\s*(?:NULL|"[^"]*"),\s*' + string,
    'a column': r'\{ "[a-z#-]+",\s*' + string + r',\s*COLUMN_',
    'a line': r'\b(?:puts|printf)\(\s*"(?:[^"\\\n]|\\.)*[a-z]{2} [a-z]{2}',
}
listed = set(open('data/po/POTFILES').read().split())
bad = []
for path in sorted(glob.glob('client/**/*.[ch]', recursive=True)):
    with open(path) as f:
        text = f.read()
    if re.search(r'\bN?_\(\s*"', text) and path not in listed:
        bad.append(f'{path} is not in data/po/POTFILES')
    for what, pattern in places.items():
        for found in re.finditer(pattern, text):
            line = text.count('\n', 0, found.end()) + 1
            bad.append(f'{path}:{line}: {what} that nobody can translate: {found.group()[-60:]}')
# Every reason has its words.
with open('dbus/org.usbferry1.Assignment.xml') as f:
    codes = re.findall(r'(?m)^      - ([a-z-]+): ', f.read().split('ReasonCode: ')[1].split('-->')[0])
with open('client/view/words.c') as f:
    known = re.findall(r'(?m)^    \{ "([a-z-]+)",', f.read())
bad += [f'client/view/words.c: no words for the reason {code}' for code in codes if code not in known]
bad += [f'client/view/words.c: there is no reason {code}' for code in known if code not in codes]
bad += [f'data/po/POTFILES: there is no {path}' for path in listed if not glob.glob(path)]
sys.exit('\n'.join(bad) if bad else 0)
PY
exit $status
