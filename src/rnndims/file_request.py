"""What a question that names files asks for: module, input, and tensors from the user's files in place of seeded ones.

The rules about which files, options and shapes go together; see ``request``. Internal: ``rnndims.run`` is the public name.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from .config import DataConfig, RNNConfig, check_dtype
from .dtypes import ITEMSIZES
from .errors import ConfigError, DoesNotFitError, Field, Template, shorten
from .file_types import SAFETENSORS
from .output_file import OutputFile
from .request import ModuleRequest, NameOf, request_data
from .shapes import Shape, tensors

if TYPE_CHECKING:
    from .checkpoint import CheckpointModule, FileTensor

Parts = Mapping[str, "FileTensor"]
"""The tensors that one weight is stored as, by role (see ``checkpoint.tensor_names``); the plain weight has the role ``""``."""

_KEYS: Final = {"input": ("input", "x"), "h_0": ("h_0", "h_n", "h_1"), "c_0": ("c_0", "c_n", "c_1")}
"""If a file has several tensors and the user names none, the first of these that it has is read."""


@dataclass(frozen=True, slots=True)
class Files:
    """The files of a question.

    Attributes:
        weights: a checkpoint with the module and its weights.
        name: name of the RNN in the checkpoint; ``*`` and ``?`` match any.
        input: ``PATH`` or ``PATH:KEY`` of the input; ``h_0`` and ``c_0`` alike.
        h_0: of the initial hidden state.
        c_0: of the initial cell state.
        save: the ``.safetensors`` file to write the results to.
        overwrite: whether an existing file ``save`` is overwritten.
    """

    weights: str | os.PathLike[str] | None = None
    name: str | None = None
    input: str | os.PathLike[str] | None = None
    h_0: str | os.PathLike[str] | None = None
    c_0: str | os.PathLike[str] | None = None
    save: str | os.PathLike[str] | None = None
    overwrite: bool = False

    def named(self) -> list[Path]:
        """The files that the user named to be read."""
        named = [] if self.weights is None else [Path(self.weights)]
        tensors = [os.fspath(path) for tensor in _KEYS if (path := getattr(self, tensor)) is not None]
        if tensors:
            from .checkpoint.user_tensor import file_part

            named += [file_part(text) for text in tensors]
        return named


@dataclass(frozen=True, slots=True)
class UserTensors:
    """Tensors from the user's files in place of seeded ones; none of their numbers is read yet.

    Attributes:
        weights: for each parameter of the module the tensors that it is stored as.
        inputs: ``input``, ``h_0``, ``c_0``, as far as there is a file. Where there is any, a missing state is zero, as in
            PyTorch's own call, and a missing input is seeded; where there is none, all are seeded.
        save: the file to save the results in.
    """

    weights: Mapping[str, Parts] = field(default_factory=dict)
    inputs: "Mapping[str, FileTensor]" = field(default_factory=dict)
    save: OutputFile | None = None


@dataclass(frozen=True, slots=True)
class Request:
    """What one question asks for.

    Attributes:
        module: the module.
        data: its input.
        user_tensors: tensors from files, and where the results go; ``None`` where the question names no file.
        files: where the tensors come from, for a document: ``{"weights": {"file": ..., "name": ..., "key": ...}}``.
        files_read: every file that was read, also those that an index or a directory led to; none of them is ever replaced.
    """

    module: ModuleRequest
    data: DataConfig
    user_tensors: UserTensors | None = None
    files: dict[str, Any] = field(default_factory=dict)
    files_read: tuple[Path, ...] = ()

    @property
    def config(self) -> RNNConfig:
        """The module's configuration."""
        return self.module.config

    @property
    def notes(self) -> tuple[str, ...]:
        """What the user should know about how the question was understood."""
        return self.module.notes

    def refuse_files(self, option: str, why: str) -> None:
        """Refuse ``option`` beside files.

        Raises:
            ConfigError: if the question names any.
        """
        if self.user_tensors is not None:
            raise ConfigError(option, True, why, fix=Template("Remove {}.", Field(option)))


