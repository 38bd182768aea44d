"""Closed form: parameters, bytes, MACs and FLOPs of a configuration."""

from typing import NamedTuple

from .config import DataConfig, RNNConfig


class Totals(NamedTuple):
    """The size of a module, in numbers and bytes, and the cost of one forward pass.

    ``macs`` counts the multiply-accumulates of the matrix products alone: biases, activations and the element-wise
    products of the gates are left out. ``flops`` is ``2 * macs``.
    """

    parameters: int
    parameter_bytes: int
    macs: int
    flops: int


def totals(config: RNNConfig, data: DataConfig) -> Totals:
    """Parameters, their bytes, and MACs and FLOPs of one forward pass over ``data``."""
    count = parameters(config)
    products = macs(config, data)
    return Totals(count, count * data.itemsize, products, 2 * products)


def parameters(config: RNNConfig) -> int:
    """Number of trainable numbers: the sum of ``numel`` over all weights and biases."""
    rows = config.G * config.hidden_size
    per_direction = rows * (config.H_out + (2 if config.bias else 0)) + config.proj_size * config.hidden_size
    first = rows * config.input_size + per_direction
    above = rows * config.D * config.H_out + per_direction
    return config.D * (first + (config.num_layers - 1) * above)


def macs(config: RNNConfig, data: DataConfig) -> int:
    """Multiply-accumulates of one forward pass.

    Sum over layers, directions and valid (step, sequence) pairs of ``G*H_cell*(in_k + H_out) + proj_size*H_cell``, where
    ``in_k`` is what layer k reads. For a cell, one step.
    """
    rows = config.G * config.hidden_size
    recurrent = rows * config.H_out + config.proj_size * config.hidden_size
    first = rows * config.input_size + recurrent
    above = rows * config.D * config.H_out + recurrent
    return valid_steps(config, data) * config.D * (first + (config.num_layers - 1) * above)


def valid_steps(config: RNNConfig, data: DataConfig) -> int:
    """Number of (step, sequence) pairs that are computed: ``L*N``, the sum of ``lengths``, or ``N`` for a cell."""
    sequences = 1 if data.batch_size is None else data.batch_size
    if config.is_cell:
        return sequences
    if data.lengths is not None:
        return sum(data.lengths)
    return (data.seq_len or 0) * sequences
