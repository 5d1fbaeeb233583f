#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""A whole front end for usbferry: front-end.py [give DEVICE VM | take DEVICE]

Alone it shows which device is where, and every change of that, until it is ended. org.usbferry1(5) has the interface."""
import sys
from gi.repository import Gio, GLib

NAME, ROOT = 'org.usbferry1', '/org/usbferry1'


class FrontEnd:
    def __init__(self):
        self.objects = Gio.DBusObjectManagerClient.new_for_bus_sync(
            Gio.BusType.SYSTEM, Gio.DBusObjectManagerClientFlags.NONE, NAME, ROOT, None, None, None)
        self.bus = self.objects.get_connection()

    def get(self, path, name):
        """A property, as the signals keep it: no call is made. Of what isn't there: an empty text."""
        proxy = self.objects.get_interface(path, NAME + {'device': '.Device', 'machine': '.Machine', 'group': '.ResourceGroup',
                                                         'assignment': '.Assignment'}.get(path.split('/')[-2], ''))
        value = proxy and proxy.get_cached_property(name)
        return '' if value is None else value.unpack()

    def call(self, member, types, *arguments, path=ROOT, interface='.Manager'):
        """Somebody may have to type a password for it: so there is no timeout."""
        return self.bus.call_sync(NAME, path, NAME + interface, member, GLib.Variant(types, arguments), None,
                                  Gio.DBusCallFlags.ALLOW_INTERACTIVE_AUTHORIZATION, GLib.MAXINT32, None).unpack()

    def show(self, path):
        one = lambda name: self.get(path, name)
        if '/device/' in path and not one('IsHub'):
            vm, uses = self.get(one('Machine'), 'Name'), ', '.join(one('HostUse'))
            print(f'device {one("SysName")} {one("Label")}: {one("State")} [{vm}] [{uses}] {one("Reason")}', flush=True)
        elif '/assignment/' in path:
            print(f'assignment {one("Name")}: {one("State")}, {one("Has")} of {one("Wanted")}: {one("Reason")}', flush=True)
        elif '/group/' in path:
            print(f'group {one("Name")}: {one("Free")} of {one("Total")} free', flush=True)

    def follow(self):
        self.objects.connect('object-added', lambda _, one: self.show(one.get_object_path()))
        self.objects.connect('interface-proxy-properties-changed', lambda _, one, *rest: self.show(one.get_object_path()))
        self.objects.connect('object-removed', lambda _, one: print('gone', one.get_object_path(), flush=True))
        self.bus.signal_subscribe(NAME, NAME + '.Manager', 'Notice', ROOT, None, Gio.DBusSignalFlags.NONE, lambda *signal:
                                  print('notice {0}: {2}'.format(*signal[5].unpack()), flush=True))
        for one in self.objects.get_objects():
            self.show(one.get_object_path())
        print('ready', flush=True)
        GLib.MainLoop().run()

    def ask_first(self, answer, obstacles):
        for obstacle in obstacles:
            print(f'{obstacle["Code"]}: {obstacle["Text"]}')
        if answer == 'no' or any(obstacle['Error'] for obstacle in obstacles):
            sys.exit('it would be refused')

    def give(self, device, vm):
        device, machine = self.call('GetDevice', '(s)', device)[0], self.call('GetMachine', '(s)', vm)[0]
        self.ask_first(*self.call('CheckAssign', '(aooa{sv})', [device], machine, {}))
        print('given:', *self.call('Assign', '(ooa{sv})', device, machine, {}))

    def take(self, device):
        device = self.call('GetDevice', '(s)', device)[0]
        assignment = self.get(device, 'Assignment')
        if assignment == '/':
            sys.exit('it is on the host already')
        self.ask_first(*self.call('CheckRelease', '(ooa{sv})', assignment, device, {}))
        self.call('ReleaseDevice', '(oa{sv})', device, {}, path=assignment, interface='.Assignment')
        print('taken:', assignment)


words = sys.argv[1:] or ['follow']
if (words[0], len(words)) not in (('follow', 1), ('give', 3), ('take', 2)):
    print(__doc__.splitlines()[0])
    sys.exit(0 if words[0] == '--help' else 2)
try:
    getattr(FrontEnd(), words[0])(*words[1:])
except GLib.Error as error:  # the name is for programs, the text for people
    sys.exit(error.message.partition(': ')[2])