def request_files(
    files: Files,
    module: ModuleRequest | None = None,
    arguments: Mapping[str, Any] | None = None,
    data: Mapping[str, Any] | None = None,
    *,
    steps: bool = False,
    name: NameOf = str,
) -> Request:
    """Module, input and user tensors of a question that may name files.

    Args:
        files: the files.
        module: the module; ``None`` where ``files`` names a checkpoint.
        arguments: with a checkpoint, stated fields of ``RNNConfig`` that its weights cannot tell.
        data: as for ``request_data``.
        steps: whether a cell reads a sequence, one step after the other, and not a single step.
        name: for the notes.

    Raises:
        ConfigError: where they contradict each other.
        FileError: where a file cannot be read, or the results cannot be saved.
        DoesNotFitError: where the tensors of the files do not fit the module.
    """
    arguments, data = arguments or {}, data or {}
    save = _open_target(files)
    inputs, files_read = _read_inputs(files)
    weights: dict[str, dict[str, FileTensor]] = {}
    sources: dict[str, Any] = {}
    if files.weights is None:
        if files.name is not None:
            raise ConfigError("name", files.name, "there is no checkpoint to choose from", fix=Template("Add {weights} FILE."))
        if module is None:
            raise ConfigError("module", None, Template("there must be a module, or a checkpoint in {weights}"))
        for argument, value in arguments.items():
            rule = Template("this needs a checkpoint in {weights}")
            raise ConfigError(argument, value, rule, fix=Template("Write it into {module}."))
        dtype = None
    else:
        if module is not None:
            raise ConfigError(
                "weights", files.weights, "the checkpoint already says which module it is", fix=Template("Remove {module}.")
            )
        stored, weights, notes, checkpoint_files = _find_module(os.fspath(files.weights), files.name)
        files_read += checkpoint_files
        if steps:
            _refuse_layers(files.weights, stored)
        config = _complete(stored, arguments, name)
        module = ModuleRequest(config, notes=(*_notes(stored, arguments, steps=steps), *notes))
        dtype = stored.dtype
        sources["weights"] = {"file": os.fspath(files.weights), "name": stored.name, "key": stored.key}
    fitting = _fit_data(module, data, inputs, dtype, steps=steps)
    sources |= {tensor: os.fspath(getattr(files, tensor)) for tensor in _KEYS if tensor in inputs}
    if not weights and not inputs and save is None:
        return Request(module, fitting)
    if save is not None:
        save.refuse_inputs(files_read)
        sources["saved"] = save.path
    if inputs:
        zero = [state for state in tensors(module.config, fitting) if state in ("h_0", "c_0") and state not in inputs]
        if zero:
            verb = "is" if len(zero) == 1 else "are"
            note = f"{' and '.join(zero)} {verb} zero, as in PyTorch where no state is passed"
            module = module._replace(notes=(*module.notes, note))
    return Request(module, fitting, UserTensors(weights, inputs, save), sources, tuple(files_read))


def _open_target(files: Files) -> OutputFile | None:
    """The file to save the results in, checked before anything is read."""
    if files.save is None:
        return None
    return OutputFile(files.save, suffixes=[SAFETENSORS], overwrite=files.overwrite, inputs=files.named())


def _read_inputs(files: Files) -> "tuple[dict[str, FileTensor], list[Path]]":
    """The user's input and states, and the files that were read for them."""
    paths = {tensor: getattr(files, tensor) for tensor in _KEYS if getattr(files, tensor) is not None}
    if not paths:
        return {}, []
    from .checkpoint.user_tensor import read_user_tensor

    read = {tensor: read_user_tensor(os.fspath(path), _KEYS[tensor]) for tensor, path in paths.items()}
    return {name: own.tensor for name, own in read.items()}, [file for own in read.values() for file in own.files]


