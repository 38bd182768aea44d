"""Compare random chains of operations with PyTorch: ``python benchmarks/axes_agreement.py [CHAINS] [SEED]``.

Every element of a source carries its own number. After each operation the shape, the strides and whether PyTorch refuses are
compared, and while elements are only moved, the numbers say where each one came from: exactly that must follow from the names
of the axes. The table counts, by operation: accepted by both, refused by both, not followed, and disagreements, of which there
must be none.
"""

import random
import sys
import warnings
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from math import prod
from typing import Any

from rnndims.axes.named_tensor import (
    Atom,
    Factor,
    NamedTensor,
    NotFollowedError,
    Pool,
    RefusedError,
    plain_tensor,
    source_tensor,
)
from rnndims.axes.operations import apply

Pair = tuple[NamedTensor, Any]
"""A tensor as it is followed, and PyTorch's own."""


@dataclass
class Counts:
    """What came out, by operation."""

    agreed: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    not_followed: Counter[str] = field(default_factory=Counter)
    disagreements: list[str] = field(default_factory=list)
    compared: int = 0
    """Tensors of which every element's place was compared."""


def sources(rng: random.Random) -> dict[str, Pair]:
    """Input, results and states of a random small module with PyTorch's layouts; the elements are numbered through."""
    import torch

    layers, directions = rng.randint(1, 3), rng.randint(1, 2)
    steps, batch, h_in, h_out = (rng.randint(1, 4) for _ in range(4))
    if rng.random() < 0.02:
        batch = 0
    batch_first, unbatched = rng.random() < 0.5, rng.random() < 0.2
    lead = [[("L", steps)]] if unbatched else [[("L", steps)], [("N", batch)]]
    rows = [[("num_layers", layers), ("D", directions)], *([] if unbatched else [[("N", batch)]])]
    made = {
        "input": [*lead, [("H_in", h_in)]],
        "output": [*lead, [("D", directions), ("H_out", h_out)]],
        "h_n": [*rows, [("H_out", h_out)]],
    }
    found: dict[str, Pair] = {}
    start = 0
    for name, axes in made.items():
        shape = [prod(size for _, size in axis) for axis in axes]
        real = torch.arange(start, start + prod(shape), dtype=torch.float64).view(shape)
        start += prod(shape)
        named = source_tensor(name, axes)
        if batch_first and not unbatched and name != "h_n":
            if name == "output":  # as PyTorch does it: computed with the steps first, then transposed
                named, real = apply("transpose", named, 0, 1), real.transpose(0, 1)
            else:
                named = source_tensor(name, [axes[1], axes[0], *axes[2:]])
                real = real.view(named.sizes)
        found[name] = (named, real)
    return found


def layouts(pairs: dict[str, Pair]) -> dict[str, tuple[int, tuple[Atom, ...], Any]]:
    """For each source the number of its first element, its atoms in the order of its axes, and its untouched tensor."""
    found = {}
    for name, (named, real) in pairs.items():
        atoms = tuple(factor.of for axis in named.axes for factor in axis if isinstance(factor.of, Atom))
        found[name] = (int(real.min()) if real.numel() else 0, atoms, real)
    return found


def positions(x: NamedTensor) -> tuple[dict[Atom, Any], set[Atom]]:
    """Where each element stands in each atom, as the names say it: arrays of the shape of ``x``; and all unknown atoms."""
    import torch

    sums: dict[Atom | Pool, Any] = {}
    unknown: set[Atom] = set()

    def spread(factors: tuple[Factor, ...], index: Any) -> None:
        for factor in reversed(factors):
            here, index = index % factor.size, torch.div(index, factor.size, rounding_mode="floor")
            if factor.of is None:
                continue
            if factor.step is None:
                unknown.update(factor.atoms())
                continue
            value = factor.start + factor.step * here
            sums[factor.of] = sums[factor.of] + value if factor.of in sums else value

    for dim, axis in enumerate(x.axes):
        shape = [1] * x.ndim
        shape[dim] = x.sizes[dim]
        spread(axis, torch.arange(x.sizes[dim]).view(shape))
    for key, position in x.fixed.items():
        if not isinstance(position, int):
            unknown.update(key.atoms() if isinstance(key, Pool) else {key})
        else:
            sums[key] = sums.get(key, 0) + position
    while pools := [key for key in sums if isinstance(key, Pool)]:
        outer = [key for key in pools if not any(key == f.of for other in pools for f in other.factors)]
        pool = outer[0]
        spread(pool.factors, torch.as_tensor(sums.pop(pool)))
    atoms = {key: value for key, value in sums.items() if isinstance(key, Atom)}
    return atoms, unknown


