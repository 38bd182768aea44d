"""What ``run`` and ``cell`` take from files instead of seeded numbers: weights, an input, states; and where results go."""

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..config import DataConfig, RNNConfig
from ..dtypes import ITEMSIZES
from ..errors import ExitCode, RnndimsError, shorten
from .options import FILE, DataOptions, Module, ModuleOptions, option_name, parse_ints

if TYPE_CHECKING:
    from ..checkpoint import FileTensor, FoundModule
    from ..torch_runner import Given


class DoesNotFitError(RnndimsError):
    """What the user brings does not fit the module: said in the words of ``check``."""

    exit_code = ExitCode.DOES_NOT_FIT


@dataclass(eq=False, repr=False)
class GivenOptions:
    """Files to take weights, input and states from."""

    weights: Annotated[
        Path | None, typer.Option("--weights", metavar=FILE, help="Take module and weights from this checkpoint.")
    ] = None
    name: Annotated[
        str | None, typer.Option("--name", metavar="NAME", help="Of the checkpoint's RNNs this one; *, ? match any.")
    ] = None
    input: Annotated[
        str | None,
        typer.Option(
            "--input", metavar=FILE, help="Take the input from x.npy, x.pt or x.safetensors; FILE:KEY for one of several."
        ),
    ] = None
    h0: Annotated[str | None, typer.Option("--h0", metavar=FILE, help="Take h_0 from a file, the same way.")] = None
    c0: Annotated[str | None, typer.Option("--c0", metavar=FILE, help="Take c_0 from a file, the same way.")] = None
    given: frozenset[str] = field(default=frozenset(), init=False)


@dataclass(eq=False, repr=False)
class SaveOptions:
    """Where to keep the results."""

    save: Annotated[Path | None, typer.Option("--save", metavar=FILE, help="Keep the results in this .safetensors file.")] = (
        None
    )
    force: Annotated[bool, typer.Option("--force", help="Overwrite that file if it is there.")] = False
    given: frozenset[str] = field(default=frozenset(), init=False)


@dataclass(frozen=True, slots=True)
class Chosen:
    """Module and data as files and options together say; ``source`` is where they come from, for the JSON document."""

    module: Module
    data: DataConfig
    given: "Given | None"
    source: dict[str, Any]

    def refuse_files(self, option: str) -> None:
        """Refuse what cannot say where the numbers come from.

        Raises:
            RnndimsError: if any file is given.
        """
        if self.given is not None:
            raise RnndimsError(
                f"{option}: it knows no files, so that it would run with other numbers", fix=f"Leave out {option}."
            )

    def source_document(self) -> dict[str, Any]:
        """The key that the files add to a JSON document; nothing where there are none."""
        return {"files": self.source} if self.source else {}


def choose(
    module: ModuleOptions, data: DataOptions, files: GivenOptions, save: SaveOptions | None = None, *, steps: bool = False
) -> Chosen:
    """The module, its data and what is given for them.

    Args:
        module: options of the module.
        data: options of the data.
        files: options that name files.
        save: where the results go.
        steps: whether a cell is fed a sequence, one step after the other, and not a single step.

    Raises:
        RnndimsError: where they contradict each other, or a file cannot be read or does not fit.
    """
    save = save or SaveOptions()
    inputs = _read_inputs(files)
    weights: dict[str, dict[str, FileTensor]] = {}
    source: dict[str, Any] = {}
    if files.weights is None:
        if files.name is not None:
            raise RnndimsError("--name: is the name of a module in a checkpoint, and there are no --weights")
        chosen, dtype = module.resolve(), None
    else:
        found, weights, notes = _find(str(files.weights), files.name)
        if steps:
            _refuse_layers(found)
        chosen = Module(_complete(found, module), None, (*_notes(found, module, steps=steps), *notes))
        dtype = found.dtype
        source["weights"] = {"file": str(files.weights), "name": found.name, "key": found.key}
    fed = _data(chosen, data, inputs, dtype, steps=steps)
    source |= {name: getattr(files, option) for option, name in _INPUTS.items() if name in inputs}
    if not weights and not inputs and save.save is None:
        return Chosen(chosen, fed, None, source)
    from .. import torch_runner

    if save.save is not None:
        torch_runner.check_target(save.save, overwrite=save.force)
        source["saved"] = str(save.save)
    if inputs:
        states = [name for name in ("h_0", "c_0") if name not in inputs and (name == "h_0" or chosen.config.cell == "lstm")]
        if states:
            verb = "is" if len(states) == 1 else "are"
            chosen.notes = (*chosen.notes, f"{' and '.join(states)} {verb} zero, as where PyTorch is given none")
    return Chosen(chosen, fed, torch_runner.Given(weights, inputs, save.save, save.force), source)


