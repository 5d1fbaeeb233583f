# SPDX-License-Identifier: LGPL-2.1-or-later
"""Every method as root, administrator, member of usbferry, stranger, with a session in front and without: as the man page says."""
import re
import shlex

import ferry

DEADLINE = 900

RULE = '/etc/polkit-1/rules.d/10-lab.rules'
# The one thing that is not tried: the stranger gets an assignment of his own.
ALLOW = """polkit.addRule(function (action, subject) {
    if (action.id == 'org.usbferry1.assign' && action.lookup('serial') == 'OWN' && action.lookup('owner') == '' &&
        subject.user == 'stranger')
        return polkit.Result.YES;
});
"""

# What the service says, in one word.
SCRIPT = r"""
call() {    # call METHOD OBJECT [ARGUMENT...]
    local method=$1 object=$2 out
    shift 2
    out=$(busctl --allow-interactive-authorization=no call org.usbferry1 "$object" "org.usbferry1.${method%.*}" \
        "${method##*.}" "$@" 2>&1)
    case $? in 0) out=ok ;; esac
    case $out in
    *'which has to be asked for'*) out=asked ;;
    *"don't have the right"*) out=denied ;;
    esac
    printf '%s\t%s\n' "$method" "$out"
}
"""

CALLS = """
call Manager.GetDevice /org/usbferry1 s {name}
call Manager.GetGroup /org/usbferry1 s g-{tag}
call Manager.GetMachine /org/usbferry1 s spare
call Manager.TestRule /org/usbferry1 s vendor=0627
call Manager.PreviewRule /org/usbferry1 'sa{{sv}}' vendor=0627 0
call Manager.Export /org/usbferry1 'a{{sv}}' 0
call Manager.Apply /org/usbferry1 'ssa{{sv}}' $'[Group]\\nName=a-{tag}' 'a file' 0
call Manager.Explain /org/usbferry1 o {device}
call Device.Reset {device} 'a{{sv}}' 0
call Manager.Rescan /org/usbferry1
call Manager.GetTenant /org/usbferry1 s t-{tag}
call Manager.CreateTenant /org/usbferry1 'sa{{sv}}' n-{tag} 0
call Tenant.Update {tenant} 'a{{sv}}' 0
call Tenant.AddMachine {tenant} o {machine}
call Tenant.RemoveMachine {tenant} o {desk}
call Tenant.Grant {tenant} 'aosa{{sv}}' 1 {device} keys 0
call Tenant.Revoke {tenant} 'aoa{{sv}}' 0 1 Group s own
call Tenant.Delete {tenant} 'a{{sv}}' 1 Force b true
call Manager.CreateGroup /org/usbferry1 'sa{{sv}}' n-{tag} 0
call Manager.MakePassthrough /org/usbferry1 'aosa{{sv}}' 1 {device} p-{tag} 0
call Manager.SetEnabled /org/usbferry1 b true
call ResourceGroup.Update {group} 'a{{sv}}' 0
call ResourceGroup.AddRule {group} 'sa{{sv}}' vendor=1234 0
call ResourceGroup.UpdateRule {group} 'usa{{sv}}' 1 vendor=4321 0
call ResourceGroup.RemoveRule {group} u 1
call ResourceGroup.Assign {group} 'oa{{sv}}' {machine} 0
call ResourceGroup.Delete {group} 'a{{sv}}' 1 Force b true
call Manager.Assign /org/usbferry1 'ooa{{sv}}' {device} {machine} 0
call Assignment.Update {assignment} 'a{{sv}}' 0
call Assignment.Detach {assignment}
call Assignment.Attach {assignment}
call Assignment.Release {assignment} 'a{{sv}}' 0
call Machine.ReleaseAll {machine} 'a{{sv}}' 0
call Manager.ReleaseAll /org/usbferry1 'a{{sv}}' 0
"""
# They need a device in a running VM, or behind a hub: 42-reset, and the matrix of the bus tier.
NOT_TRIED = {'Assignment.Reset', 'Assignment.ResetAll', 'Device.ResetHub'}
OWN_CALLS = '\n'.join(line for line in CALLS.splitlines() if line.startswith('call Assignment.'))


