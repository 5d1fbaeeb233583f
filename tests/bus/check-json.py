#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""check-json.py SCHEMAS XML: the schemas themselves: valid, closed, a word means one thing, and every property that the
XML files of the bus document has one.

check-json.py SCHEMAS OUTPUTS: outputs of usbferry, on each line {"command", "schema", "partial", "output"}: each is as
its schema says, has no null in it, and would not be with one name more anywhere. With "partial" words may be missing."""
import copy
import json
import os
import re
import sys
import xml.etree.ElementTree as ET

import jsonschema

# What a word means depends on what it is said of.
BY_KIND = {'state', 'rules', 'kind', 'name', 'values', 'result', 'event', 'change', 'lines'}
# What the bus calls otherwise than its name in lower case.
WORDS = {'SysName': 'device', 'BusNumber': 'address', 'DeviceNumber': 'address', 'VendorId': 'usb-id',
         'ProductId': 'usb-id', 'Machine': 'vm', 'Machines': 'vms', 'Node': 'host', 'HypervisorURI': 'hypervisor',
         'UUID': 'uuid', 'MachineName': 'vm', 'DeviceLabel': 'label', 'DeviceIcon': 'icon'}
KINDS = {'Device': 'device', 'Machine': 'vm', 'Assignment': 'assignment', 'ResourceGroup': 'group', 'Tenant': 'tenant',
         'Manager': 'service'}


def read_schemas(folder):
    """{name: schema}, each with the common words in it, so that no reference leaves it."""
    texts = {}
    for name in sorted(os.listdir(folder)):
        with open(os.path.join(folder, name)) as f:
            texts[name.removesuffix('.json')] = f.read()
    common = json.loads(texts['common'])
    schemas = {}
    for name, text in texts.items():
        schema = json.loads(text.replace('common.json#', '#'))
        schema['$defs'] = {**common['$defs'], **schema.get('$defs', {})}
        schemas[name] = schema
    return schemas


def nodes(value, path='$'):
    """All dictionaries in it, with where they are."""
    if isinstance(value, dict):
        yield path, value
        for key, inner in value.items():
            yield from nodes(inner, f'{path}.{key}')
    elif isinstance(value, list):
        for i, inner in enumerate(value):
            yield from nodes(inner, f'{path}[{i}]')


def check_schemas(schemas, xml):
    words, found = {}, []
    for name, schema in schemas.items():
        jsonschema.Draft202012Validator.check_schema(schema)
        for path, node in nodes(schema):
            if not isinstance(node.get('properties'), dict):
                continue
            is_open = node.get('additionalProperties') is not False and node.get('unevaluatedProperties') is not False
            if is_open and not re.fullmatch(r'\$\.\$defs\.([a-z]+-record|change)', path):
                found.append(f'{name}.json {path}: takes any name')
            for word, meaning in node['properties'].items():
                if word not in BY_KIND and words.setdefault(word, meaning) != meaning:
                    found.append(f'{name}.json {path}: "{word}" has another meaning elsewhere')
                if not re.fullmatch('[a-z]+(-[a-z]+)*', word):
                    found.append(f'{name}.json {path}: "{word}" is not in kebab-case')
    for interface, kind in KINDS.items():
        record = schemas['common']['$defs'][f'{kind}-record']['properties']
        root = ET.parse(os.path.join(xml, f'org.usbferry1.{interface}.xml')).getroot()
        for node in root.iter('property'):
            name = node.get('name')
            word = kind if name == 'Name' else WORDS.get(name) or re.sub('(?<=[a-z])(?=[A-Z])', '-', name).lower()
            if word not in record:
                found.append(f'{interface}.{name}: no word for it in common.json and client/view/columns.c')
    return found


def refusal(validator, value):
    error = jsonschema.exceptions.best_match(validator.iter_errors(value))
    return error and f'{error.json_path}: {error.message}'


def check_output(schemas, line):
    schema = copy.deepcopy(schemas[line['schema']])
    if line['partial']:
        for _, node in nodes(schema):
            if isinstance(node.get('required'), list):
                del node['required']
    validator = jsonschema.Draft202012Validator(schema)
    value = json.loads(line['output'])
    wrong = refusal(validator, value)
    if wrong:
        return [wrong]
    if schema.get('type') == 'array':
        for item in value:
            assert isinstance(item, dict)
    found = [f'{path}.{key}: null' for path, node in nodes(value) for key in node if node[key] is None]
    for path, node in nodes(value):
        node['another-name'] = ''
        if not refusal(validator, value):
            found.append(f'{path}: takes a name that is not in the schema')
        del node['another-name']
    return found


def check_outputs(schemas, path):
    found, n = [], 0
    with open(path) as lines:
        for n, text in enumerate(lines, 1):
            line = json.loads(text)
            found += [f'usbferry {line["command"]}: {wrong}\n{line["output"]}' for wrong in check_output(schemas, line)]
    return found if n else ['no output was checked']


def main():
    schemas = read_schemas(sys.argv[1])
    found = check_schemas(schemas, sys.argv[2]) if os.path.isdir(sys.argv[2]) else check_outputs(schemas, sys.argv[2])
    print(*found, sep='\n')
    return 1 if found else 0


sys.exit(main())
