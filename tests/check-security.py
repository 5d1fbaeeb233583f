#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""check-security.py SOURCE: what SECURITY.md says of limits is what the code says, and the tests that it names are there.

Every limit of the files in ALL_OF is in its table; times (_US) are none. One line for each thing that isn't so.
"""
import glob
import os
import re
import sys

ALL_OF = 'dbus/bus/limits.h', 'daemon/base/tuning.h'
UNITS = {'': 1, 'bytes': 1, 'KiB': 1 << 10, 'MiB': 1 << 20, 'ms': 1, 's': 1}
SUFFIXES = {'': 1, 's': 1, 'M': 1 << 20}


def read(*path):
    with open(os.path.join(*path), encoding='utf-8') as file:
        return file.read()


def defines(source):
    """{name: set of values} of every #define with a number."""
    found = {}
    for folder in 'daemon', 'dbus':
        for path in glob.glob(f'{source}/{folder}/**/*.[ch]', recursive=True):
            for name, value in re.findall(r'^#define\s+(\w+)\s+([1-9(][\d\s()*+]*?)\s*(?:/\*.*)?$', read(path), re.M):
                found.setdefault(name, set()).add(eval(value))      # noqa: S307 (digits and signs only)
    return found


def settings(source):
    """{name: set of values} of the unit file's settings with a number."""
    found = {}
    for name, number, suffix in re.findall(r'^(\w+)=(\d+)([sM]?)$', read(source, 'data', 'usbferryd.service.in'), re.M):
        found.setdefault(name, set()).add(int(number) * SUFFIXES[suffix])
    return found


def main():
    source = sys.argv[1]
    text = read(source, 'SECURITY.md')
    rows = re.findall(r'^\| [^|]* \| (\d+) ?(\w*) \| `(\w+)` \|$', text, re.M)
    known = defines(source) | settings(source)
    wrong = []
    for number, unit, name in rows:
        value = int(number) * UNITS[unit]
        if known.get(name) != {value}:
            wrong.append(f'{name} is {sorted(known.get(name, []))} in the code and {value} in the table')
    told = {name for _, _, name in rows}
    limits = {name for path in ALL_OF for name in re.findall(r'^#define\s+(\w+)\s+[0-9(]', read(source, path), re.M)
              if not name.endswith('_US')}
    wrong += [f'{name} is not in the table' for name in sorted(limits - told)]
    named = set(re.findall(r'`(tests/[\w./-]+)`', text))
    wrong += [f'there is no {path}' for path in sorted(named) if not os.path.exists(os.path.join(source, path))]
    for line in wrong:
        print(f'SECURITY.md: {line}')
    if not rows or not limits or not named:
        wrong.append('')
        print('SECURITY.md: there is no table of limits, or no test in it')
    print(f'{len(rows)} limits, {len(named)} tests named, {len(wrong)} wrong')
    return 1 if wrong else 0


if __name__ == '__main__':
    sys.exit(main())
