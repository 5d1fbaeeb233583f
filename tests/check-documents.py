#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""check-documents.py SOURCE: what the documents for developers name is there.

Every `folder/file` of the project is a file or a folder, and every `function()` behind one is defined in it, or in a
file of that folder. It fails when a document names nothing."""
import os
import re
import sys

DOCUMENTS = ('CONTRIBUTING.md', 'SECURITY.md')
HOUSES = ('daemon/', 'dbus/', 'polkit/', 'client/', 'tests/', 'data/')
CODE = re.compile(r'`([^`\n]+)`')
CALL = re.compile(r'^[a-z_0-9]+\(\)$')
PATH = re.compile(r'^[\w./{},*-]+$')


def expand(path):
    """`a/b.{c,h}` is two files."""
    match = re.search(r'\{([^}]*)\}', path)
    if not match:
        return [path]
    return [path[:match.start()] + part + path[match.end():] for part in match[1].split(',')]


def texts_of(source, path):
    full = os.path.join(source, path)
    names = [full] if os.path.isfile(full) else [os.path.join(full, name) for name in os.listdir(full)]
    for name in names:
        if os.path.isfile(name):
            with open(name, errors='replace') as f:
                yield f.read()


def defines(source, path, function):
    pattern = re.compile(rf'^[\w *]*\b{function[:-2]}\(|\bdef {function[:-2]}\(', re.M)
    return any(pattern.search(text) for text in texts_of(source, path))


def check(source, document):
    """(findings, how many names were looked up)"""
    findings, looked_up = [], 0
    with open(os.path.join(source, document)) as f:
        lines = f.read().splitlines()
    place = None
    for number, line in enumerate(lines, 1):
        if not line.strip() or line.startswith('#') or re.match(r'\s*(-|\d+\.|\|) ', line):
            place = None
        for name in CODE.findall(line):
            if CALL.match(name):
                if place is None:
                    findings.append(f'{document}:{number}: {name} stands behind no file')
                elif not defines(source, place, name):
                    findings.append(f'{document}:{number}: {place} has no {name}')
                looked_up += 1
            elif name.startswith(HOUSES) and PATH.match(name) and '*' not in name:
                for path in expand(name):
                    if not os.path.exists(os.path.join(source, path)):
                        findings.append(f'{document}:{number}: there is no {path}')
                    else:
                        place = path
                    looked_up += 1
    if not looked_up:
        findings.append(f'{document}:1: it names nothing')
    return findings, looked_up


def main():
    source = sys.argv[1]
    findings, total = [], 0
    for document in DOCUMENTS:
        if os.path.exists(os.path.join(source, document)):
            found, looked_up = check(source, document)
            findings += found
            total += looked_up
    print(*findings, sep='\n')
    print(f'{total} names looked up, {len(findings)} wrong')
    return 1 if findings or not total else 0


sys.exit(main())
