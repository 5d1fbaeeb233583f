#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The man page of the bus, from the contract: api-page.py INTERFACE.xml... prints org.usbferry1(5) as reStructuredText.

gdbus-codegen --generate-rst can't: it takes what a parameter's text has on its second line for the method's. What isn't
documented, or documents what isn't there, ends it."""
import re
import sys
import textwrap
from xml.dom import Node, minidom

BEGIN = """\
=============
org.usbferry1
=============

-------------------------------
the D-Bus interface of usbferry
-------------------------------

:Manual section: 5
:Manual group: usbferry

.. raw:: manpage

    .nh

SYNOPSIS
========

**busctl** **introspect** *org.usbferry1* */org/usbferry1*

DESCRIPTION
===========

**usbferryd**\\(8) is *org.usbferry1* on the system bus. This page has what is in the XML of its interfaces, by kind of
object: what each method takes, gives, needs and fails with, and what each property says. Front ends in Python, C and
shell, to begin with, are in */usr/share/doc/usbferry/examples*. Times and numbers that **usbferry.conf**\\(5) can change are told as they usually are.

"""
END = """\
SEE ALSO
========

**usbferryd**\\(8), **usbferry**\\(1), **busctl**\\(1), **polkit**\\(8)
"""


def escaped(text):
    return re.sub(r'([\\*`|_])', r'\\\1', text)


def comment_before(element):
    """Its lines, without their common indentation"""
    node = element.previousSibling
    while node is not None and node.nodeType == Node.TEXT_NODE:
        node = node.previousSibling
    if node is None or node.nodeType != Node.COMMENT_NODE:
        sys.exit(f'{element.tagName} {element.getAttribute("name")} is not documented')
    return textwrap.dedent(' ' * 4 + node.data if '\n' not in node.data else node.data).strip('\n').rstrip().split('\n')


def read_doc(element):
    """({argument: text}, [line]) of a comment "NAME: text", with lines "@ARGUMENT: text" before the rest"""
    name = element.getAttribute('name')
    lines = [line.strip() if number == 0 else line for number, line in enumerate(comment_before(element))]
    if not lines[0].startswith(name + ':'):
        sys.exit(f'{name}: its text begins with "{lines[0]}"')
    lines[0] = lines[0][len(name) + 1:].strip()
    arguments, rest, last = {}, [], None
    for line in textwrap.dedent('\n'.join(lines[1:])).split('\n'):
        found = re.match(r'@(\w+): (.*)', line)
        if found:
            last = found[1]
            arguments[last] = arguments[last] + '; ' + found[2] if last in arguments else found[2]
        elif last and line.startswith(' '):
            arguments[last] += ' ' + line.strip()
        else:
            last = None
            rest.append(line)
    return arguments, ([lines[0]] if lines[0] else []) + rest


def body(lines):
    """Paragraphs and lists; a list has to begin after an empty line"""
    out = []
    for line in lines:
        is_item = line.startswith('- ')
        if is_item and out and out[-1] and not out[-1].startswith(('- ', '  ')):
            out.append('')
        out.append(escaped(line.rstrip()))
    return '\n'.join(out).strip('\n') + '\n\n'


def arguments_of(member, direction):
    return [(one.getAttribute('type'), one.getAttribute('name')) for one in member.getElementsByTagName('arg')
            if (one.getAttribute('direction') or 'out') == direction]


def heading(text, line):
    return f'{escaped(text)}\n{line * len(escaped(text))}\n\n'


def member_text(interface, member):
    name = member.getAttribute('name')
    documented, rest = read_doc(member)
    ins, outs = arguments_of(member, 'in'), arguments_of(member, 'out')
    named = {argument for _, argument in ins + outs}
    if member.tagName != 'property' and named != set(documented):
        sys.exit(f'{interface}.{name}: {named ^ set(documented)} is documented, or is there, and not both')

    def listed(arguments):
        return ', '.join(' '.join(argument) for argument in arguments)
    if member.tagName == 'method':
        signature = f'{name} ({listed(ins)})' + (f' → ({listed(outs)})' if outs else '')
    elif member.tagName == 'signal':
        signature = f'signal {name} ({listed(outs)})'
    else:
        emits = [one.getAttribute('value') for one in member.getElementsByTagName('annotation')
                 if one.getAttribute('name').endswith('EmitsChangedSignal')]
        signature = f'{member.getAttribute("type")} {name}' + (', never changes' if emits == ['const'] else '')
    text = heading(f'{interface}.{name}', '-')
    text += '::\n\n' + textwrap.indent('\n'.join(textwrap.wrap(signature, 72, subsequent_indent='    ')), '    ') + '\n\n'
    for argument in dict.fromkeys(argument for _, argument in ins + outs):
        text += f'*{escaped(argument)}*\n    {escaped(documented[argument])}\n\n'
    return text + body(rest)


def main(paths):
    print(BEGIN, end='')
    for path in sorted(paths, key=lambda path: (not path.endswith('.Manager.xml'), path)):
        interface = minidom.parse(path).getElementsByTagName('interface')[0]
        short = interface.getAttribute('name').rpartition('.')[2]
        arguments, lines = read_doc(interface)
        print(heading(short.upper(), '='), end='')
        print(f'Interface *{interface.getAttribute("name")}*: {escaped(arguments["short_description"])}\n\n' + body(lines), end='')
        for kind in ('method', 'signal', 'property'):
            for member in interface.getElementsByTagName(kind):
                print(member_text(short, member), end='')
    print(END, end='')


main(sys.argv[1:])
