"""The tensors of one call of a module as named tensors, and the names that people give them."""

import re
from dataclasses import replace
from itertools import pairwise
from typing import Any, Final

from ..config import DataConfig, RNNConfig
from ..shapes import tensors
from .movement import MAX_CONTENT, transpose
from .named_tensor import Atom, Factor, NamedTensor, contiguous_strides, source_tensor

_ALIASES: Final[dict[str, tuple[str, ...]]] = {
    "output": ("output", "out", "outputs", "y", "rnn_out", "rnn_output", "rnn_outputs"),
    "h_n": ("h_n", "hn", "h", "ht", "h_t", "hidden", "hidden_state", "hiddens", "final_hidden", "last_hidden"),
    "c_n": ("c_n", "cn", "c", "ct", "c_t", "cell", "cell_state"),
    "input": ("input", "inputs", "x", "X", "inp", "emb", "embedded", "embeds"),
}
_INTS: Final[dict[str, tuple[str, ...]]] = {
    "L": ("L", "T", "seq_len", "seq_length", "time_steps", "timesteps"),
    "N": ("N", "B", "bs", "batch_size", "bsz"),
    "D": ("D", "num_directions", "n_directions", "directions"),
    "num_layers": ("num_layers", "n_layers", "nlayers", "layers"),
    "H_in": ("H_in", "input_size", "input_dim"),
    "H_out": ("H", "H_out"),
    "H_cell": ("H_cell", "hidden_size", "hidden_dim", "hid_dim", "n_hidden", "nhid", "hidden_units"),
}


_PARTS: Final[dict[str, frozenset[str]]] = {
    "output": frozenset({"o", "out", "outs", "output", "outputs", "y", "ys"}),
    "h_n": frozenset({"hn", "ht"}),
    "hidden": frozenset({"h", "hx", "hid", "hidden", "hiddens"}),
    "c_n": frozenset({"c", "cn", "ct", "cx", "cell"}),
    "input": frozenset({"x", "xs", "inp", "input", "inputs", "emb", "embs", "embed", "embeds", "embedded", "embedding"}),
}
_OTHERWISE: Final = {"h_out": "h_n", "h_c": "c_n", "_": "states", "hidden_states": None, "last_hidden_state": None}
"""Names of which the parts say something else, or not enough: ``out, (h_out, _) = lstm(x)`` is how tutorials write it."""


def role(word: str) -> str | None:
    """What a name most likely stands for, by its parts, as `usual_names` calls it; ``None`` if that is not clear.

    >>> role("encoder_outputs"), role("decHidden"), role("c_last"), role("h_0"), role("features")
    ('output', 'hidden', 'c_n', None, None)
    """
    if word in _OTHERWISE:
        return _OTHERWISE[word]
    parts = set(re.findall(r"[A-Z]?[a-z]+|[A-Z]+", word))
    lower = {part.lower() for part in parts}
    if re.search(r"0|init|prev|packed|size|dim|features|units|channels|^n_|num", word.lower()):
        return None  # an initial state, a packed batch, a number
    found = [name for name, known in _PARTS.items() if lower & known]
    return found[0] if len(found) == 1 else None


class NamedInt(int):
    """An int that is the size of a named axis: ``N``, ``x.size(0)``. Arithmetic gives plain ints."""

    name: str

    def __new__(cls, value: int, name: str) -> "NamedInt":
        """An int of this value, called ``name``."""
        made = super().__new__(cls, value)
        made.name = name
        return made


class ModuleResults:
    """What a call of the module returns: ``rnn(x)``, ``nn.GRU(3, 4)(x)``.

    Args:
        returned: ``(output, h_n)``, or ``(output, (h_n, c_n))`` for a cell with a cell state.
        argument: the only input with which it returns that.
        config: what the module was built with.
    """

    def __init__(self, returned: Any, argument: NamedTensor, config: RNNConfig) -> None:
        self.returned = returned
        self.argument = argument
        self.config = config


class StateOrPair:
    """A name like ``hidden`` that some use for h_n and some for ``(h_n, c_n)``.

    With a plain index of 0 or 1 it is the pair, as in ``hidden[0][-1]``; otherwise h_n.
    """

    def __init__(self, h_n: NamedTensor, c_n: NamedTensor) -> None:
        self.h_n = h_n
        self.c_n = c_n


