"""The budget of one reading: the most work and memory that a checkpoint may cost, whatever tricks are in it.

Whoever reads a part of a file charges the one ``Budget`` of the reading by the size of what comes next, before it does it:
``read_file`` makes it, and every shard, pickle inside a pickle, and module that is recognised afterwards charges the same.
Nothing is ever given back. So a file ends within ``MAX_STEPS`` and ``MAX_MEMORY``, and what follows on its content (a table,
a JSON document) with it: the charge for a tensor includes its share of the answer.
"""

from typing import Final

from ..errors import FileError

MAX_STEPS: Final = 14_000_000
"""Work of one reading. A step is about what Python does in a third of a microsecond: an operation of a pickle."""

MAX_MEMORY: Final = 600 << 20
"""Bytes that one reading may take, as they are charged: all that it makes, whether it is kept or not."""

_TENSOR: Final = (30, 700)
"""Steps and bytes of a tensor with its storage, from the file to the summary of what else is in it."""

_DIM: Final = 40
"""Bytes of one dim of a shape, with its stride."""


def name_cost(name: str) -> int:
    """Bytes that ``name`` may take, in memory or as JSON, where a character beyond printable ASCII is an escape or two.

    >>> name_cost("rnn.bias"), name_cost("\u00e9")
    (57, 61)
    """
    # 49: an empty str of Python; 12: two escapes of JSON, "\\ud83d\\ude00"
    return 49 + len(name) * (1 if name.isascii() and name.isprintable() else 12)


class Budget:
    """What a reading may still cost.

    Attributes:
        steps: steps of work that are left.
        memory: bytes that are left.

    >>> budget = Budget(steps=10)
    >>> budget.charge(4, 100)
    >>> budget.steps
    6
    """

    __slots__ = ("_limits", "memory", "steps")

    def __init__(self, steps: int = MAX_STEPS, memory: int = MAX_MEMORY) -> None:
        self.steps = steps
        self.memory = memory
        self._limits = steps, memory

    def charge(self, steps: int, memory: int = 0) -> None:
        """Take ``steps`` and ``memory`` bytes off.

        Raises:
            FileError: if that is more than is left.
        """
        self.steps -= steps
        self.memory -= memory
        if self.steps < 0 or self.memory < 0:
            raise self.spent()

    def charge_name(self, name: str, length: int = 0) -> None:
        """Charge for a name that is kept; ``length`` more characters will be put before it.

        Raises:
            FileError: if the budget is spent.
        """
        cost = name_cost(name)
        self.charge(1 + (cost + length >> 6), cost + length)

    def charge_tensor(self, dims: int) -> None:
        """Charge for a tensor of so many dims, and for all that is made of it, without its name.

        Raises:
            FileError: if the budget is spent.
        """
        self.charge(_TENSOR[0] + dims, _TENSOR[1] + dims * _DIM)

    def spent(self) -> FileError:
        """The error for a file that costs more than the budget."""
        steps, memory = self._limits
        cost = f"{steps:,} steps of work" if self.steps < 0 else f"{memory >> 20:,} MiB of memory"
        return FileError(
            f"is too large: to read it takes more than {cost}, the most that rnndims spends on one file",
            fix="Save the RNN's weights alone: their state_dict, or best a .safetensors file.",
        )
