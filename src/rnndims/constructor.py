"""``"nn.LSTM(10, 20, num_layers=2)"`` <-> ``RNNConfig``: code as people paste it, parsed and never executed."""

from .config import RNNConfig


def format_constructor(config: RNNConfig) -> str:
    """The shortest constructor call for ``config``, ready to paste: sizes by position, the rest by keyword.

    >>> format_constructor(RNNConfig("lstm", 10, 20, num_layers=2, bidirectional=True))
    'nn.LSTM(10, 20, num_layers=2, bidirectional=True)'
    """
    arguments = [str(config.input_size), str(config.hidden_size)]
    if config.num_layers != 1:
        arguments.append(f"num_layers={config.num_layers}")
    if config.nonlinearity == "relu":
        arguments.append("nonlinearity='relu'")
    if not config.bias:
        arguments.append("bias=False")
    if config.batch_first:
        arguments.append("batch_first=True")
    if config.dropout:
        arguments.append(f"dropout={config.dropout}")
    if config.bidirectional:
        arguments.append("bidirectional=True")
    if config.proj_size:
        arguments.append(f"proj_size={config.proj_size}")
    return f"nn.{config.class_name}({', '.join(arguments)})"
