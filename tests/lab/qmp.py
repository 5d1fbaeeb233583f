# SPDX-License-Identifier: LGPL-2.1-or-later
"""QMP: the monitor of the outer VM's QEMU."""
import json
import socket
import time


class QmpError(Exception):
    pass


class Qmp:
    def __init__(self, path, deadline=30):
        self.events = []
        self._buffer = b''
        end = time.monotonic() + deadline
        while True:
            self._socket = socket.socket(socket.AF_UNIX)
            try:
                self._socket.connect(path)
                break
            except OSError as error:
                self._socket.close()
                if time.monotonic() > end:
                    raise QmpError(f'no monitor at {path} within {deadline} s: {error}') from None
                time.sleep(0.05)
        self._read(deadline)
        self.command('qmp_capabilities')

    def close(self):
        self._socket.close()

    def _read(self, timeout):
        self._socket.settimeout(max(timeout, 0.01))
        while b'\n' not in self._buffer:
            try:
                data = self._socket.recv(65536)
            except OSError as error:
                raise QmpError(f'the monitor does not answer: {error}') from None
            if not data:
                raise QmpError('QEMU closed its monitor')
            self._buffer += data
        line, self._buffer = self._buffer.split(b'\n', 1)
        message = json.loads(line)
        if 'event' in message:
            self.events.append(message)
        return message

    def command(self, name, timeout=30, **arguments):
        self._socket.sendall(json.dumps({'execute': name, 'arguments': arguments}).encode() + b'\n')
        end = time.monotonic() + timeout
        while True:
            message = self._read(end - time.monotonic())
            if 'return' in message:
                return message['return']
            if 'error' in message:
                raise QmpError(f'{name}: {message["error"]["desc"]}')

    def wait_event(self, name, timeout=30, **data):
        end = time.monotonic() + timeout
        while True:
            for event in self.events:
                if event['event'] == name and all(event['data'].get(k) == v for k, v in data.items()):
                    self.events.remove(event)
                    return event
            self._read(end - time.monotonic())
