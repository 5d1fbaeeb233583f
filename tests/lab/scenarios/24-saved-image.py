# SPDX-License-Identifier: LGPL-2.1-or-later
"""A VM with a managed save image starts when its device got another number meanwhile, and when it is gone."""
import xml.etree.ElementTree as ET

import ferry

# A VM starts three times, and in a busy lab each takes a minute.
DEADLINE = 900

NOWHERE = (255, 255)


def image(lab, vm):
    """(whether optional, address) of each USB device in the image."""
    root = ET.fromstring(lab.run(f'virsh managedsave-dumpxml {vm}'))
    for node in root.findall("devices/hostdev[@type='usb']"):
        address = node.find('source/address')
        yield node.find('source').get('startupPolicy') == 'optional', (int(address.get('bus')), int(address.get('device')))


def wait_image(lab, vm, address):
    lab.wait(lambda: list(image(lab, vm)) == [(True, address)], 90, f'the image of {vm} to look at {address}')


def save(lab, vm):
    before = lab.run(f'virsh dumpxml --inactive {vm}')
    lab.run(f'virsh -q managedsave {vm}', timeout=300)
    assert lab.run(f'virsh dumpxml --inactive {vm}') == before
    lab.run(f': > /var/log/lab/{vm}.log')    # nobody writes it now, and libvirt may begin it anew


def run(lab):
    first = lab.plug('usb-kbd', 'k1', port='1', serial='KBD-A')
    path = ferry.give(lab, first.name, 'desk')
    lab.wait_guest('desk', present='KBD-A', deadline=150)

    save(lab, 'desk')
    wait_image(lab, 'desk', (first.bus, first.number))
    lab.unplug('k1')
    wait_image(lab, 'desk', NOWHERE)
    second = lab.plug('usb-kbd', 'k1', port='1', serial='KBD-A')
    assert second.number != first.number, 'it has the number that it had'
    wait_image(lab, 'desk', (second.bus, second.number))
    lab.run('virsh -q start desk', timeout=300)
    ferry.wait_state(lab, path, 'attached', 200)
    lab.wait_guest('desk', present='KBD-A', deadline=150)
    assert ferry.addresses(lab, 'desk') == [(second.bus, second.number)]
    assert all('startupPolicy' not in line for line in lab.run('virsh dumpxml desk').splitlines())

    # Gone: it starts without, and gets it when it comes.
    save(lab, 'desk')
    lab.unplug('k1')
    wait_image(lab, 'desk', NOWHERE)
    lab.run('virsh -q start desk', timeout=300)
    ferry.wait_state(lab, path, 'waiting-device', 200)
    lab.wait(lambda: not ferry.hostdevs(lab, 'desk'), 150, 'the placeholder to be out of desk')
    ferry.Console(lab, 'desk').wait_lines(1)
    lab.wait_guest('desk', absent='KBD-A')
    third = lab.plug('usb-kbd', 'k1', port='1', serial='KBD-A')
    ferry.wait_state(lab, path, 'attached', 200)
    lab.wait_guest('desk', present='KBD-A', deadline=150)
    assert ferry.addresses(lab, 'desk') == [(third.bus, third.number)]
