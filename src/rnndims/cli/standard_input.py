"""Standard input, for the options whose value may be ``-``."""

import io
import os
import sys
from typing import BinaryIO

from ..errors import RnndimsError


def standard_input(option: str, fix: str | None = None) -> BinaryIO:
    """Standard input as bytes.

    Args:
        option: the option that asks for it.
        fix: how it is meant to be used.

    Raises:
        RnndimsError: if it is closed, or open for writing only.
    """
    try:
        if sys.stdin is None or sys.stdin.closed:
            raise RnndimsError(f"{option} -: standard input is closed", fix=fix)
        os.read(sys.stdin.fileno(), 0)  # fails where it is open for writing only
    except io.UnsupportedOperation:  # one that a caller has put in its place, without a descriptor
        pass
    except OSError as error:
        raise RnndimsError(f"{option} -: standard input cannot be read: {error.strerror or error}", fix=fix) from error
    return sys.stdin.buffer
