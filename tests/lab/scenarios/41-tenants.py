# SPDX-License-Identifier: LGPL-2.1-or-later
"""A tenant's member brings a granted device into the tenant's guest with the client alone; a stranger, another tenant's
member and the administrator can't have it; unplugging, plugging in and restarts change nothing of that, until it is revoked."""
import ferry

LONG = 150      # a session of its own takes its time under emulation
DEADLINE = 900


def tenant_of(lab, kind, column, name):
    return next(row['tenant'] for row in ferry.rows(lab, kind, f'{column},tenant') if row[column] == name)


def refused(run_as, user, error, *commands):
    """All of them, in one go: exit status 3, and this error."""
    script = '\n'.join(f'text=$({command} --json 2>&1 > /dev/null); echo "$? $text" | head -n 1' for command in commands)
    answers = run_as(user, script, timeout=LONG).splitlines()
    assert len(answers) == len(commands), answers
    for command, answer in zip(commands, answers):
        assert answer.startswith('3 ') and error in answer, f'{command} as {user}: {answer}'


def refused_to_others(lab, device):
    """Nobody gets it elsewhere, and only the members get it where it belongs."""
    before = ferry.everything(lab), ferry.assignments(lab)
    elsewhere = (f'usbferry give {device.name} studio', 'usbferry give acme/keys studio',
                 f'usbferry tenant grant globex {device.name}', f'usbferry passthrough {device.name} --group mine')
    for user in 'stranger', 'neighbor', 'member', 'admin', 'root':
        refused(lab.run_as, user, 'NotOwned', *elsewhere)
    for user in 'stranger', 'neighbor':
        refused(lab.run_as, user, 'AccessDenied', f'usbferry give {device.name} desk', 'usbferry give acme/keys desk')
    assert (ferry.everything(lab), ferry.assignments(lab)) == before, 'something was changed'


def run(lab):
    lab.run('useradd -M neighbor && groupadd acme && usermod -aG acme member')
    keyboard = lab.plug('usb-kbd', 'k1', port=1, serial='KBD-A')
    tablet = lab.plug('usb-tablet', 't1', port=2, serial='TAB-B')
    lab.plug('usb-mouse', 'm1', port=4)     # the tablet isn't the last pointer of who sits at the host

    # The administrator's part.
    lab.run('usbferry tenant add acme --member group:acme && usbferry tenant machine acme desk && '
            'usbferry tenant add globex --member user:neighbor && usbferry tenant machine globex studio')
    said = lab.run(f'usbferry tenant grant acme {keyboard.name} --group keys')
    assert 'acme/keys' in said, said
    assert tenant_of(lab, 'devices', 'device', keyboard.name) == 'acme'
    assert tenant_of(lab, 'vms', 'vm', 'desk') == 'acme'
    assert 'belongs to tenant acme' in lab.run(f'usbferry explain {keyboard.name}')
    refused_to_others(lab, keyboard)
    # A session in front makes nothing his own that isn't.
    refused(lab.run_in_session, 'stranger', 'AccessDenied', f'usbferry give {keyboard.name} desk', 'usbferry give acme/keys desk')

    # The member's. From elsewhere his own password is asked for, and nobody is there to type it.
    refused(lab.run_as, 'member', 'org.usbferry1.assign-own', f'usbferry give {keyboard.name} desk')
    # At the host: without a password, and nothing else than that.
    lab.run_in_session('member', f'usbferry give {keyboard.name} desk', timeout=LONG)
    lab.wait_guest('desk', present='KBD-A')
    refused(lab.run_in_session, 'member', 'AccessDenied', f'usbferry give {tablet.name} desk',
            'usbferry tenant set acme --member user:member', f'usbferry tenant grant acme {tablet.name}',
            f'usbferry tenant revoke acme {keyboard.name}', 'usbferry tenant machine acme spare',
            'usbferry tenant machine acme desk --remove', 'usbferry tenant rm acme --force')
    for user in 'stranger', 'neighbor':
        refused(lab.run_as, user, 'AccessDenied', f'usbferry take {keyboard.name}')

    # Who sits at the host takes it home, and ends nothing: the member goes on with it.
    said = lab.run_in_session('stranger', f'usbferry take {keyboard.name}', timeout=LONG)
    assert 'is kept, since ending what others gave takes the right org.usbferry1.assign' in said, said
    lab.wait_guest('desk', absent='KBD-A')
    given, = ferry.assignments(lab)
    assert given['state'] == 'disabled', given
    lab.run_in_session('member', f"usbferry attach {given['assignment-id']}", timeout=LONG)
    lab.wait_guest('desk', present='KBD-A')

    # Out and in again: it is the tenant's all the time, and comes back by itself.
    lab.unplug('k1')
    lab.wait_guest('desk', absent='KBD-A')
    keyboard = lab.plug('usb-kbd', 'k1', port=3, serial='KBD-A')    # another port: it is known by its serial
    lab.wait_guest('desk', present='KBD-A')
    assert tenant_of(lab, 'devices', 'device', keyboard.name) == 'acme'

    # Killed and restarted, with the device in the guest and with it idle.
    lab.run('systemctl kill -s KILL usbferryd && systemctl reset-failed usbferryd; systemctl restart usbferryd', timeout=90)
    ferry.wait_hypervisor(lab, 'connected')
    ferry.wait_device(lab, keyboard.name, 'attached', 'desk')
    lab.run_in_session('member', f'usbferry take {keyboard.name}', timeout=LONG)
    lab.wait_guest('desk', absent='KBD-A')
    lab.wait_driver(keyboard, 'usbhid')
    lab.run('systemctl restart usbferryd', timeout=90)
    ferry.wait_hypervisor(lab, 'connected')
    assert tenant_of(lab, 'devices', 'device', keyboard.name) == 'acme'
    refused_to_others(lab, keyboard)
    lab.run_in_session('member', 'usbferry give acme/keys desk', timeout=LONG)
    lab.wait_guest('desk', present='KBD-A')

    # Revoked while the guest has it: home, nobody's, and anybody's again.
    lab.run(f'usbferry tenant revoke acme {keyboard.name}')
    lab.wait_guest('desk', absent='KBD-A')
    ferry.wait_device(lab, keyboard.name, 'host')
    assert tenant_of(lab, 'devices', 'device', keyboard.name) == ''
    assert not ferry.assignments(lab), ferry.assignments(lab)
    refused(lab.run_in_session, 'member', 'AccessDenied', f'usbferry give {keyboard.name} desk')
    ferry.give(lab, keyboard.name, 'studio')
    lab.wait_guest('studio', present='KBD-A')
