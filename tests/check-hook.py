#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""check-hook.py SOURCE: the hook for libvirt changes what is usbferry's, says nothing otherwise, and always succeeds."""
import subprocess
import sys

OURS = "ua-usbferry-k3xw90ab-77-2"


def hostdev(alias, source="<source>", address="bus='3' device='7'"):
    return f"""    <hostdev mode='subsystem' type='usb' managed='no'>
      {source}
        <vendor id='0x046d'/>
        <product id='0xc31c'/>
        <address {address}/>
      </source>
      <alias name='{alias}'/>
      <address type='usb' bus='0' port='2'/>
    </hostdev>
"""


def domain(devices, title='a &lt;b&gt; &amp; %s \\n Ü'):
    return f"""<domain type='kvm' id='3'>
  <name>vm</name>
  <title>{title}</title>
  <devices>
    <hostdev mode='subsystem' type='pci' managed='yes'>
      <source>
        <address domain='0x0000' bus='0x00' slot='0x14' function='0x0'/>
      </source>
    </hostdev>
{devices}  </devices>
</domain>
"""


def main():
    def run(xml, operation='restore', sub='begin', environment=None):
        done = subprocess.run([f'{sys.argv[1]}/data/hooks/usbferry', 'vm', operation, sub, '-'], input=xml.encode(),
                              capture_output=True, timeout=10, env=environment)
        assert done.returncode == 0 and not done.stderr, done
        return done.stdout.decode().replace('"', "'")

    nowhere = "bus='255' device='255'"
    optional = "<source startupPolicy='optional'>"
    foreign = hostdev('hostdev0')
    bad = []

    def check(what, got, wanted):
        if got != wanted:
            bad.append(f'{what}:\n{got}\ninstead of\n{wanted}')

    check('ours', run(domain(foreign + hostdev(OURS))), domain(foreign + hostdev(OURS, optional, nowhere)))
    check('two of ours', run(domain(hostdev(OURS) + foreign + hostdev(OURS))),
          domain(hostdev(OURS, optional, nowhere) + foreign + hostdev(OURS, optional, nowhere)))
    check('guestReset stays', run(domain(hostdev(OURS, "<source guestReset='off'>"))),
          domain(hostdev(OURS, "<source startupPolicy='optional' guestReset='off'>", nowhere)))
    check('another policy', run(domain(hostdev(OURS, "<source startupPolicy='requisite' missing='yes'>"))),
          domain(hostdev(OURS, "<source startupPolicy='optional' missing='yes'>", nowhere)))
    check('usbferryd was here', run(domain(hostdev(OURS, optional))), '')
    check('one of two', run(domain(hostdev(OURS, optional) + hostdev(OURS))),
          domain(hostdev(OURS, optional) + hostdev(OURS, optional, nowhere)))
    check('from another host', run(domain(hostdev(OURS, optional)), 'migrate'), domain(hostdev(OURS, optional, nowhere)))
    check('nothing of ours', run(domain(foreign + hostdev('ua-usbferry-') + hostdev('ua-else-k3xw90ab-77-2'))), '')
    for operation, sub in ('start', 'begin'), ('prepare', 'begin'), ('restore', 'end'), ('', ''):
        check(f'{operation} {sub}', run(domain(hostdev(OURS)), operation, sub), '')
    whole = domain(hostdev(OURS))
    for name, text in ('empty', ''), ('half a hostdev', whole[:whole.index('<alias')]), ('cut off', whole[:-12]), \
            ('no XML', 'x' * 100000), ('one line', whole.replace('\n', '')):
        check(name, run(text), '')
    check('without awk', run(whole, environment={'PATH': '/nowhere'}), '')
    # As many as fit into libvirt's own limit for a domain.
    check('a long one', run(domain(hostdev(OURS) * 500, 'y' * 1000000)), domain(hostdev(OURS, optional, nowhere) * 500, 'y' * 1000000))
    if bad:
        sys.exit('\n'.join(bad))
    print('the hook is right')


if __name__ == '__main__':
    main()
