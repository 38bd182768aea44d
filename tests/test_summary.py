"""``rnndims.summary``: a whole model in one forward pass, whose MACs are right and which leaves nothing behind."""

import json
import random
from html.parser import HTMLParser
from typing import Any

import pytest
import torch
from torch import nn
from torch.nn.utils.rnn import PackedSequence, pack_padded_sequence, pad_packed_sequence
from torch.utils.flop_counter import FlopCounterMode

import rnndims

ISSUE = {
    "LSTM": (nn.LSTM(10, 20, device="meta"), (5, 3, 10), None, 36_000),
    "a projection": (nn.LSTM(10, 20, proj_size=5, device="meta"), (5, 3, 10), None, 19_500),
    "GRU": (nn.GRU(10, 20, device="meta"), (5, 3, 10), None, 27_000),
    "unbatched": (nn.LSTM(10, 20, device="meta"), (5, 10), None, 12_000),
    "packed": (nn.LSTM(10, 20, device="meta"), (5, 3, 10), (5, 2, 1), 19_200),
}


def counted(module: nn.Module, lengths: list[int]) -> int:
    """Multiplications, one step of one sequence after the other: each matrix of the module multiplies one vector in it."""
    total = 0
    for length in lengths:
        for _ in range(length):
            for weight in module.parameters():
                if weight.ndim == 2:
                    rows, columns = weight.shape
                    total += rows * columns
    return total


def flop_counter(module: nn.Module, *given: Any) -> float:
    """Half of what PyTorch counts, which is a multiplication and an addition for each."""
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        module(*given)
    return counter.get_total_flops() / 2


@pytest.mark.parametrize("case", ISSUE)
def test_cases_that_others_miscount(case):
    """MACs of plain, projected, unbatched and packed calls are the known numbers, PyTorch's own, and those of a loop."""
    module, shape, lengths, macs = ISSUE[case]
    given: Any = torch.empty(shape, device="meta")
    if lengths is not None:
        given = pack_padded_sequence(given, lengths)
    assert rnndims.summary(module, given).recurrent_macs == macs
    assert flop_counter(module, given) == macs
    sequences = 1 if len(shape) == 2 else shape[1]
    assert counted(module, list(lengths or [shape[0]] * sequences)) == macs


@pytest.mark.parametrize("seed", range(60))
def test_macs_of_random_modules(seed):
    """Whatever the cell, layers, directions, projection, bias and layout, the MACs are PyTorch's and those of a loop."""
    draw = random.Random(seed)
    kind = draw.choice(["RNN", "LSTM", "GRU"])
    width, hidden, steps, batch = draw.randint(1, 9), draw.randint(2, 9), draw.randint(1, 6), draw.randint(1, 5)
    options = {name: draw.random() < 0.5 for name in ("bias", "batch_first", "bidirectional")}
    if kind == "LSTM" and draw.random() < 0.5:
        options["proj_size"] = draw.randint(1, hidden - 1)
    module = getattr(nn, kind)(width, hidden, draw.randint(1, 3), device="meta", **options)
    layout = draw.choice(["batched", "unbatched", "packed"])
    lengths, given = [steps] * batch, torch.empty(batch, steps, width, device="meta")
    if layout == "unbatched":
        lengths, given = [steps], given[0]
    elif layout == "packed":
        lengths = [draw.randint(1, steps) for _ in range(batch)]
        given = pack_padded_sequence(given, torch.tensor(lengths), batch_first=True, enforce_sorted=False)
    elif not options["batch_first"]:
        given = given.transpose(0, 1)
    (seen,) = rnndims.summary(module, given).recurrent
    assert seen.macs == counted(module, lengths) == flop_counter(module, given)
    assert seen.own.parameters == sum(weight.numel() for weight in module.parameters())
    assert seen.calls[0].packed == (layout == "packed")


@pytest.mark.parametrize("kind", ["RNNCell", "LSTMCell", "GRUCell"])
@pytest.mark.parametrize("unbatched", [False, True])
def test_a_loop_over_a_cell_is_counted_step_by_step(kind, unbatched):
    """All calls of a cell count, those with a state and the first one without."""

    class Decoder(nn.Module):
        def __init__(self):
            super().__init__()
            self.cell = getattr(nn, kind)(3, 4, device="meta")

        def forward(self, x):
            state = None
            for step in x:
                state = self.cell(step, state)
            return state

    decoder, given = Decoder(), torch.empty((7, 3) if unbatched else (7, 5, 3), device="meta")
    (seen,) = rnndims.summary(decoder, given).recurrent
    assert (seen.name, seen.times, [call.times for call in seen.calls]) == ("cell", 7, [1, 6])
    assert seen.macs == counted(decoder, [7] if unbatched else [7] * 5) == flop_counter(decoder, given)
    assert seen.states == ((), ())


