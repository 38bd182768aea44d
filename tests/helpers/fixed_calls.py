"""A call of a module with fixes of ``check`` applied to it, statement by statement, and then run by PyTorch."""

from collections.abc import Sequence

import torch
from check_oracle import build
from torch import nn

from rnndims.config import RNNConfig
from rnndims.diagnose import Call

LATE = ("output, ", "h_1", "packed =", "state =", "h =", "for ", " ")
"""How the lines begin that call the module, or pack: they stand behind everything that makes its arguments."""


def run_fixed(config: RNNConfig, call: Call, fixes: Sequence[str]) -> None:
    """Apply all fixes, then call the module; what PyTorch raises passes through.

    A line that is a constructor replaces the module; a line that calls ``lstm``, ``gru``, ``rnn`` or ``cell`` is the call. The
    input is ``x``, the states are ``h_0`` and ``c_0``, the lengths are ``lengths``; the input was padded from ``sequences``.
    """
    weights = getattr(torch, call.weight_dtype)
    names = {"torch": torch, "nn": nn, "module": build(config).to(weights)}
    if call.input is not None:
        names["x"] = torch.zeros(call.input, dtype=getattr(torch, call.input_dtype or call.weight_dtype))
    names |= {name: torch.zeros(state, dtype=weights) for name, state in call.states.items()}
    if call.lengths is not None:
        names |= {"lengths": list(call.lengths), "sequences": _sequences(config, call)}
    late = []
    for line in [line for fix in fixes for line in fix.split("\n")]:
        if line.startswith("nn."):
            names["module"] = eval(line, names)
        elif line.startswith(LATE):
            late.append(line)
        else:
            exec(line, names)
    module = names["module"]
    if call.lengths is None:
        names |= dict.fromkeys(("lstm", "gru", "rnn", "cell"), module)
    else:

        def run_packed(x, states=None):
            lengths = torch.as_tensor(names["lengths"])
            packed = names.get("packed")
            if packed is None:
                packed = nn.utils.rnn.pack_padded_sequence(x, lengths, module.batch_first, enforce_sorted=call.is_sorted)
            return module(packed, states)

        names |= dict.fromkeys(("lstm", "gru", "rnn"), run_packed)
    exec("\n".join(line for line in late if line.startswith("packed")), names)
    calls = [line for line in late if not line.startswith("packed")]
    exec("\n".join(calls) if calls else f"{'cell' if config.is_cell else config.cell}(x{_states(call)})", names)


def _states(call: Call) -> str:
    names = list(call.states)
    return "" if not names else f", {names[0]}" if len(names) == 1 else f", ({', '.join(names)})"


def _sequences(config: RNNConfig, call: Call) -> list[torch.Tensor]:
    """As many sequences as input has, of decreasing lengths that it has room for."""
    batch, steps = len(call.lengths or ()), max(call.lengths or (1,))
    if call.input is not None and len(call.input) > 1:
        batch, steps = call.input[:2] if config.batch_first else call.input[1::-1]
    return [torch.zeros(max(1, steps - number), config.input_size) for number in range(batch)]