def _find_module(
    file: str, name: str | None
) -> "tuple[CheckpointModule, dict[str, dict[str, FileTensor]], tuple[str, ...], list[Path]]":
    """The one module of the checkpoint to use, the tensors of its weights, notes on the rest, and the files that were read."""
    from .checkpoint import label, read_both, select

    content, checkpoint = read_both(file)
    broken = list(dict.fromkeys(problem.name for problem in checkpoint.contradictions))
    if name is not None:
        checkpoint = select(checkpoint, name)
    elif not checkpoint.modules and not checkpoint.contradictions:
        raise ConfigError("weights", file, "there is no RNN or cell in this file")
    if not checkpoint.modules:
        problem = checkpoint.contradictions[0]
        raise DoesNotFitError(
            f"the weights of {label(problem.name)} contradict each other: {problem.message}",
            field="weights",
            value=file,
            fix=f"`rnndims weights {shorten(file)}` shows all contradictions.",
        )
    if len(checkpoint.modules) > 1:
        shown = ", ".join(label(module.name) for module in checkpoint.modules[:8])
        raise ConfigError(
            "weights",
            file,
            f"there are {len(checkpoint.modules)} RNNs in this file",
            fix=Template("Choose one with {name}: {}{}.", shown, ", ..." if len(checkpoint.modules) > 8 else ""),
        )
    module = checkpoint.modules[0]
    if module.dtype not in ITEMSIZES:
        raise ConfigError(
            "weights", file, f"the weights are {module.dtype}, packed or quantised, and PyTorch's modules run in floats"
        )
    stored = {own: {role: content.tensors[raw] for role, raw in roles.items()} for own, roles in module.tensors.items()}
    if not broken:
        return module, stored, (), content.files
    shown = ", ".join(label(other) for other in broken[:4]) + (", ..." if len(broken) > 4 else "")
    note = f"weights of other modules contradict each other ({shown}): `rnndims weights {shorten(file)}` shows how"
    return module, stored, (note,), content.files


def _refuse_layers(file: str | os.PathLike[str], stored: "CheckpointModule") -> None:
    """Refuse to step through a module that does more than one cell does."""
    from .checkpoint import label

    config = stored.config
    has = [f"{config.num_layers} layers"] if config.num_layers > 1 else []
    has += ["two directions"] if config.bidirectional else []
    has += ["a projection"] if config.proj_size else []
    if has:
        raise ConfigError(
            "weights",
            file,
            f"{label(stored.name)} has {' and '.join(has)}, and only one layer in one direction can be stepped through",
            fix="Use rnndims run --weights: it runs the whole module.",
        )


def _complete(stored: "CheckpointModule", arguments: Mapping[str, Any], name: NameOf) -> RNNConfig:
    """The module's configuration, with what the weights cannot tell as it was stated."""
    for argument, value in arguments.items():
        if argument not in stored.not_recoverable:
            tell = ", ".join(name(field) for field in stored.not_recoverable)
            raise ConfigError(
                argument,
                value,
                "the weights in the file decide this",
                fix=Template("Remove {}.{}", Field(argument), f" They do not decide {tell}." if tell else ""),
            )
    return replace(stored.config, **arguments)


def _notes(stored: "CheckpointModule", arguments: Mapping[str, Any], *, steps: bool) -> tuple[str, ...]:
    notes = [f"the weights are those of {shorten(stored.name)}" if stored.name else "the weights are those of the file"]
    assumed = [argument for argument in stored.not_recoverable if argument not in arguments and argument != "dropout"]
    if assumed:
        values = ", ".join(f"{argument}={getattr(stored.config, argument)}" for argument in assumed)
        notes.append(f"weights cannot tell {', '.join(assumed)}: assumed {values}")
    if stored.config.is_cell and not steps:
        notes.append("a cell does a single step; `rnndims cell` steps it through a sequence")
    return (*notes, *stored.notes)


