#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""check-playbook.py FOLDER USBFERRY: the playbook in FOLDER, against the service on the bus of the environment: check mode
changes nothing and tells what would be, a run changes it, the next one has nothing to do, and a bad file is a failure.

Where Ansible is installed its own check of the syntax is passed first. What the tasks do is done here, as far as this
playbook needs it: whatever else a task may say is an error."""
import json
import os
import shutil
import subprocess
import sys

import yaml

COMMAND = 'ansible.builtin.command'
LOOKUP = "{{ lookup('ansible.builtin.file', 'usb.conf') }}"


class Failure(Exception):
    """A task failed, as Ansible would tell it."""


def run_task(task, program, text, check, known):
    """(its result, None when it was skipped)"""
    assert set(task) <= {'name', COMMAND, 'register', 'check_mode', 'changed_when', 'when'}, task
    conditions = {'plan is changed and not ansible_check_mode': lambda: known['plan']['changed'] and not check}
    if 'when' in task and not conditions[task['when']]():
        return None
    if check and task.get('check_mode') is not False:
        return None
    assert set(task[COMMAND]) == {'argv', 'stdin'} and task[COMMAND]['stdin'] == LOOKUP, task
    name, *arguments = task[COMMAND]['argv']
    assert name == 'usbferry', task
    # Ansible runs commands without a terminal, in whatever language the host has.
    done = subprocess.run([program, *arguments], input=text, capture_output=True, text=True)
    if done.returncode:
        raise Failure(done.stderr)
    assert task['changed_when'] == f'({task["register"]}.stdout | from_json).differences | length > 0', task
    return {'changed': len(json.loads(done.stdout)['differences']) > 0}


def play(tasks, program, text, check=False):
    """Whether something was changed, or would be, and how many tasks were done."""
    known = {task['register']: run_task(task, program, text, check, {}) for task in tasks[:1]}
    for task in tasks[1:]:
        known[task['register']] = run_task(task, program, text, check, known)
    done = [result for result in known.values() if result]
    return any(result['changed'] for result in done), len(done)


def main():
    folder, program = sys.argv[1:]
    playbook = os.path.join(folder, 'playbook.yml')
    if shutil.which('ansible-playbook'):
        subprocess.run(['ansible-playbook', '-i', os.path.join(folder, 'hosts'), '--syntax-check', playbook], check=True)
    with open(playbook) as f:
        (only,) = yaml.safe_load(f)
    assert set(only) == {'name', 'hosts', 'become', 'gather_facts', 'tasks'}, only
    with open(os.path.join(folder, 'hosts')) as f:
        assert f'[{only["hosts"]}]' in f.read()
    with open(os.path.join(folder, 'usb.conf')) as f:
        text = f.read()

    def export():
        return subprocess.run([program, 'export'], check=True, capture_output=True, text=True).stdout

    before = export()
    assert play(only['tasks'], program, text, check=True) == (True, 1)
    assert export() == before, 'check mode changed something'
    assert play(only['tasks'], program, text) == (True, 2)
    after = export()
    assert 'Name=dongles' in after and 'Name=CAD key' in after, after
    assert play(only['tasks'], program, text) == (False, 1)
    assert play(only['tasks'], program, text, check=True) == (False, 1)
    try:
        play(only['tasks'], program, text + '\n[Nonsense]\n')
        raise AssertionError('a bad file was no failure')
    except Failure as failure:
        assert json.loads(str(failure))['exit-status'] == 2, failure
    assert export() == after
    return 0


sys.exit(main())