def misplaced(x: NamedTensor, real: Any, known: dict[str, tuple[int, tuple[Atom, ...], Any]]) -> str | None:
    """What the names say wrongly about where the elements of ``real`` come from; ``None`` if all of it is right."""
    import torch

    flat = real.reshape(-1).long()
    where = {name: (flat >= start) & (flat < start + origin.numel()) for name, (start, _, origin) in known.items()}
    for name, mask in where.items():
        if bool(mask.any()) and name not in x.sources:
            return f"{name} is not among the sources {set(x.sources)}"
    predicted, unknown = positions(x)
    for name, (start, atoms, origin) in known.items():
        mask = where[name].view(real.shape)
        if not bool(mask.any()):
            continue
        order = torch.argsort(origin.reshape(-1))  # row-major index of the element with each number
        rest = order[(real.long() - start).clamp(0, origin.numel() - 1)]
        for atom in reversed(atoms):
            actual, rest = rest % atom.size, torch.div(rest, atom.size, rounding_mode="floor")
            if atom in unknown:
                loose = not isinstance(x.fixed.get(atom, 0), int) or any(
                    isinstance(key, Pool) and not isinstance(value, int) and atom in key.atoms()
                    for key, value in x.fixed.items()
                )
                for dim, axis in enumerate(x.axes):
                    walks = any(atom in factor.atoms() for factor in axis)
                    if not walks and not loose and bool(mask.all()) and bool((actual != actual.narrow(dim, 0, 1)).any()):
                        return f"{atom.name} of {name} varies along axis {dim}, which does not name it"
            elif bool(mask.all()):
                told = torch.as_tensor(predicted.get(atom, 0)).expand(real.shape)
                if not torch.equal(told, actual):
                    both = told.flatten().tolist()[:20], actual.flatten().tolist()[:20]
                    return f"{atom.name} of {name} stands elsewhere: {both[0]} for {both[1]}"
    return None


def disagreement(x: Any, real: Any, known: dict[str, tuple[int, tuple[Atom, ...], Any]], counts: Counts) -> str | None:
    """How what is followed differs from PyTorch's result; ``None`` if it does not."""
    if isinstance(real, (tuple, list)):
        if not isinstance(x, tuple) or len(x) != len(real):
            return f"{len(real)} results"
        return next((text for a, b in zip(x, real, strict=True) if (text := disagreement(a, b, known, counts))), None)
    if not isinstance(x, NamedTensor):
        return None if x == real else f"{x} for {real}"
    if x.sizes != tuple(real.shape):
        return f"shape {x.sizes} for {tuple(real.shape)}"
    if len(x.axes) != x.ndim or any(prod(f.size for f in axis) != size for axis, size in zip(x.axes, x.sizes, strict=True)):
        return f"axes {x.axes} do not multiply to {x.sizes}"
    if x.strides is not None and real.numel():
        if x.is_contiguous != real.is_contiguous():
            return f"contiguous {x.is_contiguous} for {real.is_contiguous()}: strides {x.strides} for {real.stride()}"
        wrong = [d for d in range(x.ndim) if x.sizes[d] != 1 and x.strides[d] != real.stride(d)]
        if wrong:
            return f"strides {x.strides} for {real.stride()}"
    if x.moved and real.numel() and x.kind == "float":
        counts.compared += 1
        return misplaced(x, real, known)
    return None