def _fit_data(
    module: ModuleRequest, stated: Mapping[str, Any], inputs: "Mapping[str, FileTensor]", dtype: str | None, *, steps: bool
) -> DataConfig:
    """The input by the shape of the user's tensor; without one, as stated. ``dtype`` is that of the weights in a file."""
    plain = request_data(module, {key: value for key, value in stated.items() if key == "dtype"})
    run_dtype = dtype if dtype is not None and "dtype" not in stated else plain.dtype
    layer = replace(module.config, is_cell=False) if steps else module.config
    tensor = inputs.get("input")
    if tensor is None:
        data = replace(request_data(module, stated), dtype=run_dtype)
        shape = tensors(layer, data)["input"].shape
        _check(layer, shape, run_dtype, inputs, run_dtype, data.lengths, steps=steps)
        return data
    for size in ("seq_len", "batch_size", "unbatched"):
        if size in stated:
            raise ConfigError(
                size, stated[size], Template("the shape of {input} decides this"), fix=Template("Remove {}.", Field(size))
            )
    if dtype is None and "dtype" not in stated and tensor.dtype in ITEMSIZES:
        run_dtype = tensor.dtype
    shape, lengths = tensor.shape, stated.get("lengths")
    _check(layer, shape, tensor.dtype, inputs, run_dtype, lengths, steps=steps)
    if layer.is_cell:
        return DataConfig(None, None if len(shape) == 1 else shape[0], len(shape) == 1, None, run_dtype)
    if len(shape) == 2:
        return DataConfig(shape[0], None, True, lengths, run_dtype)
    batch, length = shape[:2] if layer.batch_first else shape[1::-1]
    if lengths is not None and len(lengths) != batch:
        raise DoesNotFitError(
            f"there are {len(lengths)} lengths, and the input {shape} has {batch} sequences",
            field="lengths",
            value=",".join(map(str, lengths[:20])),
            fix="Write one length for each sequence.",
        )
    return DataConfig(length, batch, False, lengths, run_dtype)


def _check(
    config: RNNConfig,
    shape: Shape,
    input_dtype: str,
    inputs: "Mapping[str, FileTensor]",
    weight_dtype: str,
    lengths: tuple[int, ...] | None,
    *,
    steps: bool,
) -> None:
    """Refuse, in the words of ``check``, what PyTorch would refuse.

    Raises:
        ConfigError: if PyTorch cannot run the module in this dtype.
        DoesNotFitError: with the first problem and its fix.
    """
    if weight_dtype in ITEMSIZES:
        check_dtype(config, weight_dtype)
    states = {name: inputs[name].shape for name in ("h_0", "c_0") if name in inputs}
    pair = "c_0" in tensors(config, DataConfig())
    if "c_0" in states and not pair:
        raise ConfigError(
            "c_0", shorten(states["c_0"]), f"nn.{config.class_name} has no cell state", fix=Template("Remove {c_0}.")
        )
    if pair and len(states) == 1:  # the other is zero
        name, known = next(iter(states.items()))
        other = ("c_0", config.hidden_size) if name == "h_0" else ("h_0", config.H_out)
        states[other[0]] = (*known[:-1], other[1])
    if steps:  # a state that `run` saved for the cell has no dim for layers
        states = {name: (1, *state) if len(state) == len(shape) - 1 else state for name, state in states.items()}
    from .diagnose import Call, check_shapes

    diagnosis = check_shapes(
        config,
        Call(
            input=shape,
            h_0=states.get("h_0"),
            c_0=states.get("c_0"),
            lengths=lengths,
            enforce_sorted=None if lengths is None else False,
            input_dtype=input_dtype,
            weight_dtype=weight_dtype,
        ),
    )
    if diagnosis.problems:
        problem = diagnosis.problems[0]
        sequence = config.is_cell and len(shape) == 3
        raise DoesNotFitError(
            problem.quoted,
            fix="Use rnndims cell: it steps through a sequence." if sequence else problem.fix or problem.advice,
        )
    for name in ("h_0", "c_0"):
        if name in inputs and inputs[name].dtype != weight_dtype:
            raise DoesNotFitError(
                f"{name} is {inputs[name].dtype} and the weights are {weight_dtype}: PyTorch runs a module in one dtype",
                fix=Template("Convert it, or use {dtype}."),
            )
