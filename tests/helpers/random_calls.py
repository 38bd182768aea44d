"""Modules and calls drawn at random: shapes that fit, and shapes that nearly do."""

import random
from dataclasses import replace

from rnndims.config import RNNConfig
from rnndims.diagnose import Call


def random_config(rng: random.Random, *, is_cell: bool = False) -> RNNConfig:
    """A small configuration."""
    cell = rng.choice(["rnn", "lstm", "gru"])
    hidden = rng.randint(1, 4)
    if is_cell:
        return RNNConfig(cell, rng.randint(1, 4), hidden, bias=rng.random() < 0.7, is_cell=True)
    return RNNConfig(
        cell,
        rng.randint(1, 4),
        hidden,
        num_layers=rng.randint(1, 3),
        batch_first=rng.random() < 0.5,
        bidirectional=rng.random() < 0.4,
        bias=rng.random() < 0.7,
        proj_size=rng.randint(0, hidden - 1) if cell == "lstm" and rng.random() < 0.4 else 0,
    )


def right_shapes(rng: random.Random, config: RNNConfig) -> Call:
    """Shapes that fit."""
    steps, batch = rng.randint(1, 4), rng.randint(0 if rng.random() < 0.1 else 1, 4)
    unbatched = rng.random() < 0.25
    if config.is_cell:
        lead = () if unbatched else (batch,)
        shape, h_0 = (*lead, config.input_size), (*lead, config.hidden_size)
        c_0 = h_0
    else:
        lead = (steps,) if unbatched else (batch, steps) if config.batch_first else (steps, batch)
        rows = (config.D * config.num_layers,) if unbatched else (config.D * config.num_layers, batch)
        shape, h_0, c_0 = (*lead, config.input_size), (*rows, config.H_out), (*rows, config.hidden_size)
    if rng.random() < 0.25:
        return Call(input=shape)
    return Call(input=shape, h_0=h_0, c_0=c_0 if config.cell == "lstm" else None)


def mutate(rng: random.Random, call: Call) -> Call:
    """One thing changed: a size, a dim more or less, two dims swapped, a state left out, another dtype."""
    kind = rng.random()
    if kind < 0.06:
        return replace(call, input_dtype=rng.choice(["float64", "float16", "int64", "float32"]))
    if kind < 0.12:
        return replace(call, c_0=None) if call.c_0 is not None else replace(call, c_0=call.h_0)
    if kind < 0.15:
        return replace(call, h_0=None)
    name = rng.choice(["input", "h_0", "c_0", "input"])
    shape = getattr(call, name)
    if shape is None:
        return call
    shape = list(shape)
    if kind < 0.3 and len(shape) < 5:
        shape.insert(rng.randint(0, len(shape)), rng.randint(1, 3))
    elif kind < 0.45 and shape:
        del shape[rng.randrange(len(shape))]
    elif kind < 0.6 and len(shape) > 1:
        i, j = rng.sample(range(len(shape)), 2)
        shape[i], shape[j] = shape[j], shape[i]
    elif shape:
        shape[rng.randrange(len(shape))] = rng.randint(0, 5)
    changed = replace(call, **{name: tuple(shape)})
    if name == "h_0" and call.c_0 == call.h_0 and rng.random() < 0.5:
        changed = replace(changed, c_0=tuple(shape))
    return changed


def pack(rng: random.Random, config: RNNConfig, call: Call) -> Call:
    """The call with its input packed by right lengths; ``call`` as it is where the input is no batch of sequences."""
    shape = call.input
    if shape is None or len(shape) != 3 or 0 in shape:
        return call
    batch, steps = shape[:2] if config.batch_first else shape[1::-1]
    lengths = [rng.randint(1, steps) for _ in range(batch)]
    lengths[rng.randrange(batch)] = steps
    if rng.random() < 0.5:
        lengths.sort(reverse=True)
    return replace(call, lengths=tuple(lengths), enforce_sorted=rng.choice([None, None, True, False]))


def mutate_lengths(rng: random.Random, call: Call) -> Call:
    """One thing changed in the lengths: too long, zero, one more or less, another order, none at all."""
    lengths = list(call.lengths or ())
    kind = rng.random()
    if kind < 0.4 and lengths:
        lengths[rng.randrange(len(lengths))] = rng.choice([0, -1, 5, 6, 1])
    elif kind < 0.55:
        lengths.append(rng.randint(1, 3))
    elif kind < 0.7:
        lengths = lengths[:-1]
    elif kind < 0.75:
        lengths = []
    else:
        rng.shuffle(lengths)
    return replace(call, lengths=tuple(lengths))
