"""The ``concat-demo`` command: two halves joined to one output, and the way back; fixed numbers or a real module."""

import itertools

import pytest
import torch

from rnndims import ConfigError, DataConfig, RNNConfig
from rnndims.results import compute_dims
from rnndims.torch_runner import as_bidirectional, concat, concat_demo, concat_module


def count_up(first: int) -> torch.Tensor:
    """24 numbers in steps of a tenth, (3, 2, 4), counting along the last dim first."""
    return torch.tensor([(first + i) / 10 for i in range(24)]).view(3, 2, 4)


def test_the_fixed_example(invoke):
    """Without options: 0.1 to 2.4 and 2.5 to 4.8, both (3, 2, 4), give (3, 2, 8), just as torch.cat joins them."""
    document = invoke("concat-demo", "--json").json
    forward, reverse = count_up(1), count_up(25)
    assert document["forward"] == {"shape": [3, 2, 4], "values": document["forward"]["values"]}
    assert document["forward"]["values"][0] == [[0.1, 0.2, 0.3, 0.4], [0.5, 0.6, 0.7, 0.8]]
    assert document["reverse"]["values"][2][1] == [4.5, 4.6, 4.7, 4.8]
    assert torch.equal(torch.tensor(document["forward"]["values"]), forward)
    assert torch.equal(torch.tensor(document["reverse"]["values"]), reverse)
    assert document["output"]["shape"] == [3, 2, 8]
    assert torch.equal(torch.tensor(document["output"]["values"]), torch.cat([forward, reverse], dim=-1))
    assert (document["matches"], document["max_abs_diff"], document["config"]) == (True, 0.0, None)


def test_the_way_back_works_as_it_is_written():
    """The expressions of the way back, run by Python on the joined tensor, give the two halves."""
    demo = concat_demo()
    output = torch.tensor(demo.output.values)
    names = {"output": output, "L": 3, "N": 2, "H": 4}
    halves = torch.tensor(demo.forward.values), torch.tensor(demo.reverse.values)
    assert [way.matches for way in demo.ways_back] == [True, True]
    for way in demo.ways_back:
        for part, half in zip(way.parts, halves, strict=True):
            assert torch.equal(eval(way.expression + part, {}, names), half)
    assert eval(demo.ways_back[0].expression, {}, names).shape == demo.ways_back[0].shape
    assert eval(demo.ways_back[1].expression, {}, names)[0].shape == demo.ways_back[1].shape


def grid():
    """Cell x projection x layers x batch_first x bias x layout."""
    layouts = (DataConfig(5, 3), DataConfig(4, unbatched=True), DataConfig(lengths=(1, 4, 2)), DataConfig(6, lengths=(2, 5)))
    cells = (("rnn", 0), ("lstm", 0), ("lstm", 2), ("gru", 0))
    return itertools.product(cells, (1, 3), (False, True), (False, True), layouts)


def test_joined_halves_are_the_modules_output():
    """For every cell, depth, layout and packed lengths the two halves, run alone, join to the module's output and states.

    They match within the tolerance of the dtype: PyTorch does not promise that a module of one direction adds in the same
    order as a module of two.
    """
    for (cell, proj), layers, batch_first, bias, data in list(grid())[::3]:
        config = RNNConfig(cell, 4, 3, layers, batch_first=batch_first, bias=bias, proj_size=proj)
        demo = concat_module(compute_dims(as_bidirectional(config), data))
        assert demo.comparison.matches is True, (config, data)
        assert [way.matches for way in demo.ways_back] == [True, True]
        assert not demo.disagrees()