# ---- random operations: each gives a name, what to do in PyTorch, and what to follow

Chosen = tuple[str, Callable[[], Any], Callable[[], Any]]


def _dim(rng: random.Random, ndim: int) -> int:
    low, high = -max(ndim, 1), max(ndim, 1)
    return rng.randrange(low, high) if rng.random() < 0.97 else rng.choice([low - 1, high])


def _dims(rng: random.Random, ndim: int) -> Any:
    if rng.random() < 0.6 or ndim == 0:
        return _dim(rng, ndim)
    return tuple(rng.choice([d, d - ndim]) for d in rng.sample(range(ndim), rng.randint(0, ndim)))


def _shape(rng: random.Random, numel: int, sizes: tuple[int, ...]) -> list[int]:
    """A shape for ``numel`` elements, nearly always one that fits."""
    primes = []
    rest, factor = numel, 2
    while rest > 1:
        while rest % factor == 0:
            primes.append(factor)
            rest //= factor
        factor += 1
    found = [1] * rng.randint(1, 4)
    if numel == 0:
        found[0] = 0
    if rng.random() < 0.25:  # the axes of now in another order: a reshape in place of a transpose
        found = rng.sample(sizes, len(sizes)) or [1]
    else:
        for prime in primes:
            found[rng.randrange(len(found))] *= prime
    if rng.random() < 0.4:
        found[rng.randrange(len(found))] = -1
    if rng.random() < 0.06:
        found[rng.randrange(len(found))] = rng.choice([-1, -2, 0, 1, 2, 5])
    return found


def _items(rng: random.Random, sizes: tuple[int, ...]) -> tuple[Any, Any]:
    """An index for PyTorch, and the same to be followed."""
    import torch

    real: list[Any] = []
    ours: list[Any] = []
    length = rng.randint(1, 4)
    for dim in range(rng.randint(1, len(sizes) + (rng.random() < 0.05)) if sizes else rng.randint(0, 1)):
        size = sizes[dim] if dim < len(sizes) else 2
        kind = rng.choice(
            ["int", "slice", "slice", "slice", "all", "all", "tensor"] if rng.random() < 0.3 else ["int", "slice", "all", "all"]
        )
        if kind == "int":
            item: Any = rng.randrange(-size, size) if size and rng.random() < 0.97 else size
        elif kind == "tensor":
            content = [rng.randrange(-size, size) if size else 0 for _ in range(length)]
            if rng.random() < 0.5:
                content = list(range(size)) or [0]
            shape = (len(content),) if rng.random() < 0.9 else (len(content), 1)
            real.append(torch.tensor(content).view(shape))
            ours.append(plain_tensor(shape, "int", tuple(content)))
            continue
        else:
            low, high = (rng.choice([None, rng.randint(-size - 1, size + 1)]) for _ in range(2))
            step = rng.choice([None, None, 1, 2, 3]) if rng.random() < 0.98 else rng.choice([0, -1])
            item = slice(None) if kind == "all" else slice(low, high, step)
        real.append(item)
        ours.append(item)
    for extra in (None, ...):
        if rng.random() < 0.2:
            at = rng.randint(0, len(real))
            real.insert(at, extra)
            ours.insert(at, extra)
    if len(real) == 1 and rng.random() < 0.5:
        return real[0], ours[0]
    return tuple(real), tuple(ours)


