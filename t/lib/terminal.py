#!/usr/bin/env python3
"""Run a command on a terminal of its own, and hold the screen to what a table must not do.

    terminal.py [-k] ROWS COLUMNS FILE COMMAND...

-k: press Ctrl-C once FILE exists and something was drawn twice since then.  All that was written goes through a small
model of a screen.  Printed: exit status, whether a line was ever wrapped, the screen
ever scrolled, how many lines were drawn at most, and what is left on the screen.
The model knows what zr-replicate writes; anything else is an error.
"""
import errno, fcntl, json, os, pty, re, select, signal, struct, sys, termios, time, unicodedata

SECONDS = 90


def width(character):
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


class Screen:
    def __init__(self, rows, columns):
        self.rows, self.columns = rows, columns
        self.lines = [[] for _ in range(rows)]
        self.row = self.column = 0
        self.wrapped = 0        # lines of a table; they end with "erase to the right"
        self.wraps = 0          # of the present line
        self.scrolled = 0
        self.escapes = 0
        self.tallest = 0
        self.is_table = False   # the present line

    def down(self):
        if self.row == self.rows - 1:
            self.scrolled += self.is_table
            self.lines = self.lines[1:] + [[]]
        else:
            self.row += 1

    def put(self, character):
        wide = width(character)
        if self.column + wide > self.columns:
            self.wraps += 1
            self.column = 0
            self.down()
        line = self.lines[self.row]
        line.extend(" " * (self.column + wide - len(line)))
        for i in range(wide):
            line[self.column + i] = character if i == 0 else ""
        self.column += wide

    def feed(self, text):
        at = 0
        while at < len(text):
            found = re.compile(r"\x1b\[(\d*)([AJK])").match(text, at)
            if found:
                self.escapes += 1
                number, what = int(found[1] or 1), found[2]
                if what == "A":
                    self.tallest = max(self.tallest, number)
                    if number > self.row:
                        self.scrolled += 1
                    self.row = max(0, self.row - number)
                elif what == "J":
                    del self.lines[self.row][self.column:]
                    self.lines[self.row + 1:] = [[] for _ in range(self.rows - self.row - 1)]
                else:
                    del self.lines[self.row][self.column:]
                    self.wrapped += self.wraps
                    self.is_table = True
                at = found.end()
                continue
            character = text[at]
            at += 1
            if character == "\n":
                self.down()
                self.wraps, self.is_table = 0, False
            elif character == "\r":
                self.column = 0
            elif ord(character) < 32 or ord(character) == 127:
                raise ValueError(f"{character!r} reaches the terminal")
            else:
                self.put(character)

    def text(self):
        return [line for line in ("".join(line).rstrip() for line in self.lines) if line]


def main():
    words = sys.argv[1:]
    press = words[0] == "-k"
    words = words[press:]
    rows, columns, ready, command = int(words[0]), int(words[1]), words[2], words[3:]
    pid, fd = pty.fork()
    if pid == 0:
        signal.signal(signal.SIGINT, signal.SIG_DFL)    # may be ignored where we come from
        fcntl.ioctl(1, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        os.execvp(command[0], command)
    written, since, deadline = b"", 0, time.monotonic() + SECONDS
    while True:
        if time.monotonic() > deadline:
            print("it has not ended")
            os.kill(pid, signal.SIGKILL)
            break
        if not select.select([fd], [], [], 0.05)[0]:
            # Ctrl-C throws away what a terminal has not shown yet: not amid a drawing.
            if press and os.path.exists(ready):
                since = since or len(written)
                if written.count(b"\x1b[J", since) >= 2:
                    press = False
                    os.write(fd, b"\x03")
            continue
        try:
            data = os.read(fd, 65536)
        except OSError as error:
            if error.errno != errno.EIO:
                raise
            break
        if not data:
            break
        written += data
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    screen = Screen(rows, columns)
    screen.feed(written.decode())
    print(json.dumps({"status": status, "wrapped": screen.wrapped, "scrolled": screen.scrolled,
                      "escapes": screen.escapes, "tallest": screen.tallest,
                      "left": screen.text()}, ensure_ascii=False))


main()
