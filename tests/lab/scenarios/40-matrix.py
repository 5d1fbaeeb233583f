# SPDX-License-Identifier: LGPL-2.1-or-later
"""Every method as member of usbferry, tenant's member and stranger, with a session in front, with what is one's own and what
isn't: as the man page says. Who has no session, root and administrators are the bus tier's; one of them is here."""
import itertools
import re
import shlex

import ferry

DEADLINE = 1200

RULE = '/etc/polkit-1/rules.d/10-lab.rules'
# The one thing that is not tried: the stranger gets an assignment of his own.
ALLOW = """polkit.addRule(function (action, subject) {
    if (action.id == 'org.usbferry1.assign' && action.lookup('serial') == 'OWN' && action.lookup('owner') == '' &&
        subject.user == 'stranger')
        return polkit.Result.YES;
});
"""

# What the service says, in one word. busctl has one text for whatever was denied, also when polkit was not to be asked.
SCRIPT = r"""
call() {    # call METHOD OBJECT [ARGUMENT...]
    local method=$1 object=$2 name=${1%(*} out
    shift 2
    out=$(busctl --timeout=90 --allow-interactive-authorization=no call org.usbferry1 "$object" "org.usbferry1.${name%.*}" \
        "${name##*.}" "$@" 2>&1)
    case $? in 0) out=ok ;; esac
    case $out in
    *'which has to be asked for'*) out=asked ;;
    *"don't have the right"* | *'Access denied'*) out=denied ;;
    *'o such assignment'*) out=ok ;;    # ReleaseDevice has ended it, by the same right as Release
    esac
    printf '%s\t%s\t%s\n' "$whose" "$method" "$out"
}
"""

# The devices, each behind a hub of its own.
DEVICES = {'FREE': 'usb-kbd', 'ROOTS': 'usb-mouse', 'OWN': 'usb-tablet', 'GRANTED': 'usb-wacom-tablet', 'SECOND': 'usb-kbd',
           'FORCED': 'usb-mouse'}
ALLOW_RESETS = '2', 'AllowGuestReset', 'b', 'true', 'AllowGuestResetsAll', 'b', 'true'

# With an assignment that is the caller's, or his tenant's.
OWN_CALLS = """
whose=own
call Assignment.Update {own} 'a{{sv}}' 0
call Assignment.Reset {own} 'a{{sv}}' 0
call Assignment.ResetAll {own} 'a{{sv}}' 0
call Assignment.Detach {own}
call Assignment.Attach {own}
call Assignment.Retry {own}
call Assignment.Confirm {own}
call Assignment.ReleaseDevice {own} 'oa{{sv}}' {owns} 0
call Assignment.Release {own} 'a{{sv}}' 0
"""
TENANTS_CALLS = OWN_CALLS + """
call Manager.Assign /org/usbferry1 'ooa{{sv}}' {second} {desk} 0
call ResourceGroup.Assign {keys} 'oa{{sv}}' {desk} 0
"""

