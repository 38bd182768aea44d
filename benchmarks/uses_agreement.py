"""Compare random code that uses an RNN's results with PyTorch: ``python benchmarks/uses_agreement.py [TEXTS] [SEED]``.

Each text is built operation by operation: most of those that PyTorch refuses are replaced, so that chains get long, and the
rest are kept. PyTorch evaluates it with the values of a real module; `follow` reads the text alone. Both must refuse it, or
give the same shapes, and agree on whether the tensor is contiguous where that is followed. The counts are by kind; there must
be no disagreement. Of the refusals those are counted whose message is PyTorch's own.
"""

import random
import sys
import warnings
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "helpers"))

from axes_names import evaluated, real_names, shapes

from rnndims.axes.call_results import usual_names
from rnndims.axes.expressions import follow
from rnndims.axes.named_tensor import ExpressionError, NamedTensor
from rnndims.config import DataConfig, RNNConfig

INPUTS = [
    DataConfig(seq_len=5, batch_size=3),
    DataConfig(seq_len=4, batch_size=4),
    DataConfig(seq_len=3, batch_size=1),
    DataConfig(seq_len=1, batch_size=2),
    DataConfig(seq_len=5, unbatched=True),
    DataConfig(lengths=(5, 3, 2)),
    DataConfig(lengths=(2, 4)),
]
NUMBERS = ["-3", "-2", "-1", "-1", "0", "0", "1", "1", "2", "2", "3", "4", "5", "8"]
SIZES = ["N", "L", "D", "H", "-1", "-1", "num_layers", "x.size(0)", "x.size(1)", "1", "2", "3", "4", "8", "D * H", "N * L", "0"]
ITEMS = [
    "...",
    "None",
    "[0, 1]",
    "torch.arange(2)",
    "torch.tensor([0, -1])",
    "lengths - 1",
    "torch.arange(N)",
    "True",
    "1.0",
    "'a'",
    "x > 0",
    "[True, False]",
    "()",
    "-1:",
    "L - 1",
    "N // 2",
    "torch.tensor(1)",
    "[[0, 1]]",
    "slice(None)",
    "[]",
    "1if 1else 2",
]
LEAVES = [
    "x",
    "output",
    "h_n",
    "out",
    "hn",
    "c_n",
    "lengths",
    "rnn(x)",
    "rnn(x)[0]",
    "rnn(x)[1]",
    "states",
    "torch.zeros(2, 3)",
    "torch.arange(4)",
    "N",
    "output",
    "h_n",
    "h_n[:0]",
    "x[:, :0]",
    "x[0, 0, 0]",
    "output.transpose(0, 1)",
    "[*h_n]",
]
REDUCTIONS = [
    "mean",
    "sum",
    "max",
    "min",
    "amax",
    "std",
    "norm",
    "argmax",
    "prod",
    "softmax",
    "log_softmax",
    "logsumexp",
    "cumsum",
]
OTHERS = [
    "squeeze",
    "unsqueeze",
    "flatten",
    "unbind",
    "chunk",
    "split",
    "select",
    "narrow",
    "flip",
    "roll",
    "unflatten",
    "t",
    "numel",
    "size",
    "dim",
    "tanh",
    "relu",
    "clone",
    "detach",
    "float",
    "long",
    "is_contiguous",
    "T",
    "mT",
    "shape",
    "abs",
    "ndim",
]
ACTIVATIONS = ["relu", "dropout", "normalize", "gelu", "leaky_relu", "elu", "softplus", "softmax", "log_softmax"]
PAIRS = ["add", "mul", "matmul", "bmm", "maximum", "eq", "mm", "sub", "div"]


def number(rng: random.Random) -> str:
    """A small int."""
    return rng.choice(NUMBERS)


def index(rng: random.Random) -> str:
    """``[:, -1, None]``."""
    items = []
    for _ in range(rng.choice([1, 1, 2, 2, 3, 4])):
        kind = rng.random()
        bounds = [rng.choice(["", number(rng)]) for _ in range(rng.choice([2, 2, 3]))]
        items.append(number(rng) if kind < 0.35 else ":".join(bounds) if kind < 0.8 else rng.choice(ITEMS))
    return f"[{', '.join(items)}]"


def dims(rng: random.Random) -> str:
    """What a reduction runs over."""
    one, other = number(rng), number(rng)
    texts = [one, f"dim={one}", f"({one}, {other})", f"dim=({one}, {other})", "", f"{one}, keepdim=True", f"axis={one}", "None"]
    return rng.choice(texts)


