"""The parts of a row of the message table: wordings with slots, claims, causes, and the function that interprets it.

To add a wording, add it to the ``wordings`` of a row in the file of its topic (``state_messages.py``, ``input_messages.py``,
...), or add a row there, and one line to the list in ``tests/helpers/check_messages.py``.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Final, NamedTuple

from ..config import RNNConfig
from ..shapes import Shape
from .call import Call
from .kinds_of_call import CLASSES, FUNCTIONS
from .problem import Cause, Problem, one_problem
from .traceback_text import Evidence

# --- slots -----------------------------------------------------------------------------------------------------------


class Slot(NamedTuple):
    """A part of a wording that differs from message to message, written ``<name:kind>`` there.

    Attributes:
        pattern: the regular expression; ``{}`` is the name of its group, other braces are doubled.
        example: a text that it matches.
        value: what the group then holds.
    """

    pattern: str
    example: str
    value: str


# attributes of a tensor that messages name where the tensor is a tuple or a list: 'tuple' object has no attribute 'size'
_ATTRIBUTES: Final = (
    "size|dim|shape|ndim|index_select|batch_sizes|contiguous|view|reshape|unsqueeze|squeeze|transpose|permute|detach|data|to|cuda|"
    "is_cuda|device|dtype|new_zeros|log_softmax|softmax|mean|sum|t|float|backward|relu|flatten|clone|cpu|numpy|half|double|chunk|"
    "expand|repeat|unbind|bmm|matmul|argmax|masked_fill|requires_grad|is_contiguous|tanh|sigmoid|numel|element_size|gather"
)
_CLASS_NAMES: Final = "|".join(CLASSES.values())

SLOTS: Final[dict[str, Slot]] = {
    # a shape in any brackets; Python 2 wrote its numbers as 20L
    "shape": Slot(
        r"(?:torch\.Size\s*\(\s*)?[(\[]\s{{0,40}}(?P<{}>\d[\dL,\s]{{0,80}}|)\s{{0,40}}[)\]]\)?",
        "torch.Size([2, 20L, 128])",
        "2, 20L, 128",
    ),
    # a number
    "int": Slot(r"(?P<{}>-?\d{{1,18}})L?", "20L", "20"),
    # one word, with dots and colons in it: a dtype, a device, a function
    "word": Slot(r"(?P<{}>[\w.:]{{0,60}}\w)", "torch.cuda.FloatTensor", "torch.cuda.FloatTensor"),
    # a type as C++ names it, in one word or two
    "ctype": Slot(r"(?P<{}>(?:(?:un)?signed |long |short )?[\w.:]{{0,60}}\w)", "long int", "long int"),
    # an attribute that a pickled module may lack
    "member": Slot(
        r"(?P<{}>_flat_weight\w*|_?all_weights|_data_ptrs|_param_buf_size|proj_size|(?:weight|bias)_[ih]h_l\w+)",
        "_flat_weights_names",
        "_flat_weights_names",
    ),
    # a class of torch.nn
    "class": Slot(rf"(?P<{{}}>{_CLASS_NAMES})", "RNN", "RNN"),
    # the index of a state, which newer versions put into brackets or leave out
    "index": Slot(r"\[?(?P<{}>\d?)\]?", "[1]", "1"),
    # an attribute that tensors have and tuples or lists lack
    "tensorish": Slot(rf"(?P<{{}}>{_ATTRIBUTES})", "size", "size"),
    # a kernel of an RNN
    "rnnop": Slot(rf"(?P<{{}}>[\w.]{{{{0,60}}}}(?:{_CLASS_NAMES})[\w.]{{{{0,60}}}})", "_rnn_cell_cuda", "_rnn_cell_cuda"),
    # the backward function of a kernel of an RNN
    "rnnbackward": Slot(
        rf"'?(?P<{{}}>[\w.]{{{{0,60}}}}(?:{_CLASS_NAMES})[\w.]{{{{0,60}}}}backward)'?",
        "_cudnn_rnn_backward",
        "_cudnn_rnn_backward",
    ),
    # sizes with commas and no brackets
    "sizes": Slot(r"(?P<{}>\d{{1,18}}(?:,\d{{1,18}}){{0,8}})", "1,2,512", "1,2,512"),
    # a function behind nn.RNN and its like
    "rnncall": Slot(rf"(?<![\w.])(?P<{{}}>{FUNCTIONS})", "rnn_tanh", "rnn_tanh"),
    # the types of arguments, where the message lists them
    "got": Slot(r"(?:\s*-\s*got\s*\((?P<{}>[^()]{{0,400}})\))?", " - got (Tensor, tuple, list)", "Tensor, tuple, list"),
    # no text; but the name of an argument of a loss, a comparison or an Embedding must not follow: " #2 'target'"
    "operand": Slot(r"(?P<{}>)(?!\s*#\d+\s*'(?:target|other|lengths|ind(?:ex|ices))')", "", ""),
    # the name of an RNN's parameter, with what stands before it
    "weight": Slot(
        r"[\"'\s]{{0,3}}(?P<{}>[\w.]{{0,300}}(?:weight|bias)_(?:ih|hh|hr)\w{{0,40}})[\"']?",
        ' "encoder.rnn.weight_ih_l0"',
        "encoder.rnn.weight_ih_l0",
    ),
}
"""Every kind of slot, with an example."""

_SLOT: Final = re.compile(r"<(\w+):(\w+)>")  # <got:shape>


@cache
def compile_wording(text: str) -> re.Pattern[str]:
    r"""The regular expression of a wording; a space in it matches any white space.

    >>> compile_wording("Expected hidden size <expected:shape>, got <got:shape>").search(
    ...     "Expected hidden\n size (2, 3, 20), got [2, 5, 20]"
    ... ).groupdict()
    {'expected': '2, 3, 20', 'got': '2, 5, 20'}

    Raises:
        ValueError: if ``SLOTS`` has not the kind of one of its slots.
    """
    parts = _SLOT.split(text)
    pattern = ""
    for at in range(0, len(parts), 3):
        pattern += r"\s+".join(re.escape(word) for word in parts[at].split(" "))
        if at + 2 < len(parts):
            name, kind = parts[at + 1 : at + 3]
            if kind not in SLOTS:
                raise ValueError(f"the wording {text!r} has a slot of the kind {kind}, and SLOTS has no such kind")
            pattern += SLOTS[kind].pattern.format(name)
    return re.compile(pattern, re.IGNORECASE)


@cache
def longest_run(text: str) -> tuple[re.Pattern[str], bool]:
    r"""The longest part of a wording outside its slots, in small letters, and whether the wording begins with it.

    >>> longest_run("Expected hidden size <expected:shape>, got <got:shape>")
    (re.compile('expected\\s+hidden\\s+size'), True)
    """
    runs = _SLOT.split(text)[::3]
    longest = max(runs, key=len)
    words = longest.lower().split()  # no space at its ends: a search for one is slow where there are thousands of spaces
    return re.compile(r"\s+".join(map(re.escape, words))), runs.index(longest) == 0


def longest_word(text: str) -> str:
    """The longest word of a wording outside its slots: a text without it cannot match.

    >>> longest_word("Expected hidden size <expected:shape>, got <got:shape>")
    'expected'
    """
    words = [word for literal in _SLOT.split(text)[::3] for word in literal.lower().split(" ")]
    return max(words, key=len)


# --- claims ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Claim:
    """When a message counts as the RNN's, judged by the text around it.

    Attributes:
        holds: whether it counts, from the evidence and the match.
        proves: whether it then cannot be another layer's message.
    """

    holds: Callable[[Evidence, "re.Match[str]"], bool]
    proves: Callable[[Evidence], bool]


ALWAYS: Final = Claim(lambda _around, _match: True, lambda _around: True)
"""The words are the RNN's alone: ``Expected hidden[0] size (2, 5, 20), got [2, 3, 20]``."""