CALLS = """
whose=any
call Manager.GetDevice /org/usbferry1 s {name}
call Manager.GetGroup /org/usbferry1 s g-{tag}
call Manager.GetAssignment /org/usbferry1 s {assignment_id}
call Manager.GetMachine /org/usbferry1 s spare
call Manager.GetHistory /org/usbferry1 'ua{{sv}}' 5 0
call Manager.TestRule /org/usbferry1 s vendor=0627
call Manager.PreviewRule /org/usbferry1 'sa{{sv}}' vendor=0627 0
call Manager.Export /org/usbferry1 'a{{sv}}' 0
call Manager.Apply /org/usbferry1 'ssa{{sv}}' $'[Group]\\nName=a-{tag}' 'a file' 0
call Manager.Explain /org/usbferry1 o {device}
call Device.Reset {device} 'a{{sv}}' 0
call Device.ResetHub {device} 'a{{sv}}' 0
call Manager.Rescan /org/usbferry1
call Manager.GetTenant /org/usbferry1 s t-{tag}
call Manager.CreateTenant /org/usbferry1 'sa{{sv}}' n-{tag} 0
call Tenant.Update {tenant} 'a{{sv}}' 0
call Tenant.AddMachine {tenant} o {machine}
call Tenant.RemoveMachine {tenant} o {desk}
call Tenant.Grant {tenant} 'aosa{{sv}}' 1 {device} keys 0
call Tenant.Revoke {tenant} 'aoa{{sv}}' 0 1 Group s keys
call Tenant.Delete {tenant} 'a{{sv}}' 1 Force b true
call Manager.CreateGroup /org/usbferry1 'sa{{sv}}' n-{tag} 0
call Manager.MakePassthrough /org/usbferry1 'aosa{{sv}}' 1 {device} p-{tag} 0
call Manager.SetEnabled /org/usbferry1 b true
call Manager.HoldHome /org/usbferry1 b false
call ResourceGroup.Update {group} 'a{{sv}}' 0
call ResourceGroup.AddRule {group} 'sa{{sv}}' vendor=1234 0
call ResourceGroup.UpdateRule {group} 'usa{{sv}}' 1 vendor=4321 0
call ResourceGroup.RemoveRule {group} u 1
call ResourceGroup.Assign {group} 'oa{{sv}}' {machine} 0
call Manager.AssignMany /org/usbferry1 'aooa{{sv}}' 1 {group} {machine} 1 Another b true
call ResourceGroup.Delete {group} 'a{{sv}}' 1 Force b true
call Manager.Assign /org/usbferry1 'ooa{{sv}}' {device} {machine} 0
call Manager.CheckAssign /org/usbferry1 'aooa{{sv}}' 1 {second} {desk} 0
call Manager.CheckRelease /org/usbferry1 'ooa{{sv}}' {assignment} / 0
call 'Manager.Assign(Force)' /org/usbferry1 'ooa{{sv}}' {forced} {machine} 1 Force b true
call Assignment.Update {assignment} 'a{{sv}}' 0
call Assignment.Reset {assignment} 'a{{sv}}' 0
call Assignment.ResetAll {assignment} 'a{{sv}}' 0
call Assignment.Detach {assignment}
call Assignment.Attach {assignment}
call Assignment.Retry {assignment}
call Assignment.Confirm {assignment}
call Assignment.ReleaseDevice {assignment} 'oa{{sv}}' {roots} 0
call Assignment.Release {assignment} 'a{{sv}}' 0
call Machine.SetUsbController {machine} 'sa{{sv}}' qemu-xhci 0
call Machine.Start {desk} 'a{{sv}}' 0
call Machine.ReleaseAll {machine} 'a{{sv}}' 0
call Manager.ReleaseAll /org/usbferry1 'a{{sv}}' 0
"""
OWN_METHODS = set(re.findall(r'Assignment\.\w+', OWN_CALLS))


def table(page, first):
    """The rows of a table in the man page, by their first cell."""
    lines = page[page.index(f'\n{first} ') + 1:].splitlines()
    # docutils of Debian 12 ends it with .fi, the one of Debian 13 with .EE; a line of the table begins with no dot.
    rows = [re.split(r' {2,}', line.strip()) for line in itertools.takewhile(lambda line: line[:1] != '.', lines[1:])]
    return {row[0]: row[1:] for row in rows if len(row) > 1}


def expected(methods, actions, method, user, session, own):
    action, owners = methods[method]
    column = 2 if session else 0
    if action == '-' or user == 'root':
        return 'ok'
    if own and owners != '-' and actions[owners][column] == 'yes':
        return 'ok'
    if user == 'member' and session and action in ('assign', 'take-home'):
        return 'ok'
    return {'yes': 'ok', 'no': 'denied'}.get(actions[action][column], 'asked')


def path_of(answer):
    return re.search(r'"(/[^"]+)"', answer)[1]


def call(lab, user, method, *arguments):
    """One of the Manager's that answers with a path."""
    command = shlex.join(['busctl', 'call', ferry.SERVICE, ferry.ROOT, ferry.MANAGER, method, *arguments])
    return path_of(lab.run_as(user, command, timeout=90))


def assign(lab, user, device, vm):
    """An assignment whose device is in the VM, and may be reset there."""
    machine = call(lab, 'root', 'GetMachine', 's', vm)
    path = call(lab, user, 'Assign', 'ooa{sv}', device, machine, *(ALLOW_RESETS if user == 'root' else '0'))
    if user != 'root':  # that is more than he may
        lab.run(shlex.join(['busctl', 'call', ferry.SERVICE, path, ferry.ASSIGNMENT, 'Update', 'a{sv}', *ALLOW_RESETS]))
    lab.wait(f"xml=$(virsh dumpxml {vm}); [ $(grep -c ua-usbferry- <<< $xml) = $(grep -c guestReset=.on. <<< $xml) ]", 60,
             f'the devices of {vm} to be in the guest as they are to be')
    ferry.wait_state(lab, path, 'attached')
    return path