_INPUTS = {"input": "input", "h0": "h_0", "c0": "c_0"}
_WANTED = {"input": ("input", "x"), "h_0": ("h_0", "h_n", "h_1"), "c_0": ("c_0", "c_n", "c_1")}


def _read_inputs(files: GivenOptions) -> "dict[str, FileTensor]":
    from ..checkpoint.inputs import read_tensor_file

    texts = {name: getattr(files, option) for option, name in _INPUTS.items()}
    return {name: read_tensor_file(text, _WANTED[name]) for name, text in texts.items() if text is not None}


def _find(file: str, name: str | None) -> "tuple[FoundModule, dict[str, dict[str, FileTensor]], tuple[str, ...]]":
    """The one module of the checkpoint that is meant, the tensors of its weights, and notes on the rest of the file."""
    from ..checkpoint import label, read_both, select

    content, found = read_both(file)
    wrong = list(dict.fromkeys(problem.name for problem in found.problems))
    if name is not None:
        found = select(found, name)
    elif not found.modules and not found.problems:
        raise RnndimsError(f"--weights {shorten(file)}: no RNN, LSTM, GRU or cell is in it")
    if len(found.modules) != 1 or (found.problems and name is None):
        if not found.modules and found.problems:
            problem = found.problems[0]
            raise DoesNotFitError(
                f"--weights {shorten(file)}: the weights of {label(problem.name)} contradict each other: {problem.message}",
                fix="rnndims weights FILE shows all of it.",
            )
        if len(found.modules) > 1:
            shown = ", ".join(label(module.name) for module in found.modules[:8])
            raise RnndimsError(
                f"--weights {shorten(file)}: {len(found.modules)} modules are meant, and one can be run",
                fix=f"Choose with --name: {shown}{', ...' if len(found.modules) > 8 else ''}.",
            )
    module = found.modules[0]
    if module.dtype not in ITEMSIZES:
        raise RnndimsError(
            f"--weights {shorten(file)}: {module.dtype} weights are packed or quantised, and PyTorch's modules run in floats"
        )
    tensors = {own: {role: content.tensors[raw] for role, raw in roles.items()} for own, roles in module.tensors.items()}
    if not wrong:
        return module, tensors, ()
    shown = ", ".join(label(other) for other in wrong[:4]) + (", ..." if len(wrong) > 4 else "")
    note = f"weights of other modules contradict each other ({shown}): rnndims weights FILE shows how"
    return module, tensors, (note,)


def _refuse_layers(found: "FoundModule") -> None:
    """Refuse for ``cell`` a module that does more than one cell does.

    Raises:
        RnndimsError: naming what it has.
    """
    from ..checkpoint import label

    config = found.config
    has = [f"{config.num_layers} layers"] if config.num_layers > 1 else []
    has += ["two directions"] if config.bidirectional else []
    has += ["a projection"] if config.proj_size else []
    if has:
        raise RnndimsError(
            f"--weights: {label(found.name)} has {' and '.join(has)}, and cell steps one layer in one direction",
            fix="Use rnndims run --weights: it runs the whole module.",
        )


def _complete(found: "FoundModule", module: ModuleOptions) -> RNNConfig:
    """The module's configuration with what weights cannot tell taken from the options."""
    overrides = module.overrides()
    if module.code is not None:
        raise RnndimsError("CONSTRUCTOR: --weights says by itself what the module is", fix="Leave out one of them.")
    foreign = [name for name in overrides if name not in found.not_recoverable]
    if foreign:
        tell = ", ".join(option_name(name) for name in found.not_recoverable)
        raise RnndimsError(
            f"{option_name(foreign[0])}: the weights say it themselves",
            fix=f"Leave it out; they cannot tell {tell}." if tell else "Leave it out.",
        )
    return replace(found.config, **overrides)


