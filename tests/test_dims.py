"""The ``dims`` command: closed-form answers for any size, as tables and as JSON, with the rules for bad input."""

import json

import pytest

import rnndims
from rnndims.cli.app import run

ARTICLE = [
    ((), [3, 2, 2], [1, 2, 2]),
    (("--layers", "2"), [3, 2, 2], [2, 2, 2]),
    (("--bidirectional",), [3, 2, 4], [2, 2, 2]),
    (("--layers", "2", "--bidirectional"), [3, 2, 4], [4, 2, 2]),
]


@pytest.mark.parametrize(("options", "output", "h_n"), ARTICLE)
def test_the_four_classic_cases(invoke, options, output, h_n):
    """The defaults, two layers, two directions and both give the textbook shapes of output and h_n."""
    document = invoke("dims", *options, "--json").json
    assert document["tensors"]["output"]["shape"] == output
    assert document["tensors"]["h_n"]["shape"] == h_n


def test_document_has_every_key_of_the_contract(invoke):
    """The document of a two-layer bidirectional RNN is the one that the contract prints."""
    document = invoke("dims", "-l", "2", "-b", "--json").json
    assert document["schema"] == 1
    assert document["rnndims"] == rnndims.__version__
    assert document["command"] == "dims"
    assert document["config"]["module"] == "nn.RNN(4, 2, num_layers=2, bidirectional=True)"
    assert document["data"] == {"seq_len": 3, "batch_size": 2, "unbatched": False, "lengths": None, "dtype": "float32"}
    assert list(document["tensors"]) == ["input", "h_0", "output", "h_n"]
    assert document["tensors"]["input"] == {"dims": ["L", "N", "H_in"], "shape": [3, 2, 4], "numel": 24, "bytes": 96}
    assert document["packed"] is None
    assert document["states"][0] == {"row": 0, "layer": 0, "direction": "forward", "in_output": None}
    assert document["states"][3] == {"row": 3, "layer": 1, "direction": "reverse", "in_output": "output[0, :, 2:4]"}
    assert document["weights"]["weight_ih_l1_reverse"] == {
        "layer": 1,
        "direction": "reverse",
        "dims": ["G*H_cell", "D*H_out"],
        "shape": [2, 4],
        "numel": 8,
        "bytes": 32,
        "gates": {"h": [0, 2]},
    }
    assert document["totals"] == {"parameters": 64, "parameter_bytes": 256, "macs": 288, "flops": 576}


def test_any_size_is_arithmetic(invoke):
    """A hidden size of 10**12 and ten thousand layers are answered exactly."""
    document = invoke("dims", "--cell", "lstm", "-H", str(10**12), "-i", "1", "--json").json
    assert document["totals"]["parameters"] == 4 * (10**12 + 10**24 + 2 * 10**12)
    document = invoke("dims", "--layers", "10000", "--bidirectional", "--json").json
    assert len(document["states"]) == 20_000
    assert len(document["weights"]) == 80_000


def test_packed_batch(invoke):
    """With lengths, output is as long as the longest, and the packed shapes hold the valid steps alone."""
    document = invoke("dims", "--lengths", "2,4,1", "--seq-len", "6", "--json").json
    assert document["tensors"]["input"]["shape"] == [6, 3, 4]
    assert document["tensors"]["output"]["shape"] == [4, 3, 2]
    assert document["packed"] == {"input_data": [7, 4], "output_data": [7, 2], "batch_sizes": [3, 2, 1, 1]}
    assert document["states"][0]["in_output"] == "output[lengths-1, n, 0:2]"


