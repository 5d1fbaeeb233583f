# SPDX-License-Identifier: LGPL-2.1-or-later
"""The lab itself, without the service: plugged in, attached by virsh, seen by the guest, detached, back at the host."""

SERVICE = False

HOSTDEV = """<hostdev mode='subsystem' type='usb' managed='yes'>
  <source><address bus='{0.bus}' device='{0.number}'/></source><alias name='ua-lab'/>
</hostdev>"""


def run(lab):
    keyboard = lab.plug('usb-kbd', 'k1', serial='KBD-A')
    assert (keyboard.vendor, keyboard.serial, keyboard.driver) == ('0627', 'KBD-A', 'usbhid'), keyboard

    lab.run('cat > /tmp/hostdev.xml && virsh -q attach-device desk /tmp/hostdev.xml --live',
            input=HOSTDEV.format(keyboard))
    lab.wait_guest('desk', present='KBD-A')
    lab.wait_guest('studio', absent='KBD-A')
    lab.wait_driver(keyboard, 'usbfs')

    lab.run('virsh -q detach-device-alias desk ua-lab --live')
    lab.wait_guest('desk', absent='KBD-A')
    lab.wait_driver(keyboard, 'usbhid')

    lab.unplug('k1')
    assert lab.host_device(keyboard) is None