class Stateful(nn.Module):
    """A model in which much changes when it is called."""

    def __init__(self):
        super().__init__()
        self.rnn = nn.LSTM(3, 4, num_layers=2, dropout=0.5, batch_first=True)
        self.norm = nn.BatchNorm1d(4)
        self.register_buffer("calls", torch.zeros(1))
        self.register_buffer("last", torch.zeros(1))
        self.hidden = None
        self.norm.eval()

    def forward(self, x, fail=False):  # noqa: D102
        self.calls += 1
        self.calls.data.add_(1)
        self.last = x.mean().reshape(1)
        output, self.hidden = self.rnn(x, self.hidden)
        self.extra = nn.Linear(1, 1)
        torch.rand(3), random.random()
        self.eval()
        if fail:
            raise KeyError("the model's own")
        return self.norm(output[:, -1])


@pytest.mark.parametrize("fail", [False, True])
def test_the_model_is_as_it_was(fail):
    """Training flags, buffers, attributes, gradients and random states are what they were, also after an exception."""
    model, x = Stateful(), torch.randn(2, 5, 3)
    before = {name: (value, value.clone()) for name, value in model.state_dict().items()}
    attributes, flags = [dict(vars(module)) for module in model.modules()], [module.training for module in model.modules()]
    states = torch.get_rng_state(), random.getstate()
    if fail:
        with pytest.raises(KeyError, match="the model's own"):
            rnndims.summary(model, x, fail=True)
    else:
        assert rnndims.summary(model, x).recurrent[0].times == 1
    assert flags == [module.training for module in model.modules()] == [True, True, False]
    assert attributes == [dict(vars(module)) for module in model.modules()]
    assert model.hidden is None
    after = model.state_dict()
    assert list(after) == list(before)
    assert all(torch.equal(after[name], numbers) for name, (_, numbers) in before.items())
    assert model.calls.item() == model.last.item() == 0
    assert torch.equal(torch.get_rng_state(), states[0])
    assert random.getstate() == states[1]
    assert all(parameter.grad is None for parameter in model.parameters())
    assert "__call__" not in vars(nn.RNNBase)
    assert "__call__" not in vars(nn.TransformerEncoder)


def test_the_random_state_of_numpy_is_kept():
    """A model that draws from NumPy leaves its state as it was."""
    numpy = pytest.importorskip("numpy")

    class Draws(nn.GRU):
        def forward(self, x):
            numpy.random.rand(3)
            return super().forward(x)

    before = numpy.random.get_state()[1].copy()
    rnndims.summary(Draws(3, 4), torch.zeros(2, 3))
    assert (numpy.random.get_state()[1] == before).all()


def test_it_runs_in_inference():
    """The pass has no gradients and no dropout, and the caller's own mode is kept."""
    seen = []

    class Probe(nn.GRU):
        def forward(self, x):
            seen.append((self.training, torch.is_grad_enabled(), torch.is_inference_mode_enabled()))
            return super().forward(x)

    rnndims.summary(Probe(3, 4), torch.zeros(2, 3))
    assert seen == [(False, False, False)]
    assert torch.is_grad_enabled()


@pytest.mark.parametrize("batch_first", [False, True])
@pytest.mark.parametrize("layout", ["batched", "unbatched", "packed"])
def test_rows_of_h_n_are_where_it_says(layout, batch_first):
    """Each expression for a row of ``h_n`` gives its numbers when it is run on the real output."""
    model = nn.GRU(3, 4, num_layers=2, bidirectional=True, batch_first=batch_first)
    x, lengths, n = torch.randn(5, 5, 3), torch.tensor([2, 5, 3, 1, 4]), torch.arange(5)
    given: Any = {"batched": x, "unbatched": x[0]}.get(layout)
    if layout == "packed":
        given = pack_padded_sequence(x, lengths, batch_first=batch_first, enforce_sorted=False)
    (seen,) = rnndims.summary(model, given).recurrent
    with torch.no_grad():
        output, h_n = model(given)
    if layout == "packed":
        output, _ = pad_packed_sequence(output, batch_first=batch_first)
    assert [(row.row, row.layer, row.direction) for row in seen.states[0]] == [
        (0, 0, "forward"),
        (1, 0, "reverse"),
        (2, 1, "forward"),
        (3, 1, "reverse"),
    ]
    assert [row.in_output is None for row in seen.states[0]] == [True, True, False, False]
    for row in seen.states[0][2:]:
        found = eval(row.in_output, {"output": output, "lengths": lengths, "n": n})
        torch.testing.assert_close(found, h_n[row.row])


