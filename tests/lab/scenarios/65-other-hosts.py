# SPDX-License-Identifier: LGPL-2.1-or-later
"""Over ssh it is the same as on the host: lists of several hosts, one of which is down, a device given, changes watched.

The lab is its own remote: its sshd, with a key that is made here, and systemd-stdio-bridge.
"""
import json

import ferry

CONFIG = """
Host near second member@near
    HostName 127.0.0.1
Host down
    HostName 127.0.0.1
    Port 9
"""

SETUP = """
set -eu
mkdir -p -m 700 ~/.ssh /home/member/.ssh ~/.config/usbferry
ssh-keygen -q -t ed25519 -N '' -f ~/.ssh/id_ed25519
cat ~/.ssh/id_ed25519.pub >> ~/.ssh/authorized_keys
cp ~/.ssh/id_ed25519.pub /home/member/.ssh/authorized_keys
chown -R member: /home/member/.ssh
ssh-keyscan -t ed25519 127.0.0.1 2> /dev/null > ~/.ssh/known_hosts
cat > ~/.ssh/config
printf '# ours\\nnear\\n\\ndown # for years\\n' > ~/.config/usbferry/hosts
"""


def check_lists(lab):
    here = lab.run('usbferry list -o device,serial --noheadings')
    there = lab.run('usbferry -H near list -o device,serial --noheadings')
    assert 'KBD-A' in here and there == here, (here, there)

    result = lab.run('usbferry --all-hosts list -o device,serial', check=False)
    assert result.rc == 1, result.rc
    assert 'usbferry: down: no connection to the bus of down' in result.err, result.err
    lines = result.splitlines()
    assert lines[0].split() == ['HOST', 'DEVICE', 'SERIAL'], result
    assert any(line.split() == ['lab', '2-1', 'KBD-A'] for line in lines), result

    both = json.loads(lab.run('usbferry -H near -H second list --json -o serial'))
    assert sum(row['serial'] == 'KBD-A' and row['host'] == 'lab' for row in both) == 2, both


def check_changes(lab, keyboard):
    lab.run(f'usbferry -H near give {keyboard.name} desk')
    lab.wait_guest('desk', present='KBD-A')
    refused = lab.run(f'usbferry -H near -H second take {keyboard.name}', check=False)
    assert refused.rc == 2 and 'one host at a time' in refused.err, refused.err
    # Nobody can be asked for a password over there, and what to do about it is said.
    denied = lab.run(f'usbferry -H member@near take {keyboard.name}', check=False)
    assert denied.rc == 3 and 'ssh -t' in denied.err, (denied.rc, denied.err)
    lab.run(f'usbferry -H near take {keyboard.name}')
    lab.wait_guest('desk', absent='KBD-A')


def check_watch(lab):
    with lab.background('exec usbferry watch -H near -H second -H down') as said:
        lab.wait(lambda: said().count('watching for changes') == 2 and 'usbferry: down: ' in said(), 60,
                 'both hosts to be watched, and the third one named')
        lab.plug('usb-mouse', 'm1', serial='MOUSE-A')
        lab.wait(lambda: said().count('plugged in') == 2, 60, 'the mouse, as both hosts tell it')
        assert all(line.startswith(('lab ', 'usbferry: ', 'ssh: ')) for line in said().splitlines() if line), said()
        # One connection breaks, the other one goes on.
        lab.run("kill $(pgrep -f '^ssh .* second ')")
        lab.wait(lambda: 'usbferry: second: lost the connection' in said(), 60, 'the end of one')
        lab.unplug('m1')
        lab.wait(lambda: said().count('unplugged') == 1, 60, 'the end of the mouse, as one host tells it')


def run(lab):
    keyboard = lab.plug('usb-kbd', 'k1', serial='KBD-A')
    lab.run(SETUP.replace('cat > ~/.ssh/config', f"cat > ~/.ssh/config <<'C'{CONFIG}C"))
    check_lists(lab)
    check_changes(lab, keyboard)
    check_watch(lab)
    assert ferry.assignments(lab) == []
