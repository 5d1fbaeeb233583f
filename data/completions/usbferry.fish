# SPDX-License-Identifier: LGPL-2.1-or-later
# fish completion for usbferry, which says itself what may come next: one line each, with its meaning behind a tab.

function __usbferry_complete
    set -l words (commandline -opc)
    set -l word (commandline -ct)
    test (count $word) -gt 0; or set word ''
    for line in (usbferry --complete $words[2..-1] $word 2>/dev/null)
        if string match -q \t'FILE' -- $line
            __fish_complete_path $word
        else
            echo $line
        end
    end
end

complete -c usbferry -f -a '(__usbferry_complete)'