IN_RNN: Final = Claim(lambda around, _match: around.in_rnn, lambda _around: True)
"""Only where PyTorch's RNN module raised it: ``inconsistent tensor size`` below ``File ".../nn/modules/rnn.py"``."""

ON_RNN_LINE: Final = Claim(lambda around, _match: around.line, lambda _around: False)
"""Only where the line of code before it names an RNN: ``too many values to unpack`` below ``output, h = self.rnn(x)``."""

NEAR_RNN: Final = Claim(lambda around, _match: not around.foreign and around.near, lambda _around: False)
"""Only where something around it names an RNN, or the user does beside the text: ``Expected all tensors to be on the same
device`` with ``self.rnn`` in a frame."""

IN_PACKING: Final = Claim(lambda around, _match: around.in_packing, lambda _around: True)
"""Only where ``pack_padded_sequence`` raised it: ``index out of range in self`` below ``File ".../nn/utils/rnn.py"``."""

ALONE: Final = Claim(lambda around, _match: not around.foreign and (not around.framed or around.near), lambda _around: False)
"""Where something names an RNN, or where there is no traceback that could say otherwise: ``expected scalar type Float but
found Double`` alone."""


# --- rows ------------------------------------------------------------------------------------------------------------


class LikelyCause(NamedTuple):
    """One explanation of a message. Slots of the wording stand in braces: ``"dim 0 of h_0 is {got}"``.

    Attributes:
        cause: one of ``Cause`` in ``problem.py``; ``"other"`` where none of them is meant.
        message: what is wrong, in whole sentences.
        fix: code to paste; a ``with`` block is code too.
        advice: what to do, in words; beside a fix it says what else to know.
    """

    cause: Cause
    message: str
    fix: str | None = None
    advice: str | None = None