def test_the_output_is_the_modules_own():
    """The numbers of output are those of the bidirectional module that manual_seed and the constructor give the user."""
    demo = concat_module(
        compute_dims(RNNConfig("gru", 4, 3, 2, batch_first=True, bidirectional=True), DataConfig(4, 2)), seed=9
    )
    torch.manual_seed(9)
    module = torch.nn.GRU(4, 3, 2, batch_first=True, bidirectional=True)
    generator = torch.Generator().manual_seed(9)
    x, h_0 = torch.randn(2, 4, 4, generator=generator), torch.randn(4, 2, 3, generator=generator)
    with torch.inference_mode():
        output, _ = module(x, h_0)
    torch.testing.assert_close(torch.tensor(demo.output.values), output)
    torch.testing.assert_close(torch.tensor(demo.forward.values), output[..., :3])
    torch.testing.assert_close(torch.tensor(demo.reverse.values), output[..., 3:])


def test_layers_are_listed_with_their_shapes_and_weights():
    """Layer by layer the halves read the joined output below, with the weights of their own direction."""
    demo = concat_module(compute_dims(RNNConfig("lstm", 5, 3, 2, bidirectional=True, proj_size=2), DataConfig(4, 2)))
    first, second = demo.layers
    assert (first.input, first.forward, first.reverse, first.output) == ((4, 2, 5), (4, 2, 2), (4, 2, 2), (4, 2, 4))
    assert (second.module, second.input) == ("nn.LSTM(4, 3, proj_size=2)", (4, 2, 4))
    module = torch.nn.LSTM(5, 3, 2, proj_size=2, bidirectional=True)
    names = [name for layer in demo.layers for name in (*layer.forward_weights, *layer.reverse_weights)]
    assert sorted(names) == sorted(name for name, _ in module.named_parameters())
    assert all(name.endswith("_reverse") for layer in demo.layers for name in layer.reverse_weights)


@pytest.mark.parametrize("broken", ["turn", "weights"])
def test_a_wrong_join_is_noticed(monkeypatch, invoke, broken):
    """Without turning time, or with the other direction's weights, the halves do not join to output, and the exit code is 1."""
    if broken == "turn":
        monkeypatch.setattr(concat, "turn", lambda torch, sequence, *_: sequence)
    else:
        take = concat._take_direction
        monkeypatch.setattr(concat, "_take_direction", lambda *args: take(*args[:5], "forward", args[6]))
    result = invoke("concat-demo", "-b", "-l", "2")
    assert result.code == 1
    assert "✗ differs from the module's output" in result.out


def test_turning_is_its_own_inverse_and_stays_inside_the_lengths():
    """Each sequence's valid steps are reversed, its padding stays, in both layouts."""
    x = torch.arange(30.0).view(5, 3, 2)
    data = DataConfig(5, lengths=(2, 5, 1))
    for batch_first in (False, True):
        config = RNNConfig("rnn", 2, 2, batch_first=batch_first)
        fed = x.transpose(0, 1) if batch_first else x
        turned = concat.turn(torch, fed, config, data)
        assert torch.equal(concat.turn(torch, turned, config, data), fed)
        seen = turned.transpose(0, 1) if batch_first else turned
        for n, length in enumerate((2, 5, 1)):
            assert torch.equal(seen[:length, n], x[:length, n].flip(0))
            assert torch.equal(seen[length:, n], x[length:, n])


def test_any_module_option_means_that_module(invoke):
    """An option, or pasted code, replaces the fixed numbers by a module, which is made bidirectional and says so."""
    document = invoke("concat-demo", "-H", "3", "--json").json
    assert document["config"]["module"] == "nn.RNN(4, 3, bidirectional=True)"
    assert document["notes"] == ["the module was made bidirectional: there must be two directions to join"]
    assert document["output"]["shape"] == [3, 2, 6]
    pasted = invoke("concat-demo", "nn.LSTM(4, 2, 2, bidirectional=True)", "--json").json
    assert pasted["notes"] == []
    assert len(pasted["layers"]) == 2
    assert invoke("concat-demo", "-t", "5", "--json").json["output"]["shape"] == [5, 2, 4]
    assert invoke("concat-demo", "--values", "--json").json["config"] is None