@pytest.mark.parametrize(
    ("options", "parts"),
    [
        (("--layers", "0"), ("--layers 0", "num_layers must be greater than zero")),
        (("--layers", "abc"), ("--layers", "'abc'", "whole number")),
        (("--layers", "٣"), ("--layers", "whole number")),
        (("--hidden-size", "-1"), ("--hidden-size -1", "hidden_size must be greater than zero")),
        (("--input-size", "0"), ("--input-size 0", "input_size must be greater than zero")),
        (("--dropout", "nan"), ("--dropout nan", "number in range [0, 1]")),
        (("--dropout", "1.5"), ("--dropout 1.5", "number in range [0, 1]")),
        (("--seq-len", "0"), ("--seq-len 0", "Expected sequence length to be larger than 0 in RNN")),
        (("--batch-size", "-1"), ("--batch-size -1",)),
        (("--cell", "lstm", "-H", "8", "--proj-size", "8"), ("--proj-size 8", "--hidden-size 8", "smaller than hidden_size")),
        (("--cell", "gru", "--proj-size", "0"), ("--proj-size 0", "only supported for LSTM")),
        (("--cell", "lstm", "--nonlinearity", "tanh"), ("--nonlinearity tanh", "set --cell to rnn")),
        (("--cell", "transformer"), ("--cell", "rnn, lstm, gru")),
        (("--dtype", "int64"), ("--dtype int64", "float32")),
        (("--lengths", "3,0"), ("--lengths 3,0", "Length of all samples has to be greater than 0")),
        (("--lengths", "3,x"), ("--lengths 3,x", "x is not a whole number")),
        (("--lengths", ""), ("--lengths", "at least one")),
        (("--lengths", "3,1", "--batch-size", "3"), ("--lengths 3,1", "--batch-size 3")),
        (("--lengths", "9,1", "--seq-len", "3"), ("--lengths 9,1", "--seq-len 3")),
        (("--lengths", "3,1", "--unbatched"), ("--lengths 3,1", "--unbatched")),
        (("-H", "9" * 2200), ("--hidden-size 999", "10**100")),
        (("-H", "9" * 5000), ("--hidden-size", "too large")),
        (("nn.LSTMCell(3, 4)", "--lengths", "3,1"), ("--lengths 3,1", "single step")),
        (("--lengths", "))((3"), ("--lengths",)),
        (("model.safetensors",), ("rnndims weights model.safetensors",)),
        (("nn.LSTM(3, 4)", "-D", "x=1"), ("--define x",)),
        (("--unbatched", "--batch-size", "2"), ("--batch-size 2", "--unbatched")),
        (("--layer", "2"), ("--layer", "--layers")),
        (("--from-jsonl", "/no/such/file"), ("--from-jsonl /no/such/file", "No such file")),
    ],
)
def test_bad_input_is_one_clear_message(invoke, options, parts):
    """Bad input names the option, the value and the rule on standard error, ends in code 2, and writes no answer."""
    result = invoke("dims", *options)
    assert result.code == 2
    assert result.out == ""
    assert "Traceback" not in result.err
    for part in parts:
        assert part in result.err


def test_more_weights_than_can_be_listed_is_refused(invoke):
    """A module of a billion layers ends in a message and code 3, not in an endless list."""
    result = invoke("dims", "--layers", str(10**9))
    assert (result.code, result.out) == (3, "")
    assert "1000000000 layers" in result.err


def test_overrides_of_pasted_code_are_said(invoke):
    """An option beside pasted code wins, and both the table and the JSON say that it does."""
    code = "nn.LSTM(10, 20, 2)"
    assert "--layers 3 overrides num_layers=2" in invoke("dims", code, "-l", "3").out
    document = invoke("dims", code, "-l", "3", "--json").json
    assert document["config"]["module"] == "nn.LSTM(10, 20, num_layers=3)"
    assert document["notes"] == ["--layers 3 overrides num_layers=2 of the pasted code"]


def test_pretty_json_is_the_same_document(capsys):
    """The indented document and the one-line form carry the same data."""
    from rnndims.render.documents import dims_document, encode, pretty
    from rnndims.results import compute_dims

    document = dims_document(compute_dims(rnndims.RNNConfig("lstm", 3, 5, 2), rnndims.DataConfig(lengths=(2, 1))))
    assert json.loads(pretty(document)) == json.loads(encode(document))
    assert run(["dims", "--json"]) == 0
    assert capsys.readouterr().out.endswith("}\n")
