"""``%load_ext rnndims``: what ``rnndims.explain()`` is to a program, for the cells of IPython or a notebook."""

from contextlib import ExitStack
from typing import Any

from .explain import explain

_loaded = ExitStack()


def load_ipython_extension(shell: Any) -> None:  # noqa: ARG001 - IPython's signature
    """Explain from now on, for ``%load_ext rnndims``."""
    _loaded.enter_context(explain())


def unload_ipython_extension(shell: Any) -> None:  # noqa: ARG001 - IPython's signature
    """End that, for ``%unload_ext rnndims``."""
    _loaded.close()
