"""The encoder of all JSON documents: results become objects with their fields as keys."""

import json
from dataclasses import dataclass
from typing import Any, NamedTuple

import pytest

from rnndims import DataConfig, RNNConfig
from rnndims.measurements import CellStep, Comparison, Half, LayerJoin, WayBack
from rnndims.render import documents
from rnndims.render.documents import dims_document, plain, pretty, with_files
from rnndims.results import compute_dims


class Point(NamedTuple):
    """A small result."""

    x: int
    label: str | None


@dataclass(frozen=True)
class Path:
    """A result that holds others in every kind of container."""

    name: str
    points: tuple[Point, ...]
    named: dict[str, Point]
    listed: list[list[Point]]


def test_results_become_objects_at_any_depth() -> None:
    """Dataclasses and NamedTuples turn into dicts in tuples, lists and dicts; what is plain stays as it is."""
    point = Point(1, None)
    content = {"x": 1, "label": None}
    assert plain(Path("a", (point,), {"p": point}, [[point], []])) == {
        "name": "a",
        "points": [content],
        "named": {"p": content},
        "listed": [[content], []],
    }
    for value in (3, "text", None, 1.5, True, (1, None, 2), ("a", "b"), [0.5, "NaN"], (), {}):
        assert plain(value) == value


def test_a_string_of_another_class_stays_as_it_is() -> None:
    """The version of PyTorch is a subclass of str, and is a string in a document."""
    import torch

    assert type(torch.__version__) is not str
    assert json.dumps(plain({"torch": torch.__version__})) == json.dumps({"torch": str(torch.__version__)})


@pytest.mark.parametrize(
    "value",
    [
        Comparison(True, 0.0, 1e-6),
        CellStep(0, (2, 4), (2, 2), None),
        Half((3, 2, 4)),
        WayBack("output.chunk(2, dim=-1)", (3, 2, 4), ("[0]", "[1]"), True),
        LayerJoin(0, "nn.GRU(4, 2)", (1,), (2,), (3,), (4,), ("a",), ("b",)),
    ],
)
def test_the_keys_are_the_fields_in_order(value: Any) -> None:
    """The object of a result has all of its fields, in the order of their definition."""
    assert list(plain(value).items()) == list(value._asdict().items())


CONFIGS = [
    (RNNConfig("lstm", 4, 3, 2, bidirectional=True, proj_size=2), DataConfig(lengths=(3, 1))),
    (RNNConfig("gru", 4, 3, batch_first=True), DataConfig(unbatched=True)),
    (RNNConfig("rnn", 4, 3, is_cell=True), DataConfig()),
]


@pytest.mark.parametrize(("config", "data"), CONFIGS)
def test_the_short_way_gives_the_same(config: RNNConfig, data: DataConfig, monkeypatch: pytest.MonkeyPatch) -> None:
    """Types that are turned field by field without a look inside have nothing inside that had to be turned."""
    dims = compute_dims(config, data)
    short = json.dumps(dims_document(dims))
    monkeypatch.setattr(documents, "_FLAT", frozenset((RNNConfig,)))
    assert json.dumps(dims_document(dims)) == short


@pytest.mark.parametrize(("config", "data"), CONFIGS)
def test_a_name_that_is_a_key_is_not_repeated(config: RNNConfig, data: DataConfig) -> None:
    """Tensors and weights stand under their names; a configuration begins with its constructor; a cell has no steps."""
    document = dims_document(compute_dims(config, data))
    assert not [name for part in ("tensors", "weights") for name, value in document[part].items() if "name" in value]
    assert next(iter(document["config"])) == "module"
    assert (document["data"]["seq_len"] is None) == config.is_cell


def test_files_are_a_key_of_their_own() -> None:
    """The sources of user tensors are added where there are any, and change nothing where there are none."""
    from rnndims.file_request import Request
    from rnndims.request import request_module

    module, data = request_module("nn.GRU(4, 2)"), DataConfig()
    assert with_files({"a": 1}, Request(module, data)) == {"a": 1}
    assert with_files({"a": 1}, Request(module, data, files={"input": "x.pt"})) == {"a": 1, "files": {"input": "x.pt"}}


def test_long_containers_are_broken_into_lines() -> None:
    """A document keeps its inner levels on a line of at most 200 characters where they fit."""
    text = pretty({"short": [1, 2, 3], "long": {str(number): "x" * 30 for number in range(9)}})
    assert '"short": [1, 2, 3]' in text
    assert max(map(len, text.splitlines())) <= 200
    assert json.loads(text)["long"]["8"] == "x" * 30