@pytest.mark.parametrize(
    ("difference", "exact", "words"),
    [(0.0, True, "✓ exactly the module's output"), (6e-8, False, "but for the rounding of the last bit")],
)
def test_exactly_is_said_only_of_no_difference(monkeypatch, invoke, difference, exact, words):
    """Equal to the last bit and equal but for rounding are told apart, in the text and in the document."""
    measured = concat.compare
    monkeypatch.setattr(concat, "compare", lambda *args: measured(*args)._replace(max_abs_diff=difference))
    document = invoke("concat-demo", "-l", "2", "-b", "--json").json
    assert (document["matches"], document["exact"], document["max_abs_diff"]) == (True, exact, difference)
    assert words in invoke("concat-demo", "-l", "2", "-b").out


def test_the_halves_are_told_apart_without_colour(invoke):
    """Without colour a divider stands between the halves in every row of output; on a narrow terminal, too."""
    out = invoke("concat-demo").out.partition("output (3, 2, 8)   columns 0:4 forward   4:8 reverse\n")[2].partition("\n\n")[0]
    assert out.splitlines()[0] == "[0, 0] 0.1 0.2 0.3 0.4 │ 2.5 2.6 2.7 2.8"
    assert [line.count("│") for line in out.splitlines()] == [1] * 6


def test_the_halves_have_their_colours():
    """On a terminal forward numbers are cyan and reverse numbers magenta."""
    import io

    from rich.console import Console

    from rnndims.render.concat_demo_view import concat_view

    console = Console(file=io.StringIO(), width=80, force_terminal=True, color_system="standard", highlight=False, markup=False)
    concat_view(concat_demo())(console)
    assert "\x1b[36m0.1 0.2 0.3 0.4\x1b[0m │ \x1b[35m2.5 2.6 2.7 2.8\x1b[0m" in console.file.getvalue()


@pytest.mark.parametrize("columns", [20, 40, 80, 120])
def test_no_shape_is_cut_at_any_width(invoke, monkeypatch, columns):
    """However narrow the terminal, every shape stands whole on one line."""
    monkeypatch.setenv("COLUMNS", str(columns))
    out = invoke("concat-demo", "--cell", "gru", "-H", "100", "-n", "33", "-t", "11", "-l", "2", "--device", "meta").out
    for shape in ("(11, 33, 100)", "(11, 33, 200)", "(11, 33, 4)", "(11, 33, 2, 100)"):
        assert shape in out
    small = invoke("concat-demo", "--cell", "gru", "-H", "9").out
    assert "(3, 2, 18)" in small


REFUSED = [
    (("--no-bidirectional",), 2, "--no-bidirectional: there must be two directions to join"),
    (("nn.LSTMCell(4, 2)",), 2, "nn.LSTMCell: a cell has one direction"),
    (("--device", "foo"), 3, "This machine has: cpu"),
    (("--device", "meta", "--values"), 2, "meta has shapes but no numbers"),
    (("-H", "10000000"), 3, "of memory"),
    (("--lengths", "3,0"), 2, "--lengths 3,0"),
    (("--proj-size", "2"), 2, "--proj-size 2"),
]


@pytest.mark.parametrize(("options", "code", "said"), REFUSED)
def test_what_cannot_be_joined_is_one_message(invoke, options, code, said):
    """What has no answer ends in one message, its exit code, and an empty standard output."""
    result = invoke("concat-demo", *options)
    assert (result.code, result.out) == (code, "")
    assert said in result.err


def test_meta_joins_shapes(invoke):
    """On meta halves of any size are joined, and nothing is said to match."""
    document = invoke("concat-demo", "--device", "meta", "-H", "1000000", "-l", "2", "--lengths", "3,1", "--json").json
    assert document["output"]["shape"] == [3, 2, 2000000]
    assert document["matches"] is None
    assert document["ways_back"][0]["matches"] is None


def test_a_cell_cannot_be_bidirectional():
    """The library refuses a cell as the command does."""
    with pytest.raises(ConfigError):
        as_bidirectional(RNNConfig("gru", 4, 2, is_cell=True))
    with pytest.raises(ConfigError, match="bidirectional"):
        concat_module(compute_dims(RNNConfig("gru", 4, 2), DataConfig()))
