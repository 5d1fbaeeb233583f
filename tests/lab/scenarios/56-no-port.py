# SPDX-License-Identifier: LGPL-2.1-or-later
"""A VM without a free USB port gets the next device as soon as there is one; one without a controller is told so at once."""
import ferry

USB = "<controller type='usb' index='0' model='qemu-xhci' ports='15'/>"


def start_with(lab, controller):
    """shell, paused, with this USB controller and no other one"""
    lab.run(f"virsh dumpxml --inactive shell > /tmp/shell.xml && sed '/<controller type=.usb./,/<.controller>/d; "
            f"s#</devices>#{controller}</devices>#' /tmp/shell.xml | virsh -q define /dev/stdin", timeout=120)
    ferry.wait_machine(lab, 'shell', 'shutoff')
    lab.run('virsh -q start --paused shell', timeout=120)
    ferry.wait_machine(lab, 'shell', 'paused')


def wait_in_shell(lab, devices):
    wanted = sorted((one.bus, one.number) for one in devices)
    lab.wait(lambda: ferry.addresses(lab, 'shell') == wanted, 40, f'{wanted} in shell')


AT_ONCE = 25    # seconds, in an emulated host


def ports_run_out(lab, devices):
    start_with(lab, '<controller type="usb" index="0" model="qemu-xhci" ports="2"/>')
    paths = [ferry.give(lab, one.name, 'shell') for one in devices[:2]]
    wait_in_shell(lab, devices[:2])
    lab.run(f'usbferry give --wait 10 {devices[2].name} shell', check=False, timeout=60)
    row, = [row for row in ferry.assignments(lab) if row['path'] not in paths]
    assert row['state'] != 'attached' and 'port' in row['reason'], row
    print(f'     {row["state"]}: {row["reason"]}', flush=True)

    # Once it has tried in vain for a while, the next try by itself is far away. (A guest says something every 10 s.)
    ferry.Console(lab, 'desk').wait_lines(3)
    ferry.take(lab, devices[0].name)
    ferry.wait_state(lab, row['path'], 'attached', AT_ONCE)
    wait_in_shell(lab, devices[1:])


def no_controller(lab, devices):
    lab.run('usbferry take --all && virsh -q destroy shell', timeout=120)
    start_with(lab, '<controller type="usb" index="0" model="none"/>')
    said = lab.run(f'usbferry give --json {devices[0].name} shell', check=False, timeout=90)
    assert 'controller' in said + said.err, (said, said.err)
    for row in ferry.assignments(lab):
        assert 'USB controller' in row['reason'] and 'disabled for this domain' not in row['reason'], row
        print(f'     {row["reason"]}', flush=True)
    # Not even tried.
    assert lab.run("journalctl -b -u libvirtd --no-pager | grep -ci 'usb is disabled'", check=False) == '0'
    lab.wait_driver(devices[0], 'usbhid')


def run(lab):
    devices = [lab.plug(driver, driver, serial=f'N{n}') for n, driver in enumerate(('usb-kbd', 'usb-mouse', 'usb-tablet'))]
    ports_run_out(lab, devices)
    no_controller(lab, devices)