class Interpretation(NamedTuple):
    """What a message means: distinct mistakes, and what is worth knowing about it."""

    problems: tuple[Problem, ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageRow:
    """One message of PyTorch.

    Attributes:
        wordings: how PyTorch says it, or said it: literal text with slots, ``got <got:int>``.
        tensor: the tensor it is about, by PyTorch's name (``input``, ``h_0``, ``c_0``, ``output``, a weight's name).
            ``linear`` is the layer behind the module; ``module`` stands where it is about no tensor.
        explanation: what PyTorch compared; slots stand in braces.
        causes: its explanations, most likely first.
        interpret: the function that works out the problems from the numbers instead; a row has one of the two.
        claim: when the message counts as the RNN's.
        is_warning: whether it is a warning of PyTorch; an error in the text counts before it.
    """

    wordings: tuple[str, ...]
    tensor: str
    explanation: str
    causes: tuple[LikelyCause, ...] = ()
    interpret: "Interpreter | None" = None
    claim: Claim = ALWAYS
    is_warning: bool = False


@dataclass(frozen=True, slots=True)
class Match:
    """A wording that was found in a pasted text, and all that is known about it.

    Attributes:
        row: what the table says of it.
        slots: the numbers and words in its slots.
        phrase: its own words.
        around: what the text around it tells.
        config: the module, if it is known.
        call: the shapes, as far as they are known.
        text: the whole text, cleaned.
    """

    row: MessageRow
    slots: dict[str, str]
    phrase: str
    around: Evidence
    config: RNNConfig | None
    call: Call
    text: str

    @property
    def certain(self) -> bool:
        """Whether it cannot be another layer's message."""
        return self.around.in_rnn or self.row.claim.proves(self.around)

    def number(self, name: str) -> int:
        """The number in a slot."""
        return int(self.slots[name])

    def shape(self, name: str) -> Shape:
        """The shape in a slot."""
        return tuple(int(size) for size in self.slots[name].upper().replace(",", " ").replace("L", " ").split())

    def size(self, name: str) -> Shape | None:
        """The number in a slot as a shape of one dim; ``None`` where the wording has no such slot."""
        return (int(self.slots[name]),) if name in self.slots else None

    def fill(self, text: str) -> str:
        """``text`` with the slots in braces filled in: ``"is {got}-D"`` -> ``"is 4-D"``."""
        return re.sub(r"\{(\w+)\}", lambda slot: self.slots.get(slot[1], slot[0]), text)  # {got}

    def problem(
        self,
        cause: Cause,
        message: str,
        *,
        tensor: str | None = None,
        dim: int | None = None,
        expected: Shape | str | None = None,
        got: Shape | str | None = None,
        fix: str | None = None,
        advice: str | None = None,
    ) -> Problem:
        """A problem of the row's tensor, or of ``tensor``. It quotes no phrase of PyTorch: the pasted message is that."""
        return Problem(
            tensor=tensor or self.row.tensor,
            dim=dim,
            expected=expected,
            got=got,
            cause=cause,
            message=message,
            fix=fix,
            advice=advice,
        )

    def likely(self, *explanations: Problem, notes: tuple[str, ...] = ()) -> Interpretation:
        """One mistake with these explanations. It is certain if there is only one and the message cannot be another layer's."""
        certain = self.certain and len(explanations) == 1
        return Interpretation((one_problem(explanations, certain=certain),), notes)


Interpreter = Callable[[Match], Interpretation]
"""Turns a match into problems, where the row alone cannot."""


def interpret_causes(match: Match) -> Interpretation:
    """The causes of the row, with the slots filled in: the interpreter of rows that name none."""
    explanations = [
        match.problem(
            cause.cause,
            match.fill(cause.message),
            fix=None if cause.fix is None else match.fill(cause.fix),
            advice=None if cause.advice is None else match.fill(cause.advice),
        )
        for cause in match.row.causes
    ]
    return match.likely(*explanations)


# --- what several topics say -----------------------------------------------------------------------------------------

FRESH_FIX: Final = "h_0 = x.new_zeros(D * num_layers, N, H)"
FRESH_ADVICE: Final = "Make a new state for each batch, or leave it out: zeros are the default."
