"""What the tests share: the command line called in this process, with what it wrote."""

import json
from collections.abc import Callable
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


@pytest.fixture
def invoke(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Invoke:
    """Runs one command line: ``invoke("dims", "-l", "2")``, 100 columns wide unless said otherwise."""
    monkeypatch.setenv("COLUMNS", "100")

    def call(*args: str) -> Result:
        capsys.readouterr()
        code = run(list(args))
        return Result(code, *capsys.readouterr())

    return call