def choose(rng: random.Random, values: list[Pair]) -> Chosen:  # noqa: PLR0915 - a list of cases
    """One random operation on one of the last values, or on several."""
    import torch
    import torch.nn.functional as f

    named, real = values[-1] if rng.random() < 0.8 else rng.choice(values)
    ndim = named.ndim
    name = rng.choice(NAMES)

    def method(*arguments: Any, **keywords: Any) -> Chosen:
        return name, lambda: getattr(real, name)(*arguments, **keywords), lambda: apply(name, named, *arguments, **keywords)

    if name == "index":
        item, followed = _items(rng, named.sizes)
        return name, lambda: real[item], lambda: apply("index", named, followed)
    if name in ("T", "mT"):
        return name, lambda: getattr(real, name), lambda: apply(name, named)
    if name in ("transpose", "swapaxes", "movedim"):
        return method(_dim(rng, ndim), _dim(rng, ndim))
    if name == "permute":
        order = rng.sample(range(ndim), ndim)
        if order and rng.random() < 0.04:
            order[0] = rng.randrange(-4, 4)
        return method(*(rng.choice([d, d - ndim]) for d in order)) if rng.random() < 0.5 else method(order)
    if name in ("view", "reshape"):
        shape = _shape(rng, named.numel, named.sizes)
        return method(*shape) if rng.random() < 0.7 else method(tuple(shape))
    if name == "flatten":
        return method(*[_dim(rng, ndim) for _ in range(rng.randint(0, 2))])
    if name == "unflatten":
        dim = rng.randrange(ndim) if ndim else 0
        return method(dim, tuple(_shape(rng, named.sizes[dim] if ndim else 1, ())))
    if name == "squeeze":
        return method() if rng.random() < 0.4 else method(_dims(rng, ndim))
    if name == "unsqueeze":
        return method(_dim(rng, ndim + 1))
    if name == "expand":
        sizes = [size if size != 1 or rng.random() < 0.5 else rng.randint(0, 3) for size in named.sizes]
        sizes = [rng.choice([size, -1]) if rng.random() < 0.9 else size + 1 for size in sizes]
        return method(*[rng.randint(1, 3) for _ in range(rng.randint(0, 1))], *sizes) if sizes or ndim else method(2)
    if name == "repeat":
        return method(
            *[rng.randint(0 if rng.random() < 0.1 else 1, 2) for _ in range(ndim + rng.randint(-1, 1) if ndim else 1)]
        )
    if name in ("chunk", "split"):
        size: Any = rng.randint(0 if rng.random() < 0.1 else 1, 4)
        dim = _dim(rng, ndim)
        if name == "split" and rng.random() < 0.3 and ndim and -ndim <= dim < ndim:
            first = rng.randint(0, named.sizes[dim])
            size = [first, named.sizes[dim] - first + (rng.random() < 0.05)]
        return method(size, dim)
    if name == "unbind":
        return method(_dim(rng, ndim))
    if name == "select":
        dim = _dim(rng, ndim)
        return method(dim, rng.randint(-3, 3))
    if name == "narrow":
        return method(_dim(rng, ndim), rng.randint(-2, 2), rng.randint(0, 3))
    if name == "flip":
        return method(_dims(rng, ndim))
    if name == "roll":
        return method(rng.randint(-2, 2), _dim(rng, ndim)) if rng.random() < 0.8 else method(1)
    if name in ("index_select", "gather"):
        dim = _dim(rng, ndim)
        size = named.sizes[dim] if ndim and -ndim <= dim < ndim else 1
        picked: tuple[int, ...] = (rng.randint(1, 4),)
        if name == "gather":
            picked = tuple(rng.randint(1, max(1, n)) if rng.random() < 0.9 else n + 1 for n in named.sizes)
        content = tuple(rng.randrange(size) if size and rng.random() < 0.98 else 0 for _ in range(prod(picked)))
        index = torch.tensor(content, dtype=torch.long).view(picked)
        followed = plain_tensor(picked, "int", content)
        return name, lambda: getattr(real, name)(dim, index), lambda: apply(name, named, dim, followed)
    if name in ("cat", "stack"):
        if rng.random() < 0.5 and ndim:
            dim = rng.randrange(ndim)
            if named.sizes[dim] > 1:
                parts = list(zip(apply("unbind", named, dim), real.unbind(dim), strict=True))
                if rng.random() < 0.3:
                    rng.shuffle(parts)
                if rng.random() < 0.3:
                    parts = parts[: rng.randint(1, len(parts))]
                at = _dim(rng, ndim - 1 if name == "cat" else ndim)
                return (
                    name,
                    lambda: getattr(torch, name)([b for _, b in parts], at),
                    lambda: apply(name, [a for a, _ in parts], at),
                )
        parts = [values[-1], *(rng.choice(values) for _ in range(rng.randint(0, 2)))]
        at = _dim(rng, ndim)
        return name, lambda: getattr(torch, name)([b for _, b in parts], at), lambda: apply(name, [a for a, _ in parts], at)
    if name in ("sum", "mean", "amax", "amin", "norm", "logsumexp", "std"):
        keep = rng.random() < 0.3
        if rng.random() < 0.15 and name != "logsumexp":
            return method()
        dims = _dims(rng, ndim)
        return method(dim=dims, keepdim=keep)
    if name in ("max", "min", "argmax", "prod"):
        return method() if rng.random() < 0.2 else method(_dim(rng, ndim), keepdim=rng.random() < 0.3)
    if name in ("softmax", "log_softmax", "cumsum"):
        return method(_dim(rng, ndim))
    if name == "functional_softmax":
        return name, lambda: f.softmax(real), lambda: apply(name, named)
    if name in ("add", "mul", "maximum", "matmul", "lt"):
        other, its = rng.choice(values) if rng.random() < 0.4 else (named, real)
        if name == "matmul" and rng.random() < 0.7 and ndim:
            other, its = (apply("mT", named), real.mT) if ndim > 1 else (named, real)
        elif rng.random() < 0.5 and ndim:
            dim = rng.randrange(ndim)
            other, its = (apply("index", other, slice(0, 1)), its[:1]) if other.ndim else (other, its)
            if named.sizes[dim]:
                other, its = apply("mean", named, dim, True), real.mean(dim, keepdim=True)
        if name in ("add", "mul", "lt") and rng.random() < 0.2:
            return method(int(name == "mul"))  # leaves every number what it was
        return name, lambda: getattr(real, name)(its), lambda: apply(name, named, other)
    if name == "bmm":
        other, its = rng.choice(values)
        if rng.random() < 0.7 and ndim == 3:
            other, its = apply("mT", named), real.mT
        return name, lambda: real.bmm(its), lambda: apply(name, named, other)
    if name == "einsum":
        letters = "abcdefg"[:ndim]
        other, its = rng.choice(values)
        more = "".join(rng.choice("abxy") for _ in range(other.ndim))
        after = "->" + "".join(rng.sample(letters, rng.randint(0, ndim))) if rng.random() < 0.8 else ""
        equation = f"{letters},{more}{after}" if rng.random() < 0.5 else f"{letters}{after}"
        both: tuple[Pair, ...] = ((named, real), (other, its)) if "," in equation else ((named, real),)
        return name, lambda: torch.einsum(equation, *(b for _, b in both)), lambda: apply(name, equation, *(a for a, _ in both))
    if name == "linear":
        size = named.sizes[-1] if ndim and rng.random() < 0.95 else 3
        weight = torch.ones(2, size, dtype=torch.float64)
        return name, lambda: f.linear(real, weight, torch.ones(2, dtype=torch.float64)), lambda: apply(name, named, size, 2)
    if name == "masked_fill":
        return name, lambda: real.masked_fill(real < -1, 0.0), lambda: apply(name, named, apply("lt", named, -1), 0.0)
    if name == "dropout":
        return name, lambda: f.dropout(real, 0.0), lambda: apply(name, named, 0.0)
    return method()


