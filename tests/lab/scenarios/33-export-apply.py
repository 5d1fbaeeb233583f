# SPDX-License-Identifier: LGPL-2.1-or-later
"""What one host exports, another one applies: the same groups and assignments, and the devices go to its VMs.

The second time there is nothing to do; a damaged file names its line; one bad rule keeps all of its file from happening.
"""
import json

import ferry

DEADLINE = 900

NEW = '[Group]\nName=new\n\n[Rule 1]\nMatch=vendor=0529\n'


def put(lab, name, text):
    lab.run(f'cat > /tmp/{name}', input=text)
    return f'/tmp/{name}'


def names(lab):
    return {row['group'] for row in json.loads(lab.run('usbferry list groups --json -o group'))}


def refused(lab, text, error, place):
    """Nothing is otherwise after it, neither in the service nor on its disk."""
    before = ferry.everything(lab)
    ferry.fails(lab.run(f'usbferry apply {put(lab, "bad.conf", text)} --json', check=False), error, 2)
    result = lab.run('usbferry apply /tmp/bad.conf', check=False)
    assert f'/tmp/bad.conf:{place}: ' in result.err and not result, (result, result.err)
    assert ferry.everything(lab) == before


def run(lab):
    keyboard = lab.plug('usb-kbd', 'k1', port=1, serial='KBD-A')
    tablet = lab.plug('usb-tablet', 't1', port=2, serial='TAB-B')
    lab.run(f'usbferry passthrough {tablet.name} --group pool --class hid --description "what is on the desk"')
    lab.run("usbferry rule add pool 'vendor=0529 serial=\"AB *\"' --disabled")
    lab.run("usbferry group add spare --disabled --priority 3")
    ferry.wait_state(lab, ferry.give(lab, keyboard.name, 'desk', '--name', 'my keyboard'), 'attached')
    ferry.wait_state(lab, ferry.give(lab, 'pool', 'studio', '--quantity', 'all', '--description', 'all of it'), 'attached')
    text = lab.run('usbferry export')
    for part in 'Name=pool', 'serial=TAB-B', 'Name=my keyboard', 'Machine=desk', 'Machine=studio', 'Quantity=all':
        assert part in text, text

    # The same on a host that knew nothing of it; the keyboard is in another socket there.
    lab.become_another_host()
    lab.plug('usb-kbd', 'k1', port=4, serial='KBD-A')
    lab.plug('usb-tablet', 't1', port=2, serial='TAB-B')
    assert lab.run('usbferry export') == '' and names(lab) == set()
    path = put(lab, 'host.conf', text + '\n')
    planned = lab.run(f'usbferry apply --dry-run {path}')
    assert '+ group pool' in planned and '+ assignment my keyboard of desk' in planned and names(lab) == set(), planned
    said = lab.run(f'usbferry apply {path}')
    assert '+ group spare' in said and said.strip().endswith('Applied.'), said
    assert lab.run('usbferry export') == text
    lab.wait_guest('desk', present='KBD-A')
    lab.wait_guest('studio', present='TAB-B')

    # Once more: nothing, and no file is written. Not even a crash makes a difference.
    before = ferry.everything(lab)
    assert lab.run(f'usbferry apply - < {path}').strip() == 'Nothing to do.'
    assert ferry.everything(lab) == before
    lab.run('systemctl kill -s KILL usbferryd && systemctl reset-failed usbferryd; systemctl restart usbferryd')
    ferry.wait_hypervisor(lab, 'connected')
    assert lab.run('usbferry export') == text
    assert json.loads(lab.run(f'usbferry apply --json {path}'))['differences'] == []

    # What is wrong is named by its line, and nothing of its file happens.
    refused(lab, NEW + 'Colour=red\n', 'InvalidOption', 6)
    refused(lab, NEW + '\x01\x02\x03\n', 'InvalidOption', 6)
    refused(lab, text[:text.index('Machine=desk') + 2] + '\n', 'InvalidOption', text[:text.index('Machine=desk')].count('\n') + 1)
    refused(lab, f'{NEW}\n{text}\n\n[Group]\nName=other\n\n[Rule 1]\nMatch=vendor=nothing\n', 'InvalidRule',
            f'{NEW}\n{text}\n\n[Group]\nName=other\n\n[Rule 1]\nMatch=vendor=nothing\n'.count('\n'))
    lab.run("printf '[Group]\\nName=\\377\\n' > /tmp/bytes.conf")
    result = lab.run('usbferry apply /tmp/bytes.conf', check=False)
    assert result.rc == 2 and '/tmp/bytes.conf:2: ' in result.err, result.err
    result = lab.run(f"echo '{NEW}[Assignment]\nName=x\nMachine=mars\nGroup=new' | usbferry apply - --json", check=False)
    assert result.rc == 4 and 'NoSuchMachine' in result.err and 'stdin:8: ' in result.err, result.err
    result = lab.run_as('stranger', 'usbferry apply /tmp/host.conf', check=False)
    assert result.rc == 3, result.err
    assert names(lab) == {'pool', 'spare'}

    # A change in the file is the only change, and what isn't in a file stays unless it is said otherwise.
    changed = lab.run(f'usbferry apply {put(lab, "host.conf", text.replace("what is on the desk", "what was there") + chr(10))}')
    assert changed.startswith('~ group pool\n') and 'Description=what was there' in changed, changed
    assert 'assignment' not in changed, changed
    lab.run(f'usbferry apply {put(lab, "new.conf", NEW)}')
    assert names(lab) == {'new', 'pool', 'spare'}
    pruned = lab.run('usbferry apply --prune /tmp/new.conf')
    assert '- group pool' in pruned and '- assignment my keyboard of desk' in pruned, pruned
    assert names(lab) == {'new'}
    lab.wait_guest('desk', absent='KBD-A')
    lab.wait_guest('studio', absent='TAB-B')
