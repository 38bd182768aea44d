"""PyTorch as the judge of ``check``: the real call, its verdict, and the tensor its complaint is about."""

import re
import warnings

import torch

from rnndims.config import RNNConfig
from rnndims.diagnose import Call, Diagnosis, check_shapes


def build(config: RNNConfig):
    """The real module."""
    cls = getattr(torch.nn, config.class_name)
    arguments = {"bias": config.bias}
    if config.cell == "rnn":
        arguments["nonlinearity"] = config.nonlinearity
    if not config.is_cell:
        arguments |= {
            "num_layers": config.num_layers,
            "batch_first": config.batch_first,
            "bidirectional": config.bidirectional,
        }
        if config.proj_size:
            arguments["proj_size"] = config.proj_size
    return cls(config.input_size, config.hidden_size, **arguments)


def run_module(config: RNNConfig, call: Call):
    """Run the real module on zeros of the stated shapes."""
    weights = getattr(torch, call.weight_dtype)
    module = build(config).to(weights)
    x = torch.zeros(call.input, dtype=getattr(torch, call.input_dtype or call.weight_dtype))
    if call.lengths is not None:
        x = torch.nn.utils.rnn.pack_padded_sequence(
            x, torch.tensor(call.lengths, dtype=torch.int64), config.batch_first, enforce_sorted=call.is_sorted
        )
    states = [None if s is None else torch.zeros(s, dtype=weights) for s in (call.h_0, call.c_0)]
    if states == [None, None]:
        return module(x)
    return module(x, states[0] if states[1] is None else tuple(states))


def is_undefined(config: RNNConfig, call: Call) -> bool:
    """Whether PyTorch may read outside a tensor or run by chance, so it is no judge: check refuses all of these."""
    states = [state for state in (call.h_0, call.c_0) if state is not None]
    if config.is_cell:
        return config.cell != "rnn" and call.input is not None and len(call.input) == 1 and any(len(s) == 2 for s in states)
    if not call.lengths or config.cell != "lstm":
        return False
    if len(call.input) != 3 or (call.input[-1] != config.input_size and len(set(call.lengths)) == 1):
        return True
    if len(set(call.lengths)) == 1 and (call.input_dtype not in (None, "float32") or max(call.lengths) > max(call.input[:2])):
        return True
    rows, batch = config.D * config.num_layers, len(call.lengths)
    right = [(rows, batch, config.H_out), (rows, batch, config.hidden_size)]
    return call.c_0 is not None and call.h_0 is not None and [call.h_0, call.c_0] != right


def complaint(error: Exception, config: RNNConfig, call: Call) -> str | None:
    """The tensor that PyTorch's message is about; None where the message is a raw one that names no tensor."""
    text = str(error)
    if config.cell == "lstm" and call.c_0 is None and re.search(r"hidden\[?\d|hx\[", text):
        return "h_0"  # a bare tensor, whose rows PyTorch takes for the states
    if "hidden[1]" in text or "hidden1" in text or "hx[1]" in text:
        return "c_0"
    if found := re.search(r"got \((\d)-D, (\d)-D\)", text):
        wanted = len(call.input)
        return "h_0" if int(found[1]) != wanted else "c_0"
    if "'tuple' object" in text:
        return "c_0"
    if "'NoneType' object" in text or "combination of arguments" in text or "must be tuple of Tensors" in text:
        return "h_0"
    if re.search(r"hidden|hx |hx\[|index \d is out of bounds|invalid index", text):
        return "h_0"
    if re.search(r"[Ll]engths", text):
        return "lengths"
    if re.search(r"input(?! of size)|sequence length", text, re.IGNORECASE):
        return "input"
    return None


def shapes_of(config: RNNConfig, returned) -> dict[str, tuple[int, ...]]:
    """The shapes of what a module returned, by name; a packed output is padded again."""
    if config.is_cell:
        states = returned if isinstance(returned, tuple) else (returned,)
        return dict(zip(("h_1", "c_1"), [tuple(state.shape) for state in states], strict=False))
    output, final = returned
    if isinstance(output, torch.nn.utils.rnn.PackedSequence):
        output, _ = torch.nn.utils.rnn.pad_packed_sequence(output, config.batch_first)
    states = final if isinstance(final, tuple) else (final,)
    return dict(zip(("output", "h_n", "c_n"), [tuple(tensor.shape) for tensor in (output, *states)], strict=False))


def compare(config: RNNConfig, call: Call) -> Diagnosis:
    """Check, and hold the verdict, the tensor named and the words quoted against PyTorch's."""
    diagnosis = check_shapes(config, call)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            returned = run_module(config, call)
    except Exception as error:  # noqa: BLE001 - whatever PyTorch raises is its verdict
        assert not diagnosis.fits, f"PyTorch refuses {config} {call}: {error}"
        first, named = diagnosis.problems[0], complaint(error, config, call)
        if named is not None:
            assert first.tensor == named, f"{config} {call}\n{error}\n{first}"
        if first.torch is not None:
            assert first.torch in str(error), f"{config} {call}\n{error}\n{first}"
    else:
        assert diagnosis.fits, f"PyTorch accepts {config} {call}\n{diagnosis.problems}"
        assert diagnosis.results == shapes_of(config, returned), f"{config} {call}"
    return diagnosis
