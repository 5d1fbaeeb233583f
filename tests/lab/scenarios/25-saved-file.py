# SPDX-License-Identifier: LGPL-2.1-or-later
"""virsh save to a file, and restore: the VM comes up when its device has another number, is another VM's, or is gone."""
import ferry

DEADLINE = 900


def save(lab):
    lab.run('virsh -q save desk /var/lib/lab/desk.save', timeout=200)
    lab.run(': > /var/log/lab/desk.log')    # nobody writes it now, and libvirt may begin it anew


def restore(lab):
    lab.run('virsh -q restore /var/lib/lab/desk.save', timeout=200)


def run(lab):
    # A hook is seen by a libvirtd that starts with it there.
    lab.run('test -x /etc/libvirt/hooks/qemu.d/usbferry && systemctl restart libvirtd', timeout=200)
    ferry.wait_hypervisor(lab, 'connected', 240)
    lab.plug('usb-kbd', 'k1', port='1', serial='KBD-A')
    twin = lab.plug('usb-kbd', 'k2', port='2', serial='KBD-B')
    first = lab.host_device('2-1')
    path = ferry.give(lab, first.name, 'desk')
    lab.wait_guest('desk', present='KBD-A', deadline=150)

    # Another number, and the old one would be a twin's that studio has: libvirt would refuse both.
    save(lab)
    lab.unplug('k1')
    second = lab.plug('usb-kbd', 'k1', port='1', serial='KBD-A')
    assert second.number != first.number
    lab.run(f"virsh save-image-dumpxml /var/lib/lab/desk.save > /tmp/desk.xml && "
            f"sed -i \"s/bus='{first.bus}' device='{first.number}'/bus='{twin.bus}' device='{twin.number}'/\" /tmp/desk.xml && "
            f"virsh -q save-image-define /var/lib/lab/desk.save /tmp/desk.xml")
    ferry.give(lab, twin.name, 'studio')
    lab.wait_guest('studio', present='KBD-B', deadline=150)
    restore(lab)
    ferry.wait_state(lab, path, 'attached', 200)
    lab.wait_guest('desk', present='KBD-A', deadline=150)
    assert ferry.addresses(lab, 'desk') == [(second.bus, second.number)]
    assert ferry.addresses(lab, 'studio') == [(twin.bus, twin.number)]

    # Gone.
    save(lab)
    lab.unplug('k1')
    restore(lab)
    ferry.wait_state(lab, path, 'waiting-device', 200)
    lab.wait(lambda: not ferry.hostdevs(lab, 'desk'), 150, 'the placeholder to be out of desk')
    lab.plug('usb-kbd', 'k1', port='1', serial='KBD-A')
    ferry.wait_state(lab, path, 'attached', 200)
    lab.wait_guest('desk', present='KBD-A', deadline=150)
