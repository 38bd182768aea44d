"""Following axes by name: what each axis of a tensor is made of after indexing, reshapes and arithmetic, without torch.

`results_of` names the axes of what a module returns, `follow` reads an expression of them, `misuses` says what in it is surely
wrong though it runs; `apply` is one operation on named tensors.
"""

from .call_results import NamedInt, results_of, usual_names
from .expressions import Followed, Step, follow
from .misuse import KINDS, Misuse, misuses
from .named_tensor import (
    AxesError,
    ExpressionError,
    NamedTensor,
    NotFollowedError,
    RefusedError,
    plain_tensor,
    source_tensor,
)
from .operations import apply

__all__ = [
    "KINDS",
    "AxesError",
    "ExpressionError",
    "Followed",
    "Misuse",
    "NamedInt",
    "NamedTensor",
    "NotFollowedError",
    "RefusedError",
    "Step",
    "apply",
    "follow",
    "misuses",
    "plain_tensor",
    "results_of",
    "source_tensor",
    "usual_names",
]
