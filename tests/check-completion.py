#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""check-completion.py SOURCE: types lines with TABs into bash, zsh and fish, which have a usbferry that knows a few
names, and looks what that usbferry was called with: names with spaces and quotes come out whole, and what somebody
called a VM or an assignment is never run."""
import json
import os
import pty
import select
import shutil
import signal
import sys
import tempfile
import time

DEADLINE = 60  # seconds, for one line in one shell

# Its --complete has a fixed list, of which it offers what begins like the last word; all other calls are noted.
STUB = '''#!/usr/bin/env python3
import json, os, sys
words = sys.argv[1:]
if words[:1] == ['--complete']:
    names = ['take', 'twin two', 'evil$(>pwned)`>pwned`', "it's", '--option', '--class=smartcard', 'sp;>pwned']
    typed = words[-1]
    for name in names if typed else []:
        if name.startswith(typed):
            print(name + '\\tmeaning')
    if typed == 'fil':
        print('\\tFILE')
else:
    with open(os.environ['LOG'], 'w') as log:
        json.dump(words, log)
'''

# What is typed behind "usbferry ", and the words that come of it.
LINES = [
    ('ta\t', ['take']),
    ('take tw\t', ['take', 'twin two']),
    ('take evil\t', ['take', 'evil$(>pwned)`>pwned`']),
    ('take it\t', ['take', "it's"]),
    ('take sp\t', ['take', 'sp;>pwned']),
    ('take --op\t', ['take', '--option']),
    ('take --class=sm\t', ['take', '--class=smartcard']),
    ('apply fil\t', ['apply', 'file.conf']),
]

SHELLS = {
    'bash': (['bash', '--norc', '--noprofile', '-i'],
             "PS1='RE''ADY> '; bind 'set enable-bracketed-paste off'; source {data}/usbferry"),
    'zsh': (['zsh', '-f', '-i'],
            "PS1='RE''ADY> '; unset zle_bracketed_paste; fpath=({data} $fpath); autoload -Uz compinit; compinit -u -D"),
    'fish': (['fish', '--private', '--no-config', '-i'],
             "function fish_prompt; echo -n RE'ADY> '; end; source {data}/usbferry.fish"),
}


class Shell:
    def __init__(self, name, data, folder):
        words, setup = SHELLS[name]
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.chdir(folder)
            os.environ.update(PATH=f'{folder}/bin:' + os.environ['PATH'], HOME=folder, TERM='xterm', COLUMNS='200',
                              LC_ALL='C.UTF-8', XDG_CONFIG_HOME=folder, XDG_DATA_HOME=folder, LOG=f'{folder}/log')
            os.execvp(words[0], words)
        self.said = b''
        self.type(setup.format(data=data) + '\n')
        self.wait('READY> ')

    def type(self, text):
        os.write(self.fd, text.encode())

    def wait(self, text):
        """Reads until it has said that since the last time."""
        end = time.monotonic() + DEADLINE
        while text.encode() not in self.said:
            ready, _, _ = select.select([self.fd], [], [], max(end - time.monotonic(), 0))
            part = os.read(self.fd, 4096) if ready else b''
            if not part:
                raise AssertionError(f'no "{text}" in:\n{self.said.decode(errors="replace")}')
            self.said += part
        self.said = self.said.split(text.encode(), 1)[1]

    def run(self, line):
        self.type(f'usbferry {line}')
        # of what is completed the shell says something; the next prompt comes behind it
        self.type('\n')
        self.wait('READY> ')

    def end(self):
        os.kill(self.pid, signal.SIGKILL)
        os.close(self.fd)
        os.waitpid(self.pid, 0)


def check(name, data):
    found = []
    with tempfile.TemporaryDirectory() as folder:
        os.mkdir(f'{folder}/bin')
        with open(f'{folder}/bin/usbferry', 'w') as stub:
            stub.write(STUB)
        os.chmod(f'{folder}/bin/usbferry', 0o755)
        open(f'{folder}/file.conf', 'w').close()
        shell = Shell(name, data, folder)
        try:
            for line, expected in LINES:
                if os.path.exists(f'{folder}/log'):
                    os.unlink(f'{folder}/log')
                shell.run(line)
                shell.type('\n')
                shell.wait('READY> ')
                words = json.load(open(f'{folder}/log')) if os.path.exists(f'{folder}/log') else None
                if words != expected:
                    found.append(f'{name}: usbferry {line!r}: {words}, not {expected}\n{shell.said!r}')
            if os.path.exists(f'{folder}/pwned'):
                found.append(f'{name}: a name was run')
        finally:
            shell.end()
    return found


def main():
    data = os.path.abspath(os.path.join(sys.argv[1], 'data/completions'))
    found = []
    for name in SHELLS:
        # a shell that isn't there would look as if all were well
        found += check(name, data) if shutil.which(name) else [f'{name}: not installed, see tests/packages']
    print(*found, sep='\n')
    return 1 if found else 0


sys.exit(main())
