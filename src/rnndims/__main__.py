"""``python -m rnndims`` and the ``rnndims`` script.

Ctrl-C ends the process in the code that every shell has for it, without a word, from the first line of this file on: nothing
but what Python has loaded already is imported before that is settled. While a command runs, Ctrl-C is a ``KeyboardInterrupt``.
"""

import os
import sys

INTERRUPTED = 130


def leave_at_once(*_: object) -> None:
    """End the process: nothing has been written yet, or all has."""
    os._exit(INTERRUPTED)


try:
    import signal

    interruptible = signal.getsignal(signal.SIGINT) is signal.default_int_handler  # it may be ignored, as behind nohup
    if interruptible:
        signal.signal(signal.SIGINT, leave_at_once)
except KeyboardInterrupt:
    leave_at_once()


def main() -> None:
    """Run the command line and end the process with its exit code."""
    try:
        from .cli import process

        process.start()
        from .cli.app import run
    except (MemoryError, SystemError):  # Python itself loses the first on its way and reports the second
        os.write(2, b"rnndims: not enough memory to start\n")
        os._exit(3)
    try:
        if interruptible:
            signal.signal(signal.SIGINT, signal.default_int_handler)
        code = run(sys.argv[1:])
        if interruptible:
            signal.signal(signal.SIGINT, leave_at_once)
    except KeyboardInterrupt:
        leave_at_once()
    process.leave(code)


if __name__ == "__main__":
    main()
