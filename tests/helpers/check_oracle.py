"""PyTorch as the judge of ``check``: the real call, its verdict, and the tensor its complaint is about."""

import re
import warnings

import torch

from rnndims.config import RNNConfig
from rnndims.diagnose import Diagnosis, Observed, check_shapes


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


def call(config: RNNConfig, seen: Observed):
    """Run the real module on zeros of the observed shapes."""
    module = build(config)
    dtype = getattr(torch, seen.input_dtype or "float32")
    x = torch.zeros(seen.input, dtype=dtype)
    if seen.lengths is not None:
        x = torch.nn.utils.rnn.pack_padded_sequence(
            x, torch.tensor(seen.lengths, dtype=torch.int64), config.batch_first, enforce_sorted=seen.is_sorted
        )
    state_dtype = dtype if dtype.is_floating_point else torch.float32
    states = [None if s is None else torch.zeros(s, dtype=state_dtype) for s in (seen.h_0, seen.c_0)]
    if states == [None, None]:
        return module(x)
    return module(x, states[0] if states[1] is None else tuple(states))


def complaint(error: Exception, config: RNNConfig, seen: Observed) -> str | None:
    """The tensor that PyTorch's message is about; None where the message is a raw one that names no tensor."""
    text = str(error)
    if "hidden[1]" in text or "hidden1" in text or "hx[1]" in text:
        return "c_0"
    if found := re.search(r"got \((\d)-D, (\d)-D\)", text):
        wanted = len(seen.input)
        return "h_0" if int(found[1]) != wanted else "c_0"
    if "'tuple' object" in text:
        return "c_0"
    if "'NoneType' object" in text or "combination of arguments" in text or "must be tuple of Tensors" in text:
        return "h_0"
    if re.search(r"hidden|hx |hx\[|index \d is out of bounds|invalid index", text):
        return "h_0"
    if re.search(r"[Ll]engths|pack empty", text):
        return "lengths"
    if re.search(r"input|sequence length", text, re.IGNORECASE):
        return "input"
    return None


def compare(config: RNNConfig, seen: Observed) -> Diagnosis:
    """Check, and hold the verdict and the tensor named against PyTorch's."""
    found = check_shapes(config, seen)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            call(config, seen)
    except Exception as error:  # noqa: BLE001 - whatever PyTorch raises is its verdict
        assert not found.ok, f"PyTorch refuses {config} {seen}: {error}"
        named = complaint(error, config, seen)
        if named is not None:
            assert found.problems[0].tensor == named, f"{config} {seen}\n{error}\n{found.problems[0]}"
    else:
        assert found.ok, f"PyTorch accepts {config} {seen}\n{found.problems}"
    return found
