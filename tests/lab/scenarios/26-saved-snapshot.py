# SPDX-License-Identifier: LGPL-2.1-or-later
"""A revert to a snapshot: the VM comes up when its device has another number, and when it is gone."""
import base64
import subprocess
import tempfile
import xml.etree.ElementTree as ET

import ferry

DEADLINE = 900


def disk():
    """A small qcow2, which is where libvirt puts a snapshot of a running VM."""
    with tempfile.NamedTemporaryFile(suffix='.qcow2') as file:
        subprocess.run(['qemu-img', 'create', '-q', '-f', 'qcow2', file.name, '512M'], check=True)
        return base64.b64encode(file.read()).decode()


def snapshot(lab, name):
    """(whether optional, bus) of each USB device in it."""
    root = ET.fromstring(lab.run(f'virsh snapshot-dumpxml desk {name}'))
    for node in root.findall("domain/devices/hostdev[@type='usb']"):
        yield node.find('source').get('startupPolicy') == 'optional', int(node.find('source/address').get('bus'))


def take_snapshot(lab, name):
    lab.run(f'virsh -q snapshot-create-as desk {name}', timeout=200)
    lab.wait(lambda: list(snapshot(lab, name)) == [(True, 255)], 90, f'snapshot {name} to be repaired')
    assert lab.run('virsh snapshot-current desk --name').strip() == name


def revert(lab, name):
    lab.run(f'virsh -q snapshot-revert desk {name}', timeout=300)
    assert lab.run('virsh domstate desk').strip() == 'running'


def run(lab):
    lab.run('base64 -d > /var/lib/lab/desk.qcow2 && chmod 666 /var/lib/lab/desk.qcow2 && virsh -q attach-disk desk '
            '/var/lib/lab/desk.qcow2 vda --subdriver qcow2 --live', input=disk(), timeout=200)
    first = lab.plug('usb-kbd', 'k1', port='1', serial='KBD-A')
    path = ferry.give(lab, first.name, 'desk')
    lab.wait_guest('desk', present='KBD-A', deadline=150)
    take_snapshot(lab, 'first')

    lab.unplug('k1')
    second = lab.plug('usb-kbd', 'k1', port='1', serial='KBD-A')
    assert second.number != first.number
    ferry.wait_state(lab, path, 'attached', 200)
    revert(lab, 'first')
    ferry.wait_state(lab, path, 'attached', 200)
    lab.wait(lambda: ferry.addresses(lab, 'desk') == [(second.bus, second.number)], 60, 'the keyboard in desk by its number')
    lab.wait_guest('desk', present='KBD-A', deadline=150)

    # Made again under the name of one that is deleted.
    lab.run('virsh -q snapshot-delete desk first', timeout=200)
    take_snapshot(lab, 'first')
    lab.unplug('k1')
    revert(lab, 'first')
    ferry.wait_state(lab, path, 'waiting-device', 200)
    lab.wait(lambda: not ferry.hostdevs(lab, 'desk'), 150, 'the placeholder to be out of desk')
    lab.plug('usb-kbd', 'k1', port='1', serial='KBD-A')
    ferry.wait_state(lab, path, 'attached', 200)
    lab.wait_guest('desk', present='KBD-A', deadline=150)
