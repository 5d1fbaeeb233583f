#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""check-documents.py SOURCE: what is written about the source is there.

In the documents for developers every `folder/file` of the project is a file or a folder, every `function()` behind one
is defined in it, or in a file of that folder, and the table of folders is that of tests/floors.txt. Every file that a
comment of a .c or .h file names is there. It fails when it looked up nothing."""
import os
import re
import sys

DOCUMENTS = ('CONTRIBUTING.md', 'SECURITY.md')
FLOORS = 'tests/floors.txt'
HOUSES = ('daemon/', 'dbus/', 'polkit/', 'client/', 'tests/', 'data/')
CODE = re.compile(r'`([^`\n]+)`')
CALL = re.compile(r'^[a-z_0-9]+\(\)$')
PATH = re.compile(r'^[\w./{},-]+$')
FLOOR = re.compile(r'^\| (\d+) \| `([^`]+?)/?` ')
# A comment; or what only looks like one, which is skipped.
COMMENT = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:[^"\\\n]|\\.)*"', re.S)
SOURCE_NAME = re.compile(r'(?<![\w./-])((?:[\w-]+/)*[\w-]+\.[ch])\b')

findings = []
looked_up = 0


def look_up(there, path, line, text):
    global looked_up
    looked_up += 1
    if not there:
        findings.append(f'{path}:{line}: {text}')


def read(source, path):
    with open(os.path.join(source, path), errors='replace') as f:
        return f.read()


def expand(path):
    """`a/b.{c,h}` is two files."""
    match = re.search(r'\{([^}]*)\}', path)
    if not match:
        return [path]
    return [path[:match.start()] + part + path[match.end():] for part in match[1].split(',')]


def defines(source, path, function):
    """Definitions and prototypes begin a line, calls don't."""
    pattern = re.compile(rf'^\w[\w *]*\b{function[:-2]}\(|^def {function[:-2]}\(', re.M)
    names = [path]
    if os.path.isdir(os.path.join(source, path)):
        names = [os.path.join(path, name) for name in os.listdir(os.path.join(source, path))]
    return any(pattern.search(read(source, name)) for name in names if os.path.isfile(os.path.join(source, name)))


def check_document(source, document):
    place = None
    for number, line in enumerate(read(source, document).splitlines(), 1):
        if not line.strip() or line.startswith('#') or re.match(r'\s*(-|\d+\.|\|) ', line):
            place = None
        for name in CODE.findall(line):
            if CALL.match(name):
                look_up(place and defines(source, place, name), document, number,
                        f'{place} has no {name}' if place else f'{name} stands behind no file')
            elif name.startswith(HOUSES) and PATH.match(name):
                for path in expand(name):
                    there = os.path.exists(os.path.join(source, path))
                    look_up(there, document, number, f'there is no {path}')
                    place = path if there else None


def check_floors(source, document):
    told = {match[2]: match[1] for match in map(FLOOR.match, read(source, document).splitlines()) if match}
    if not told:
        return
    for number, line in enumerate(read(source, FLOORS).splitlines(), 1):
        if line.strip() and not line.startswith('#'):
            floor, folder = line.split()[:2]
            look_up(told.pop(folder, None) == floor, FLOORS, number,
                    f'{document} has another floor for {folder}, or none')
    for folder in told:
        look_up(False, document, 1, f'{folder} is not in {FLOORS}')


def check_comments(source):
    files = set()
    for house in HOUSES:
        for folder, _, names in os.walk(os.path.join(source, house)):
            files.update(os.path.relpath(os.path.join(folder, name), source) for name in names)
    ends = {path.split('/', i)[i] for path in files for i in range(path.count('/') + 1)}
    for path in sorted(files):
        if not path.endswith(('.c', '.h')):
            continue
        text = read(source, path)
        for comment in COMMENT.finditer(text):
            if not comment[0].startswith('/'):
                continue
            for match in SOURCE_NAME.finditer(comment[0]):
                # A whole path, or its end where that says enough.
                name = match[1]
                line = text.count('\n', 0, comment.start() + match.start()) + 1
                look_up(name in files if name.startswith(HOUSES) else name in ends, path, line,
                        f'there is no {name}')


def check_classes(source):
    """Whoever writes a rule finds the classes in its manual page."""
    page = 'data/man/usbferry-rules.7.rst'
    text = read(source, page)
    for name in re.findall(r'(?m)^    \[ROLE_\w+\] = "([a-z-]+)",', read(source, 'daemon/usb/device.c')):
        look_up(re.search(rf'(?m)^{name}\b|^[a-z-]+, {name}\b', text), page, 1, f'nothing of the class {name}')


def main():
    source = sys.argv[1]
    for document in DOCUMENTS:
        if os.path.exists(os.path.join(source, document)):
            check_document(source, document)
            check_floors(source, document)
    check_comments(source)
    check_classes(source)
    print(*findings, sep='\n')
    print(f'{looked_up} names looked up, {len(findings)} wrong')
    return 1 if findings or not looked_up else 0


sys.exit(main())
