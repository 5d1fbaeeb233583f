# SPDX-License-Identifier: LGPL-2.1-or-later
"""libvirt's modular daemons: no libvirtd, but virtqemud behind a socket. It is restarted, and comes when it is called."""
import json

import ferry

# No Debian has virtqemud. Its units are as libvirt's own are; libvirtd in its place is the same program with the other
# drivers in it, and takes the socket that it is handed. A host that has a virtqemud runs that.
SERVICE_UNIT = """[Unit]
Description=QEMU daemon of libvirt
Requires=virtqemud.socket
After=virtqemud.socket dbus.service

[Service]
Type=notify
ExecStart={program} --timeout 120
KillMode=process
Restart=on-failure
Delegate=yes
TasksMax=32768
"""
SOCKET_UNIT = """[Unit]
Description=Socket of libvirt's QEMU daemon

[Socket]
ListenStream=/run/libvirt/virtqemud-sock
FileDescriptorName={name}.socket
Service=virtqemud.service
SocketMode=0666
RemoveOnStop=yes

[Install]
WantedBy=sockets.target
"""
CHANGED = 300   # some twenty calls of systemd, in a host under emulation beside other work
OLD = 'libvirtd.socket libvirtd-ro.socket libvirtd-admin.socket libvirtd.service'


def go_modular(lab):
    name = 'virtqemud' if lab.run('command -v virtqemud', check=False).rc == 0 else 'libvirtd'
    lab.run('cat > /etc/systemd/system/virtqemud.service', input=SERVICE_UNIT.format(program=f'/usr/sbin/{name}'))
    lab.run('cat > /etc/systemd/system/virtqemud.socket', input=SOCKET_UNIT.format(name=name))
    lab.run(f'systemctl disable -q --now {OLD}; systemctl mask -q {OLD}; rm -f /run/libvirt/libvirt-sock*; '
            'systemctl daemon-reload && systemctl enable -q --now virtqemud.socket', timeout=CHANGED)


def run(lab):
    keyboard = lab.plug('usb-kbd', 'k1', serial='KBD-A')
    mouse = lab.plug('usb-mouse', 'm1', serial='MOUSE-A')
    first = ferry.give(lab, keyboard.name, 'desk')
    lab.wait_guest('desk', present='KBD-A')
    console = ferry.Console(lab, 'desk')

    # The VMs are the same, another daemon has them. The service finds it by itself.
    go_modular(lab)
    ferry.wait_hypervisor(lab, 'connected', 120)
    assert lab.run("systemctl list-units --no-legend --plain 'libvirtd*'") == ''
    assert lab.run('systemctl is-active virtqemud.service') == 'active'
    lab.run('virsh -q -c qemu:///system list --name | grep -x desk')
    ferry.wait_state(lab, first, 'attached')
    second = ferry.give(lab, mouse.name, 'studio')
    lab.wait_guest('studio', present='MOUSE-A')

    # Restarted with devices in VMs: they stay, and what is asked for next is done.
    lab.run('systemctl restart virtqemud.service', timeout=120)
    lab.wait('journalctl -b -u usbferryd | grep -c "hypervisor qemu:///system: connecting" | grep -x "[2-9]"', 60, 'the loss noticed')
    ferry.wait_hypervisor(lab, 'connected', 120)
    for path in first, second:
        ferry.wait_state(lab, path, 'attached')
    lab.run(f'usbferry take {mouse.name}', timeout=90)
    lab.wait_guest('studio', absent='MOUSE-A')
    lab.wait_driver(mouse, 'usbhid')

    # It ended, as one does that nobody asked for two minutes: its socket starts it.
    lab.run('systemctl stop virtqemud.service', timeout=120)
    given = json.loads(lab.run(f'usbferry give --json {mouse.name} desk', timeout=120))[0]['path']
    ferry.wait_state(lab, given, 'attached', 120)
    lab.wait_guest('desk', present=('KBD-A', 'MOUSE-A'))
    assert lab.run('systemctl is-active virtqemud.service') == 'active'
    assert lab.run("systemctl list-units --no-legend --plain 'libvirtd*'") == ''
    assert all('KBD-A' in line for line in console.lines()), console.lines()
