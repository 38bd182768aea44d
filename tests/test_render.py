"""The views at any width and in any encoding: a shape is never cut or split, and data is never markup."""

import io
import re

import pytest

from rnndims import DataConfig, RNNConfig
from rnndims.render.console import make_console
from rnndims.render.dims_view import dims_view
from rnndims.results import compute_dims

CONFIGS = [
    (RNNConfig("rnn", 4, 2, num_layers=2, bidirectional=True), DataConfig()),
    (RNNConfig("lstm", 123456, 654321, num_layers=3, bidirectional=True, proj_size=54321), DataConfig(1234, 5678)),
    (RNNConfig("gru", 10, 20, batch_first=True), DataConfig(lengths=tuple(range(1, 40)))),
    (RNNConfig("lstm", 10, 20, is_cell=True), DataConfig(unbatched=True)),
    (RNNConfig("rnn", 1, 1, num_layers=5000), DataConfig()),
]


def rendered(config, data, width, monkeypatch, encoding="utf-8"):
    monkeypatch.setenv("COLUMNS", str(width))
    file = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    dims_view(compute_dims(config, data))(make_console(file))
    file.flush()
    return file.buffer.getvalue().decode(encoding)


@pytest.mark.parametrize("width", [20, 40, 60, 80, 100, 120, 200])
@pytest.mark.parametrize(("config", "data"), CONFIGS, ids=lambda value: type(value).__name__)
def test_no_shape_is_cut_or_split(config, data, width, monkeypatch):
    """At every width each tensor's shape and symbolic dims, and each shown weight's name, stand whole on a line."""
    dims = compute_dims(config, data)
    lines = rendered(config, data, width, monkeypatch).splitlines()
    for tensor in dims.tensors.values():
        assert any(str(tensor.shape) in line for line in lines)
        assert any(", ".join(tensor.dims) in line for line in lines)
    for weight in list(dims.weights.values())[:4]:
        assert any(weight.name in line.split() for line in lines)
        assert any(str(weight.shape) in line for line in lines)
    for state in list(dims.states)[-1:]:
        assert any(state.in_output in line for line in lines)
    below_the_constructor = lines[lines.index("") :]
    assert [
        line for line in below_the_constructor if re.search(r"\(\d|\d\)", line) and line.count("(") != line.count(")")
    ] == []


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp437"])
def test_other_encodings_get_stand_ins(encoding, monkeypatch):
    """A console that knows no Unicode gets stand-ins, and nothing is lost in an error."""
    for config, data in CONFIGS:
        assert "What goes in and what comes out" in rendered(config, data, 80, monkeypatch, encoding)


def test_many_layers_are_elided(monkeypatch):
    """Thousands of layers are shown by their first and last, with the number of those between."""
    text = rendered(*CONFIGS[4], 80, monkeypatch)
    assert len(text.splitlines()) < 150
    assert "4,988 more layers" in text
    assert "layer 4999" in text


def test_text_of_data_is_never_markup(monkeypatch):
    """Square brackets in a text are shown as they are."""
    monkeypatch.setenv("COLUMNS", "80")
    file = io.StringIO()
    make_console(file).print("[batch, seq] [/tmp/x] :smile:")
    assert file.getvalue() == "[batch, seq] [/tmp/x] :smile:\n"
