"""``pytest --rnndims``: the exception of a test that fails carries its explanation. Without the option nothing is loaded."""

from typing import Any


def pytest_addoption(parser: Any) -> None:
    """Add the option."""
    parser.getgroup("rnndims").addoption(
        "--rnndims", action="store_true", help="explain what failed in or beside an RNN: its shapes, and how to mend it"
    )


def pytest_configure(config: Any) -> None:
    """Explain, if the option asks for it."""
    if config.getoption("rnndims"):
        config.pluginmanager.register(_Explaining())


class _Explaining:
    def pytest_runtest_makereport(self, call: Any) -> None:
        """Add the note before pytest makes its report of a test's set-up, call or tear-down."""
        if call.excinfo is not None:
            from .explain import add_note

            add_note(call.excinfo.value)
