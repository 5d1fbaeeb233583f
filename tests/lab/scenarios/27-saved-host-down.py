# SPDX-License-Identifier: LGPL-2.1-or-later
"""The host goes down: devices come home before libvirt-guests saves the VMs, and go to them again after the next boot.

systemd stops everything in the order of a real end, as one transaction, and only what the lab needs to look stays.
"""
import ferry

DEADLINE = 900

DOWN = """[Unit]
Description=All but the lab's own
AllowIsolate=yes
Requires=basic.target
Wants=ssh.service lab-net.service dbus.service systemd-logind.service systemd-udevd.service systemd-journald.service
"""
# As packaged by Debian 12 it isn't ordered to libvirtd, and then saves nothing or everything.
ORDER = '[Unit]\nAfter=libvirtd.service\n'


def isolate(lab, target, done):
    lab.run(f'systemctl --no-block isolate {target}')
    lab.wait(done, 400, f'{target} to be reached')


def image_names(lab):
    return lab.run('virsh list --all --name --with-managed-save').split()


def run(lab):
    lab.run('mkdir -p /etc/systemd/system/libvirt-guests.service.d && cat > /etc/systemd/system/lab-down.target', input=DOWN)
    lab.run('cat > /etc/systemd/system/libvirt-guests.service.d/lab.conf', input=ORDER)
    lab.run("printf 'ON_SHUTDOWN=suspend\\nON_BOOT=start\\nSTART_DELAY=0\\n' > /etc/default/libvirt-guests; "
            'systemctl unmask -q libvirt-guests.service; systemctl daemon-reload && '
            'systemctl enable -q --now libvirt-guests.service usbferry-guests.service', timeout=300)
    keyboard = lab.plug('usb-kbd', 'k1', port='1', serial='KBD-A')
    path = ferry.give(lab, keyboard.name, 'desk')
    lab.wait_guest('desk', present='KBD-A', deadline=150)
    before = ferry.hostdevs(lab, 'desk')

    # Who restarts usbferryd takes nothing out of VMs.
    lab.run('systemctl restart usbferryd', timeout=200)
    ferry.wait_hypervisor(lab, 'connected', 240)
    ferry.wait_state(lab, path, 'attached', 200)
    assert ferry.hostdevs(lab, 'desk') == before
    assert lab.run('systemctl is-active usbferry-guests').strip() == 'active'

    # Taken home by hand, as the end of the host does it, and given again.
    lab.run('systemctl stop usbferry-guests', timeout=200)
    assert not ferry.hostdevs(lab, 'desk')
    lab.wait_driver(keyboard, 'usbhid')
    reason = ferry.wait_state(lab, path, 'waiting-device')
    assert 'usbferry-guests' in reason, reason
    lab.run('systemctl start usbferry-guests', timeout=200)
    ferry.wait_state(lab, path, 'attached', 200)
    lab.wait_guest('desk', present='KBD-A', deadline=150)

    isolate(lab, 'lab-down.target', '! systemctl is-active -q libvirtd.service && ! systemctl is-active -q usbferryd.service '
            '&& ! systemctl is-active -q libvirt-guests.service && [ -e /var/lib/libvirt/qemu/save/desk.save ]')
    journal = lab.run('journalctl -b -o cat -u usbferryd.service -u usbferry-guests.service --no-pager')
    assert 'everything comes home' in journal, journal
    assert 'Failed' not in lab.run('journalctl -b -o cat -u usbferry-guests.service --no-pager')
    # Nothing of ours is in what was saved.
    assert lab.run('grep -ac ua-usbferry- /var/lib/libvirt/qemu/save/desk.save', check=False).strip() == '0'
    assert lab.host_device(keyboard).driver == 'usbhid'

    lab.unplug('k1')
    again = lab.plug('usb-kbd', 'k1', port='1', serial='KBD-A')
    lab.run(': > /var/log/lab/desk.log')
    isolate(lab, 'multi-user.target', 'systemctl is-active -q libvirt-guests.service && systemctl is-active -q usbferry-guests')
    assert not image_names(lab)
    ferry.wait_hypervisor(lab, 'connected', 240)
    ferry.wait_state(lab, path, 'attached', 200)
    lab.wait_guest('desk', present='KBD-A', deadline=150)
    assert ferry.addresses(lab, 'desk') == [(again.bus, again.number)]