def table(page, first):
    """The rows of a table in the man page, by their first cell."""
    lines = page[page.index(f'\n{first} ') + 1:].splitlines()
    rows = [re.split(r' {2,}', line.strip()) for line in lines[1:lines.index('.fi')]]
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


def run(lab):
    page = lab.run('cat /usr/share/man/man8/usbferryd.8').replace('\\-', '-').replace('\\(aq', "'")
    methods, actions = table(page, 'METHOD'), table(page, 'ACTION')
    lab.run(f'cat > {RULE} && usermod -aG usbferry member && systemctl restart polkit', input=ALLOW, timeout=90)
    free = lab.plug('usb-kbd', 'k1', serial='FREE')
    lab.plug('usb-mouse', 'm1', serial='ROOTS')
    lab.plug('usb-wacom-tablet', 'w1', serial='GRANTED')
    lab.plug('usb-tablet', 't1', serial='OWN')

    def call(user, method, *arguments):
        command = shlex.join(['busctl', 'call', ferry.SERVICE, ferry.ROOT, ferry.MANAGER, method, *arguments])
        return path_of(lab.run_as(user, command, timeout=90))

    device, roots, own = (call('root', 'GetDevice', 's', serial) for serial in ('FREE', 'ROOTS', 'OWN'))
    machine, desk = (call('root', 'GetMachine', 's', name) for name in ('spare', 'desk'))
    session = lab.run_in_session('stranger', 'loginctl show-session $XDG_SESSION_ID -p Active -p Remote -p Seat')
    assert 'Active=yes' in session and 'Seat=seat0' in session and 'Remote=no' in session, session

    wrong = []
    for tag, user, in_session, is_own in (
            ('r', 'root', False, False), ('a', 'admin', False, False), ('ms', 'member', True, False),
            ('m', 'member', False, False), ('ss', 'stranger', True, False), ('s', 'stranger', False, False),
            ('os', 'stranger', True, True), ('o', 'stranger', False, True)):
        lab.run('usbferry take --all', check=False, timeout=90)
        lab.wait(lambda: not ferry.assignments(lab), 40, 'everything home')
        group = call('root', 'CreateGroup', 'sa{sv}', f'g-{tag}', '0')
        lab.run(f'usbferry rule add g-{tag} vendor=ffff')
        lab.run('for t in $(usbferry tenant -o name --noheadings); do usbferry tenant rm $t --force || exit; done')
        tenant = call('root', 'CreateTenant', 'sa{sv}', f't-{tag}', '0')
        lab.run(f'usbferry tenant machine t-{tag} desk && usbferry tenant grant t-{tag} GRANTED --group own')
        assignment = call('stranger' if is_own else 'root', 'Assign', 'ooa{sv}', own if is_own else roots, machine, '0')
        calls = (OWN_CALLS if is_own else CALLS).format(tag=tag, name=free.name, device=device, group=group,
                                                        machine=machine, assignment=assignment, tenant=tenant, desk=desk)
        run_as = lab.run_in_session if in_session else lab.run_as
        answers = dict(line.split('\t', 1) for line in run_as(user, SCRIPT + calls, timeout=240).splitlines())
        if not is_own:
            tried = methods.keys() - NOT_TRIED
            assert answers.keys() == tried, answers.keys() ^ tried
        for method, answer in answers.items():
            wanted = expected(methods, actions, method, user, in_session, is_own)
            if answer != wanted:
                wrong.append(f'{method} as {user}{" in a session" if in_session else ""}'
                             f'{", his own" if is_own else ""}: {answer}, expected {wanted}')
    assert not wrong, '\n'.join(wrong)
    assert lab.run('systemctl show -P NRestarts usbferryd') == '0'