def operation(rng: random.Random) -> Callable[[str], str]:
    """One operation on an expression."""
    kind = rng.random()
    if kind < 0.3:
        text = index(rng)
        return lambda inner: inner + text
    if kind < 0.5:
        name = rng.choice(["view", "view", "reshape", "contiguous().view", "expand", "repeat"])
        text = f".{name}({', '.join(rng.choice(SIZES) for _ in range(rng.choice([1, 2, 2, 3, 3, 4])))})"
    elif kind < 0.6:
        text = f".{rng.choice(['transpose', 'swapaxes', 'movedim'])}({number(rng)}, {number(rng)})"
    elif kind < 0.65:
        text = f".permute({', '.join(rng.sample(['0', '1', '2'], 3))})"
    elif kind < 0.75:
        name, over = rng.choice(REDUCTIONS), dims(rng)
        if rng.random() < 0.4:
            return lambda inner: f"torch.{name}({inner}, {over})" if over else f"torch.{name}({inner})"
        text = f".{name}({over})"
    elif kind < 0.85:
        text = f".{rng.choice(OTHERS)}" + rng.choice([f"({number(rng)})", "()", "()", f"({number(rng)}, {number(rng)})", ""])
    elif kind < 0.9:
        name, more = rng.choice(ACTIVATIONS), rng.choice(["", "", ", dim=1", ", dim=-1", ", 0.1"])
        return lambda inner: f"F.{name}({inner}{more})"
    elif kind < 0.95:
        name, at = rng.choice(["cat", "stack", "concat"]), rng.choice(["", ", dim=1", ", -1", ", dim=-1", ", 1", ", axis=0"])
        other = rng.choice(["", "h_n[-1]", "h_n[-2]", "output", "x", "output[-1]"])
        return lambda inner: f"torch.{name}([{inner}, {other or inner}]{at})"
    else:
        name, other = rng.choice([*PAIRS, *"+-*/@>"]), rng.choice(["x", "h_n", "output", "2", "1.5", ""])
        if len(name) == 1:
            return lambda inner: f"({inner} {name} {other or inner})"
        return lambda inner: f"torch.{name}({inner}, {other or inner})"
    return lambda inner: inner + text


def random_text(rng: random.Random, runs: Callable[[str], bool]) -> str:
    """A chain of operations; what does not run is nearly always replaced."""
    text = rng.choice(LEAVES)
    for _ in range(rng.randint(1, 5)):
        for _ in range(12):
            longer = operation(rng)(text)
            if len(longer) < 400 and (rng.random() < 0.06 or runs(longer)):
                text = longer
                break
    return text


def compare(texts: int, seed: str) -> tuple[Counter[str], list[str]]:
    """The counts by kind, and every disagreement."""
    modules: dict[tuple[RNNConfig, DataConfig], tuple[dict[str, Any], dict[str, Any]]] = {}
    counts: Counter[str] = Counter()
    wrong: list[str] = []
    for at in range(texts):
        rng = random.Random(f"{seed} {at}")
        layers, both, first = rng.randint(1, 2), rng.random() < 0.5, rng.random() < 0.5
        config = RNNConfig(rng.choice(["lstm", "gru"]), 6, 4, num_layers=layers, bidirectional=both, batch_first=first)
        data = rng.choice(INPUTS)
        if (config, data) not in modules:
            modules[config, data] = usual_names(config, data), real_names(config, data)
        names, real = modules[config, data]

        def run(text: str, real: dict[str, Any] = real) -> Any:
            try:
                return evaluated(text, real)
            except Exception as error:  # noqa: BLE001 - whatever PyTorch raises
                return error

        text = random_text(rng, lambda text: not isinstance(run(text), Exception))
        seen = run(text)
        if isinstance(seen, NameError):
            counts["a name without a value"] += 1
            continue
        try:
            told = follow(text, names)
        except ExpressionError:
            counts["not read"] += 1
            continue
        except Exception as error:  # noqa: BLE001 - a fault is a disagreement too
            wrong.append(f"{text}: {type(error).__name__}: {error}")
            continue
        if told.gap is not None:
            counts["not followed"] += 1
        elif told.refused is not None or isinstance(seen, Exception):
            if told.refused is None or not isinstance(seen, Exception):
                wrong.append(f"{text}: torch {seen if isinstance(seen, Exception) else 'accepts'}; here {told.refused}")
            same = told.refused is not None and told.refused.message in str(seen)
            counts["refused, in PyTorch's words" if same else "refused, in other words"] += 1
        elif shapes(told.value) != shapes(seen):
            wrong.append(f"{text}: torch {shapes(seen)}; here {shapes(told.value)}")
        else:
            counts["accepted"] += 1
            if isinstance(told.value, NamedTensor) and told.value.strides is not None:
                counts["contiguity compared"] += 1
                if told.value.is_contiguous != seen.is_contiguous():
                    wrong.append(f"{text}: torch {seen.stride()}; here {told.value.strides}")
    return counts, wrong


def main() -> None:
    """Compare, and print the counts; exit with 1 where something disagrees."""
    texts = int(sys.argv[1]) if len(sys.argv) > 1 else 20_000
    warnings.simplefilter("ignore")
    counts, wrong = compare(texts, sys.argv[2] if len(sys.argv) > 2 else "0")
    for kind, count in counts.most_common():
        print(f"{count:9,}  {kind}")
    print(f"{texts:9,}  texts, {len(wrong)} disagreements")
    for text in wrong[:40]:
        print(" ", text[:300])
    raise SystemExit(bool(wrong))


if __name__ == "__main__":
    main()
