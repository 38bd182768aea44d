"""How the process starts and ends: shortcuts that suit a short-lived program, but no library.

- The garbage collector is off: nothing here lives long enough to need it, and it costs a tenth of a short run.
- The interpreter is not torn down at the end. After torch that takes longer than a forward pass. The promises of a normal exit
  are kept: threads are waited for, ``atexit`` functions run, both streams are flushed.
"""

import atexit
import gc
import os
import sys
import threading
from typing import NoReturn


def start() -> None:
    """Set up the process before anything is imported: no garbage collection, streams that cannot fail on a character."""
    gc.disable()
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")


def leave(code: int) -> NoReturn:
    """End the process with ``code``, as ``sys.exit`` would but without the teardown of the interpreter."""
    if not hasattr(atexit, "_run_exitfuncs") or not hasattr(threading, "_shutdown"):
        raise SystemExit(code)
    try:
        threading._shutdown()
        atexit._run_exitfuncs()
    finally:
        for stream in (sys.stdout, sys.stderr):
            try:
                if stream is not None:
                    stream.flush()
            except (OSError, ValueError):
                code = code or 3
        os._exit(code)