def set_up(lab, tag, user, devices):
    """The same objects for each user. Returns their paths."""
    lab.run('usbferry take --all', check=False, timeout=90)
    lab.wait(lambda: not ferry.assignments(lab), 40, 'everything home')
    lab.run('for t in $(usbferry tenant -o tenant --noheadings); do usbferry tenant rm $t --force || exit; done')
    group = call(lab, 'root', 'CreateGroup', 'sa{sv}', f'g-{tag}', '0')
    lab.run(f'usbferry rule add g-{tag} vendor=ffff')
    tenant = call(lab, 'root', 'CreateTenant', 'sa{sv}', f't-{tag}', '0')
    lab.run(f'usbferry tenant set t-{tag} --member user:clerk && usbferry tenant machine t-{tag} desk && '
            f'usbferry tenant grant t-{tag} GRANTED SECOND --group keys')
    paths = {'group': group, 'tenant': tenant, 'keys': call(lab, 'root', 'GetGroup', 's', f't-{tag}/keys'),
             'assignment': assign(lab, 'root', devices['ROOTS'], 'studio')}
    # as sd_bus_path_encode() does it
    paths['assignment_id'] = re.sub('_(..)', lambda match: chr(int(match[1], 16)), paths['assignment'].rpartition('/')[2])
    if user == 'stranger':
        paths |= {'own': assign(lab, user, devices['OWN'], 'studio'), 'owns': devices['OWN']}
    elif user == 'clerk':
        paths |= {'own': assign(lab, 'root', devices['GRANTED'], 'desk'), 'owns': devices['GRANTED']}
    return paths


def run(lab):
    page = lab.run('zcat -f /usr/share/man/man8/usbferryd.8*').replace('\\-', '-').replace('\\(aq', "'")
    methods, actions = table(page, 'METHOD'), table(page, 'ACTION')
    lab.run(f'cat > {RULE} && usermod -aG usbferry member && useradd -M clerk && systemctl restart polkit', input=ALLOW,
            timeout=90)
    for port, (serial, driver) in enumerate(DEVICES.items(), 1):
        lab.plug('usb-hub', f'hub{port}', port=port)
        lab.plug(driver, f'device{port}', port=f'{port}.1', serial=serial)
    devices = {serial: call(lab, 'root', 'GetDevice', 's', serial) for serial in DEVICES}
    machine, desk = (call(lab, 'root', 'GetMachine', 's', name) for name in ('spare', 'desk'))
    session = lab.run_in_session('stranger', 'loginctl show-session $XDG_SESSION_ID -p Active -p Remote -p Seat')
    assert 'Active=yes' in session and 'Seat=seat0' in session and 'Remote=no' in session, session

    wrong = []
    for tag, user, in_session in (('ms', 'member', True), ('m', 'member', False), ('cs', 'clerk', True), ('ss', 'stranger', True)):
        paths = set_up(lab, tag, user, devices)
        own = {'stranger': OWN_CALLS, 'clerk': TENANTS_CALLS}.get(user, '')
        calls = (own + CALLS).format(tag=tag, name='FREE', device=devices['FREE'], second=devices['SECOND'], roots=devices['ROOTS'],
                                     forced=devices['FORCED'],
                                     machine=machine, desk=desk, **paths)
        run_as = lab.run_in_session if in_session else lab.run_as
        lines = [line.split('\t', 2) for line in run_as(user, SCRIPT + calls, timeout=300).splitlines()]
        tried = {method for whose, method, _ in lines if whose == 'any'}
        assert tried == methods.keys(), tried ^ methods.keys()
        assert not own or {method for whose, method, _ in lines if whose == 'own'} >= OWN_METHODS, lines
        for whose, method, answer in lines:
            wanted = expected(methods, actions, method, user, in_session, whose == 'own')
            if answer != wanted:
                wrong.append(f'{method} as {user}{" in a session" if in_session else ""}'
                             f'{", his own" if whose == "own" else ""}: {answer}, expected {wanted}')
    assert not wrong, '\n'.join(wrong)
    assert lab.run('systemctl show -P NRestarts usbferryd') == '0'