class Tied(nn.Module):
    """An embedding that is also the last layer, a frozen module, and a parameter of the model's own."""

    def __init__(self):
        super().__init__()
        self.scale = nn.Parameter(torch.ones(2, dtype=torch.float64))
        self.embedding = nn.Embedding(9, 4)
        self.blocks = nn.ModuleDict({"a": nn.GRU(4, 4), "b": nn.LSTM(4, 4)})
        self.unused = nn.RNN(4, 4)
        self.fc = nn.Linear(4, 9)
        self.fc.weight = self.embedding.weight
        self.fc.bias.requires_grad_(False)
        self.blocks["a"].requires_grad_(False)

    def forward(self, tokens, *, model):  # noqa: D102
        output, _ = self.blocks["a"](self.embedding(tokens["x"]))
        output, _ = self.blocks["b"](output)
        return self.fc(output) * self.scale[0] * model


def tied() -> Any:
    """The summary of a ``Tied``, called with a dict and a keyword that is called model."""
    return rnndims.summary(Tied(), {"x": torch.zeros(3, 2, dtype=torch.long)}, model=1)


def test_parameters_are_counted_once():
    """Each module has its own parameters; shared ones are counted where they are first, and the total is that of the set."""
    summary, model = tied(), Tied()
    rows = [(each.name, each.class_name, each.own.parameters, each.own.frozen, each.shared) for each in summary.modules]
    assert rows == [
        ("", "Tied", 2, 0, ()),
        ("embedding", "Embedding", 36, 0, ()),
        ("blocks.a", "GRU", 120, 120, ()),
        ("blocks.b", "LSTM", 160, 0, ()),
        ("unused", "RNN", 40, 0, ()),
        ("fc", "Linear", 9, 9, (("weight", "embedding.weight"),)),
    ]
    parameters = set(model.parameters())
    assert summary.total.parameters == sum(each.numel() for each in parameters)
    assert summary.total.trainable == sum(each.numel() for each in parameters if each.requires_grad)
    assert summary.total.parameter_bytes == sum(each.numel() * each.element_size() for each in parameters)
    assert [(each.name, each.times) for each in summary.recurrent] == [("blocks.a", 1), ("blocks.b", 1), ("unused", 0)]


def test_the_document_has_all_of_it():
    """The JSON document has every call with its shapes, states and MACs, each module's parameters, and the totals."""
    document = json.loads(tied().to_json())
    assert list(document) == ["schema", "rnndims", "command", "model", "recurrent", "modules", "totals", "not_watched"]
    assert (document["command"], document["model"]) == ("summary", "Tied")
    gru, _, unused = document["recurrent"]
    assert (gru["name"], gru["module"], gru["trainable"], gru["macs"]) == ("blocks.a", "nn.GRU(4, 4)", 0, 6 * 12 * 8)
    assert gru["calls"][0]["output"] == [3, 2, 4]
    assert gru["calls"][0]["states"][0]["in_output"] == "output[-1, :, 0:4]"
    assert (unused["times"], unused["macs"], unused["calls"]) == (0, 0, [])
    fc = {"name": "fc", "class": "Linear", "parameters": 9, "trainable": 0, "parameter_bytes": 36}
    assert document["modules"][-1] == {**fc, "shared": {"weight": "embedding.weight"}}
    assert document["totals"] == {
        "parameters": 367,
        "trainable": 238,
        "parameter_bytes": 367 * 4 + 2 * 4,
        "recurrent_macs": 6 * 12 * 8 + 6 * 16 * 8,
    }


def test_the_text_fits_a_terminal(monkeypatch):
    """``str()`` has at most 80 columns, no colours and no signs that a terminal may lack, whatever the environment says."""
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "200")
    text = str(tied())
    assert max(map(len, text.splitlines())) <= 80
    assert text.isascii()
    assert "\x1b" not in text
    assert "no call was seen" in " ".join(text.split())
    assert "frozen, weight is embedding.weight" in " ".join(text.split())
    assert "367 parameters   238 trainable, 129 frozen" in text
    assert repr(tied()) == "<rnndims.summary of Tied: 3 recurrent modules, 1,344 MACs, 367 parameters>"


