# SPDX-License-Identifier: LGPL-2.1-or-later
"""The host sleeps and wakes up, by systemd and by the kernel alone: each device is in its guest again.

The kernel's own test mode (pm_test) puts all devices to sleep and wakes them after five seconds; an emulated host could do
no more. Nothing else runs on this host afterwards: its other devices needn't have survived.
"""
import ferry
import others

DEADLINE = 700


def asleep(lab):
    """How often the kernel has slept so far."""
    return int(lab.run("dmesg | grep -c 'PM: suspend exit'", check=False))


def sleep(lab, command):
    before = asleep(lab)
    lab.run(f'setsid sh -c {command!r} > /run/lab-sleep 2>&1 < /dev/null &')

    def woke_up():
        assert asleep(lab) > before, lab.run('tail -n 3 /run/lab-sleep; dmesg | grep PM: | tail -n 3', check=False)
        return True
    lab.wait(woke_up, 90, 'the host to sleep and to wake up')


def run(lab):
    devices = {'KBD-A': lab.plug('usb-kbd', 'k1', serial='KBD-A'), 'MOUSE-A': lab.plug('usb-mouse', 'm1', serial='MOUSE-A')}
    given = others.give_all(lab, 'desk', devices)
    stick = lab.plug('usb-storage', 's1', serial='STICK-A')
    given += others.give_all(lab, 'studio', {'STICK-A': stick})
    free = lab.plug('usb-tablet', 't1', serial='TABLET-A')
    others.wait_right(lab, given)

    lab.run('echo devices > /sys/power/pm_test && mkdir -p /run/systemd/sleep.conf.d && '
            'printf "[Sleep]\\nSuspendState=freeze\\n" > /run/systemd/sleep.conf.d/lab.conf')
    with lab.background("exec busctl monitor --match=\"type='signal',member='PrepareForSleep'\"") as heard:
        lab.wait(lambda: 'Monitoring bus message stream' in heard(), 20, 'busctl monitor to listen')
        for command in 'systemctl suspend', 'echo freeze > /sys/power/state':
            consoles = {vm: ferry.Console(lab, vm) for vm in ('desk', 'studio')}
            sleep(lab, command)
            # What the kernel did with each is its own choice: the keyboard is lost, an idle stick is listed, dead.
            others.wait_anew(lab, consoles, [one for one in given if one.text != 'MOUSE-A'], 90)
            others.wait_right(lab, given)
        assert heard().count('Member=PrepareForSleep') == 2, heard()[-2000:]
    lab.wait_driver(free, 'usbhid')
    ferry.take(lab, 'desk studio')
    for serial, driver in ('KBD-A', 'usbhid'), ('MOUSE-A', 'usbhid'):
        lab.wait_driver(devices[serial], driver)
    lab.wait_driver(stick, 'usb-storage')