def _notes(found: "FoundModule", module: ModuleOptions, *, steps: bool) -> tuple[str, ...]:
    notes = [f"the weights are those of {shorten(found.name)}" if found.name else "the weights are the file's"]
    assumed = [name for name in found.not_recoverable if name not in module.given and name != "dropout"]
    if assumed:
        values = ", ".join(f"{name}={getattr(found.config, name)}" for name in assumed)
        notes.append(f"weights cannot tell {', '.join(assumed)}: taken to be {values}")
    if found.config.is_cell and not steps:
        notes.append("a cell does a single step; rnndims cell steps it through a sequence")
    return (*notes, *found.notes)


def _data(module: Module, data: DataOptions, inputs: "dict[str, FileTensor]", dtype: str | None, *, steps: bool) -> DataConfig:
    """The data by the shape of the given input; without one, by the options."""
    given = dtype if dtype is not None and "dtype" not in data.given else data.resolve(module).dtype
    lengths = None if data.lengths is None else parse_ints("lengths", data.lengths)
    tensor = inputs.get("input")
    layer = replace(module.config, is_cell=False) if steps else module.config
    if tensor is None:
        fed = replace(data.resolve(module), dtype=given)
        from ..shapes import tensors

        _check(layer, tensors(layer, fed)["input"].shape, given, inputs, given, fed.lengths, steps=steps)
        return fed
    for name in ("seq_len", "batch_size", "unbatched"):
        if name in data.given:
            raise RnndimsError(f"{option_name(name)}: the shape of --input says it", fix="Leave it out.")
    if dtype is None and "dtype" not in data.given and tensor.dtype in ITEMSIZES:
        given = tensor.dtype
    shape = tensor.shape
    _check(layer, shape, tensor.dtype, inputs, given, lengths, steps=steps)
    if layer.is_cell:
        return DataConfig(None, None if len(shape) == 1 else shape[0], len(shape) == 1, None, given)
    if len(shape) == 2:
        return DataConfig(shape[0], None, True, lengths, given)
    first = layer.batch_first
    batch = shape[0 if first else 1]
    if lengths is not None and len(lengths) != batch:
        raise DoesNotFitError(
            f"--lengths has {len(lengths)} lengths, and --input {shape} has {batch} sequences",
            fix="Give one length for each sequence.",
        )
    return DataConfig(shape[1 if first else 0], shape[0 if first else 1], False, lengths, given)


def _check(
    config: RNNConfig,
    shape: tuple[int, ...],
    input_dtype: str,
    inputs: "dict[str, FileTensor]",
    weight_dtype: str,
    lengths: tuple[int, ...] | None,
    *,
    steps: bool,
) -> None:
    """Refuse, in the words of ``check``, what PyTorch would refuse.

    Raises:
        DoesNotFitError: with the first problem and its fix.
    """
    from ..diagnose import Call, check_shapes

    states = {name: inputs[name].shape for name in ("h_0", "c_0") if name in inputs}
    if "c_0" in states and config.cell != "lstm":
        raise RnndimsError(f"--c0: only an LSTM has a cell state, this is {config.class_name}")
    if config.cell == "lstm" and len(states) == 1:  # the other is zero
        other = config.H_out if "c_0" in states else config.hidden_size
        name, known = next(iter(states.items()))
        states["h_0" if name == "c_0" else "c_0"] = (*known[:-1], other)
    if steps:  # a state saved by run for the cell has no dim for layers
        states = {name: (1, *state) if len(state) == len(shape) - 1 else state for name, state in states.items()}
    call = Call(
        input=shape,
        h_0=states.get("h_0"),
        c_0=states.get("c_0"),
        lengths=lengths,
        enforce_sorted=None if lengths is None else False,
        input_dtype=input_dtype,
        weight_dtype=weight_dtype,
    )
    wrong = [(name, inputs[name].dtype) for name in ("h_0", "c_0") if name in inputs and inputs[name].dtype != weight_dtype]
    diagnosis = check_shapes(config, call)
    if diagnosis.problems:
        problem = diagnosis.problems[0]
        sequence = config.is_cell and len(shape) == 3
        raise DoesNotFitError(
            problem.quoted,
            fix="Use rnndims cell: it steps through a sequence." if sequence else problem.fix or problem.advice,
        )
    if wrong:
        name, dtype = wrong[0]
        raise DoesNotFitError(
            f"{name} is {dtype} and the weights are {weight_dtype}: PyTorch runs a module in one dtype",
            fix="Convert it, or use --dtype.",
        )