def test_a_large_model_is_shortened():
    """Tables of many modules leave out the middle, and say how much."""

    class Deep(nn.Module):
        def __init__(self):
            super().__init__()
            self.layers = nn.ModuleList(nn.GRU(2, 2, 9) for _ in range(100))

        def forward(self, x):
            for layer in self.layers:
                x, _ = layer(x)

    summary = rnndims.summary(Deep(), torch.zeros(1, 2))
    assert len(summary.recurrent) == 100
    assert len(str(summary).splitlines()) < 250
    assert "60 more" in str(summary)
    assert len(summary._repr_html_()) < 40_000


class Tags(HTMLParser):
    """Collects tags and text of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag, attrs):  # noqa: D102
        self.tags.add(tag)

    def handle_data(self, data):  # noqa: D102
        self.text += data


ALLOWED = {"div", "style", "table", "caption", "thead", "tbody", "tr", "th", "td", "p", "br", "code"}


def test_html_has_no_tags_of_the_users():
    """Names of modules and classes are text in HTML, whatever they look like."""
    evil = type("<script>alert(1)</script>", (nn.Sequential,), {})()
    evil.add_module("<img src=x onerror='alert(1)'>&amp;", nn.GRU(3, 4))
    summary = rnndims.summary(evil, torch.zeros(2, 3))
    page = Tags(summary._repr_html_())
    assert page.tags <= ALLOWED
    for text in ("<script>alert(1)</script>", "<img src=x onerror='alert(1)'>&amp;", "nn.GRU(3, 4)", "output[-1, 0:4]"):
        assert text in page.text
    assert "<script>alert(1)</script>" in str(summary)


def test_other_models_and_inputs():
    """A bare module, a packed batch, a model without an RNN and one without parameters are summarised."""
    packed = pack_padded_sequence(torch.zeros(4, 2, 3), [4, 2])
    (bare,) = rnndims.summary(nn.LSTM(3, 4, dtype=torch.float32), packed).recurrent
    assert isinstance(packed, PackedSequence)
    assert (bare.name, bare.calls[0].packed, bare.calls[0].lengths) == ("", True, (4, 2))
    assert "packed, lengths 2 to 4" in str(rnndims.summary(nn.LSTM(3, 4), packed))
    none = rnndims.summary(nn.Linear(3, 4), torch.zeros(3))
    assert (none.recurrent, none.recurrent_macs, none.total.parameters) == ((), 0, 16)
    assert "no recurrent module" in str(none)
    assert "no recurrent module" in none._repr_html_()
    assert rnndims.summary(nn.Identity(), 3).total.parameters == 0


@pytest.mark.filterwarnings("ignore")
def test_what_cannot_be_seen_is_said():
    """Recurrent modules of TorchScript are named, not left out in silence."""
    with torch.no_grad():
        traced = torch.jit.trace(nn.Sequential(nn.LSTM(3, 4)), torch.zeros(2, 1, 3), check_trace=False)
    summary = rnndims.summary(traced, torch.zeros(2, 1, 3))
    assert summary.not_watched == ("Calls of 0 are not seen: TorchScript runs it.",)
    assert (summary.model, summary.total.parameters) == ("Sequential", 144)
    assert "note: Calls of 0 are not seen" in str(summary)


def test_a_forward_of_ones_own_is_said():
    """A subclass that packs by itself has the MACs of the padded call, and that is said."""

    class Packs(nn.GRU):
        def forward(self, x, lengths):
            output, h_n = super().forward(pack_padded_sequence(x, lengths))
            return pad_packed_sequence(output)[0], h_n

    summary = rnndims.summary(Packs(3, 4), torch.zeros(4, 2, 3), torch.tensor([4, 1]))
    assert summary.not_watched == (
        "Packs has a forward of its own: its figures are those of nn.GRU with this input, and its results are not followed.",
    )


def test_what_is_no_model_is_refused():
    """Anything but a module is a TypeError, and a module without sizes is refused with a way out."""
    with pytest.raises(TypeError, match=r"expected a model, an instance of torch.nn.Module, got function"):
        rnndims.summary(lambda x: x, 3)
    lazy = nn.Sequential(nn.LazyLinear(4), nn.GRU(4, 2))
    with pytest.raises(rnndims.RnndimsError, match=r"0\.weight has no size before the first call"):
        rnndims.summary(lazy, torch.zeros(2, 3))