def results_of(config: RNNConfig, data: DataConfig) -> dict[str, NamedTensor]:
    """What goes into a call and comes out, by PyTorch's names: ``input``, ``output``, ``h_n``, ``c_n``; ``h_1``, ``c_1`` of a
    cell.

    Shapes are those of `rnndims.shapes.tensors`: with ``batch_first`` ``output`` is (N, L, D*H_out) and not contiguous, as
    PyTorch computes it with the steps first. With lengths there is also ``lengths``, the ints, of shape (N).

    >>> for name, tensor in results_of(RNNConfig("gru", 3, 4, bidirectional=True), DataConfig()).items():
    ...     print(name, tensor)
    input (L) (N) (H_in)
    output (L) (N) (D H_out)
    h_n (num_layers D) (N) (H_out)
    """
    found: dict[str, NamedTensor] = {}
    sizes = {"D": config.D, "num_layers": config.num_layers, "H_out": config.H_out, "H_in": config.input_size}
    sizes["H_cell"] = config.hidden_size
    for name, tensor in tensors(config, data).items():
        if name in ("h_0", "c_0"):
            continue
        axes = [_atoms(dim, size, sizes) for dim, size in zip(tensor.dims, tensor.shape, strict=True)]
        if name == "output" and tensor.dims[0] == "N":
            output = transpose(source_tensor(name, [axes[1], axes[0], *axes[2:]]), 0, 1)
            if data.lengths is not None:
                # pad_packed_sequence puts sequences that were sorted back in their order, and copies them for it; whether
                # lengths that fall were sorted is the user's choice
                falling = all(a >= b for a, b in pairwise(data.lengths))
                output = replace(output, strides=None if falling else contiguous_strides(output.sizes))
            found[name] = output
        else:
            found[name] = source_tensor(name, axes)
    if data.lengths is not None:
        count = len(data.lengths)
        found["lengths"] = NamedTensor(
            (count,),
            (1,),
            ((Factor(Atom("lengths", "N", count), count),),),
            sources=frozenset(("lengths",)),
            kind="int",
            content=data.lengths if count <= MAX_CONTENT else None,
            own_steps=0,
        )
    return found


def _atoms(dim: str, size: int, sizes: dict[str, int]) -> list[tuple[str, int]]:
    if dim == "D*num_layers":  # row r is layer r // D, direction r % D
        return [("num_layers", sizes["num_layers"]), ("D", sizes["D"])]
    if dim == "D*H_out":
        return [("D", sizes["D"]), ("H_out", sizes["H_out"])]
    return [(dim, size)]


def usual_names(config: RNNConfig, data: DataConfig) -> dict[str, Any]:
    """Values for the names that an expression may use: the results and the input by any usual name, sizes, the module itself.

    ``out``, ``hidden``, ``hn``, ``rnn_out``, ``x``, ...; ``N``, ``L``, ``H``, ``batch_size``, ``num_layers``, ... as ints;
    ``lengths``; and ``rnn``, ``module``, the class: a call of them with the input gives the results.
    """
    results = results_of(config, data)
    found: dict[str, Any] = {}
    h_n, c_n = results.get("h_n", results.get("h_1")), results.get("c_n", results.get("c_1"))
    for canonical, value in (("input", results["input"]), ("output", results.get("output")), ("h_n", h_n), ("c_n", c_n)):
        if value is not None:
            found.update(dict.fromkeys(_ALIASES[canonical], value))
    if "output" in results:
        found.update(dict.fromkeys((f"{config.cell}_{word}" for word in ("out", "output", "outputs")), results["output"]))
    found.update(results)
    assert h_n is not None  # noqa: S101 - every module returns a hidden state
    state: Any = h_n if c_n is None else (h_n, c_n)
    found.update(dict.fromkeys(("state", "states"), state))
    if c_n is not None:
        words = ("hidden",) if config.is_cell else ("hidden", "h", "hid", "hx")
        found.update(dict.fromkeys(words, StateOrPair(h_n, c_n)))
    elif "output" not in results:
        found.update(dict.fromkeys(_ALIASES["output"], h_n))  # `out = cell(x)`
    output = results.get("output")
    if output is not None and data.lengths is not None:
        output = replace(output, strides=None)  # whether the code packs its input is not known
    module = ModuleResults(state if output is None else (output, state), results["input"], config)
    found.update(dict.fromkeys(("rnn", "module", config.cell, config.class_name), module))
    values = {
        "L": data.seq_len if "output" in results else None,
        "N": data.batch_size,
        "D": config.D,
        "num_layers": config.num_layers,
        "H_in": config.input_size,
        "H_out": config.H_out,
        "H_cell": config.hidden_size,
    }
    for symbol, size in values.items():
        if size is not None:
            name = "H_out" if symbol == "H_cell" and not config.proj_size else symbol
            found.update({word: NamedInt(size, name) for word in _INTS[symbol]})
    return found
