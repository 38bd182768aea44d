"""What the tests share: the command line called in this process, with what it wrote."""

import json
import signal
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import pytest

from rnndims.cli.app import run


class Result(NamedTuple):
    """What one command line did."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Standard output as the one JSON document it must be."""
        return json.loads(self.out)


Invoke = Callable[..., Result]


@pytest.fixture(scope="session", autouse=True)
def interruptible() -> Iterator[None]:
    """Programs that tests start can be interrupted: a shell that runs the tests in the background makes them ignore Ctrl-C."""
    before = signal.getsignal(signal.SIGINT)
    if before is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    if before is signal.SIG_IGN:
        signal.signal(signal.SIGINT, before)


@pytest.fixture
def invoke(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Invoke:
    """Runs one command line: ``invoke("dims", "-l", "2")``, 100 columns wide unless said otherwise."""
    monkeypatch.setenv("COLUMNS", "100")

    def call(*args: str) -> Result:
        capsys.readouterr()
        code = run(list(args))
        return Result(code, *capsys.readouterr())

    return call


@pytest.fixture
def nothing_is_compiled(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another test in this process may have used torch.compile, after which a program is no longer followed."""
    monkeypatch.setattr("rnndims.live.follower._compiles", lambda: False)
