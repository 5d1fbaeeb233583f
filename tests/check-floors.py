#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""check-floors.py SOURCE [BUILD]: the include rule of tests/floors.txt, over #include and, with a build, over calls.

A call is what an object file leaves undefined and another one defines. Each finding names file and line. Also checked:
internal.h stays in its folder, no module includes or calls itself in a circle, and every file says first what it is
for. It fails when it read nothing."""
import collections
import json
import os
import re
import subprocess
import sys

INCLUDE = re.compile(r'^\s*#\s*include\s*(?:"([^"]+)"|<([^>]+)>)')
HEAD = re.compile(r'/\* SPDX-License-Identifier: \S+ \*/\n(?:#pragma once\n)?\s*/\*')
HOUSES = ('daemon', 'polkit', 'dbus', 'client')
LONG = 500

Room = collections.namedtuple('Room', 'name floor house refused why')
findings = []


def find(path, line, text):
    findings.append(f'{path}:{line}: {text}')


def read_table(path):
    rooms = {}
    with open(path) as table:
        for line in table:
            if line.startswith('#') or not line.strip():
                continue
            place, _, rule = line.partition('<-')
            floor, name = place.split()
            refused, _, why = rule.strip().partition(' ')
            rooms[name] = Room(name, int(floor), is_client(name), refused, why.strip())
    return rooms


def room_of(rooms, path):
    return rooms.get(path) or rooms.get(os.path.dirname(path))


def may_use(user, used):
    if user.name == used.name or used.floor == 0:
        return True
    return user.house == used.house and used.floor < user.floor


def told(user, used):
    if user.house != used.house:
        return f'{user.name} and {used.name} are different houses'
    return f'{user.name} is on floor {user.floor}, {used.name} on floor {used.floor}'


def is_client(path):
    return path.split('/')[0] == 'client'


def module(path):
    return path.rsplit('.', 1)[0]


def read_sources(source, rooms, uses):
    """Checks includes. {path: text} of all files."""
    texts = {}
    for house in HOUSES:
        for folder, _, names in sorted(os.walk(os.path.join(source, house))):
            for name in sorted(names):
                if not name.endswith(('.c', '.h')):
                    continue
                path = os.path.relpath(os.path.join(folder, name), source)
                with open(os.path.join(source, path)) as f:
                    texts[path] = f.read()
    for path, text in texts.items():
        user = room_of(rooms, path)
        if user is None:
            find(path, 1, 'its folder has no floor in tests/floors.txt')
            continue
        if not HEAD.match(text):
            find(path, 1, 'no comment at the top says what the file is for')
        for number, line in enumerate(text.splitlines(), 1):
            match = INCLUDE.match(line)
            if not match:
                continue
            own, system = match.groups()
            if system:
                if user.refused and re.match(user.refused, system):
                    find(path, number, f'{system}: {user.why}')
                continue
            if own == 'config.h':
                continue
            used = room_of(rooms, own)
            if own not in texts or used is None:
                find(path, number, f'{own} is no file of a folder with a floor')
            elif os.path.basename(own) == 'internal.h' and os.path.dirname(own) != os.path.dirname(path):
                find(path, number, f'{own} stays in its folder')
            elif not may_use(user, used):
                find(path, number, f'includes {own}: {told(user, used)}')
            elif module(own) != module(path):
                uses[module(path)].add(module(own))
    return texts


def count_lines(source):
    """{path: lines} of the tests' files: no floor is theirs, but they are to be read as well."""
    lines = {}
    for folder, _, names in sorted(os.walk(os.path.join(source, 'tests'))):
        for name in sorted(names):
            if name.endswith(('.c', '.h')):
                path = os.path.join(folder, name)
                with open(path) as f:
                    lines[os.path.relpath(path, source)] = f.read().count('\n')
    return lines


def symbols(objects):
    """({(house, symbol): path of the source that defines it}, {path: symbols it leaves undefined})

    Service and client are programs of their own: the same name in both is no call."""
    defined, undefined = {}, collections.defaultdict(set)
    said = subprocess.run(['nm', '-A', '-P', *objects], check=True, capture_output=True, text=True).stdout
    for line in said.splitlines():
        where, _, rest = line.partition(': ')
        name, kind = rest.split()[:2]
        if kind == 'U':
            undefined[objects[where]].add(name)
        elif kind.isupper() and kind not in 'VW':
            defined[is_client(objects[where]), name] = objects[where]
    return defined, undefined


def read_objects(source, build, rooms, texts, uses):
    """Checks calls. The number of object files read."""
    with open(os.path.join(build, 'compile_commands.json')) as f:
        commands = json.load(f)
    objects = {}
    for command in commands:
        path = os.path.relpath(os.path.join(command['directory'], command['file']), source)
        output = os.path.join(command['directory'], command['output'])
        if path in texts and os.path.exists(output):
            objects[output] = path
    if not objects:
        return 0
    defined, undefined = symbols(objects)
    for path in sorted(undefined):
        user = room_of(rooms, path)
        for name in sorted(undefined[path]):
            where = defined.get((is_client(path), name))
            used = where and room_of(rooms, where)
            if not used or not user or where == path:
                continue
            if may_use(user, used):
                uses[module(path)].add(module(where))
                continue
            number = next((i for i, line in enumerate(texts[path].splitlines(), 1)
                           if re.search(rf'\b{re.escape(name)}\b', line)), 1)
            find(path, number, f'calls {name}() of {where}: {told(user, used)}')
    return len(objects)


def circles(uses):
    """Sets of modules that use each other, by Tarjan."""
    index, low, stack, found = {}, {}, [], []

    def visit(node):
        index[node] = low[node] = len(index)
        stack.append(node)
        for other in sorted(uses.get(node, ())):
            if other not in index:
                visit(other)
                low[node] = min(low[node], low[other])
            elif other in stack:
                low[node] = min(low[node], index[other])
        if low[node] == index[node]:
            at = stack.index(node)
            if len(stack) - at > 1:
                found.append(sorted(stack[at:]))
            del stack[at:]

    sys.setrecursionlimit(10000)
    for node in sorted(uses):
        if node not in index:
            visit(node)
    return found


def main():
    source = os.path.abspath(sys.argv[1])
    rooms = read_table(os.path.join(source, 'tests', 'floors.txt'))
    uses = collections.defaultdict(set)
    texts = read_sources(source, rooms, uses)
    for name, room in rooms.items():
        if not any(room_of(rooms, path) is room for path in texts):
            find('tests/floors.txt', 1, f'{name}: no file is there')
    if not texts:
        find(source, 1, 'no file was read')
    objects = 0
    if len(sys.argv) > 2:
        objects = read_objects(source, os.path.abspath(sys.argv[2]), rooms, texts, uses)
        if not objects:
            find(sys.argv[2], 1, 'no object file was read')
    rings = circles(uses)
    for ring in rings:
        find(ring[0] + '.c', 1, 'a circle of ' + ' '.join(ring))
    print(*findings, sep='\n')
    lines = {path: text.count('\n') for path, text in texts.items()} | count_lines(source)
    long = [path for path, number in lines.items() if number > LONG]
    headless = sum('no comment at the top' in finding for finding in findings)
    print(f'{len(rooms)} folders on {len({room.floor for room in rooms.values()})} floors, {len(texts)} files, {len(lines) - len(texts)} of tests, '
          f'{objects} object files, {len(rings)} circles, {len(long)} files over {LONG} lines, '
          f'{headless} without a comment at the top')
    print(*(f'    {path}: {lines[path]} lines' for path in long), sep='\n')
    return 1 if findings else 0


sys.exit(main())
