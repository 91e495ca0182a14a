"""Runs a command on a terminal of its own. Each argument before `--` is an expectation and what to type once it shows,
as EXPECTED=>TYPED with \\n, \\x03 (Ctrl-C) and \\x04 (Ctrl-D); nothing is typed after a bare EXPECTED. Prints all that
the terminal showed, then `exit CODE`."""
import os, pty, select, sys, time

split = sys.argv.index("--")
steps = [step.encode().decode("unicode_escape").encode("latin1").decode("utf-8").split("=>") for step in sys.argv[1:split]]
pid, terminal = pty.fork()
if pid == 0:
    os.execvp(sys.argv[split + 1], sys.argv[split + 1:])
shown, seen, deadline = "", 0, time.time() + 30
raw = b""
while True:
    while steps and shown.find(steps[0][0], seen) >= 0:
        expected, *typed = steps.pop(0)
        seen = shown.find(expected, seen) + len(expected)
        if typed:
            os.write(terminal, typed[0].encode())
    if time.time() > deadline:
        os.kill(pid, 9)
        print(shown)
        sys.exit(f"the terminal never showed {steps[:1]}")
    if not select.select([terminal], [], [], 0.1)[0]:
        continue
    try:
        part = os.read(terminal, 65536)
    except OSError:
        break  # Linux says so when the command has closed the terminal
    if not part:
        break
    raw += part
    shown = raw.decode("utf-8", "ignore")
_, status = os.waitpid(pid, 0)
print(shown)
print("unmet", steps) if steps else None
print("exit", os.waitstatus_to_exitcode(status))