NAMES = [
    "index",
    "index",
    "index",
    "index",
    "index",
    "T",
    "mT",
    "transpose",
    "transpose",
    "swapaxes",
    "movedim",
    "permute",
    "permute",
    "view",
    "view",
    "view",
    "reshape",
    "reshape",
    "reshape",
    "flatten",
    "unflatten",
    "squeeze",
    "unsqueeze",
    "expand",
    "repeat",
    "chunk",
    "split",
    "unbind",
    "select",
    "narrow",
    "flip",
    "roll",
    "index_select",
    "gather",
    "cat",
    "cat",
    "stack",
    "sum",
    "mean",
    "amax",
    "amin",
    "norm",
    "logsumexp",
    "std",
    "max",
    "min",
    "argmax",
    "prod",
    "softmax",
    "log_softmax",
    "cumsum",
    "functional_softmax",
    "add",
    "mul",
    "maximum",
    "lt",
    "matmul",
    "bmm",
    "einsum",
    "linear",
    "masked_fill",
    "dropout",
    "abs",
    "relu",
    "clone",
    "contiguous",
    "detach",
    "double",
    "to",
]


def run_chain(rng: random.Random, counts: Counts) -> None:
    """One chain of up to six operations; what disagrees is added to ``counts``."""
    pairs = sources(rng)
    known = layouts(pairs)
    values: list[Pair] = [rng.choice(list(pairs.values()))]
    if rng.random() < 0.3:
        values = [*pairs.values()]
    trail = [str(values[-1][0])]
    for named, real in pairs.values():
        if wrong := disagreement(named, real, known, counts):
            counts.disagreements.append(f"source {named}: {wrong}")
            return
    for _ in range(rng.randint(1, 6)):
        try:
            name, run, follow = choose(rng, values)
        except Exception as error:  # noqa: BLE001 - what it prepares by following is compared too
            counts.disagreements.append(f"{' > '.join(trail)}: {type(error).__name__}: {error}")
            return
        trail.append(f"{name} of {values[-1][0].sizes}")
        try:
            real, torch_error = run(), ""
        except (RuntimeError, IndexError, ValueError, TypeError, NotImplementedError) as error:
            real, torch_error = None, f"{type(error).__name__}: {error}"
        try:
            x, our_error = follow(), ""
        except RefusedError as error:
            x, our_error = None, f"{error.kind}: {error}"
        except NotFollowedError:
            counts.not_followed[name] += 1
            return
        except Exception as error:  # noqa: BLE001 - a fault is a disagreement too
            counts.disagreements.append(f"{' > '.join(trail)}: {type(error).__name__}: {error}")
            return
        if torch_error or our_error:
            if bool(torch_error) != bool(our_error):
                counts.disagreements.append(
                    f"{' > '.join(trail)}: torch {torch_error or 'accepts'}; here {our_error or 'accepted'}"
                )
            counts.refused[name] += 1
            return
        wrong = disagreement(x, real, known, counts)
        if wrong:
            counts.disagreements.append(f"{' > '.join(trail)}: {wrong}")
            return
        counts.agreed[name] += 1
        if isinstance(x, tuple):
            if not x:
                return
            at = rng.randrange(len(x))
            x, real = x[at], real[at]
        if not isinstance(x, NamedTensor) or x.kind != "float" or x.numel > 5000:
            return
        values.append((x, real))


def main() -> None:
    """Run the chains and print the counts; exit with 1 where something disagrees."""
    chains = int(sys.argv[1]) if len(sys.argv) > 1 else 20_000
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else 0
    warnings.simplefilter("ignore")
    counts = Counts()
    for number in range(chains):
        run_chain(random.Random(f"{seed} {number}"), counts)
    names = sorted(set(NAMES))
    print(f"{'operation':20}{'accepted':>10}{'refused':>10}{'not followed':>14}")
    for name in names:
        print(f"{name:20}{counts.agreed[name]:10}{counts.refused[name]:10}{counts.not_followed[name]:14}")
    total = [sum(table.values()) for table in (counts.agreed, counts.refused, counts.not_followed)]
    print(f"{'all':20}{total[0]:10}{total[1]:10}{total[2]:14}")
    print(
        f"{chains} chains, places of all elements compared in {counts.compared} tensors, {len(counts.disagreements)} "
        "disagreements"
    )
    for text in counts.disagreements[:20]:
        print(" ", text[:600])
    raise SystemExit(bool(counts.disagreements))


if __name__ == "__main__":
    main()
