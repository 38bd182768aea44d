"""``python -m rnndims`` and the ``rnndims`` script."""

import sys
from typing import NoReturn


def main() -> NoReturn:
    """Run the command line and end the process with its exit code."""
    try:
        from .cli import process

        process.start()
        from .cli.app import run

        code = run(sys.argv[1:])
    except KeyboardInterrupt:
        code = 130
        from .cli import process
    process.leave(code)


if __name__ == "__main__":
    main()
