"""The public functions: what the commands can do, for a program. Use them as ``rnndims.dims`` and so on.

In each, ``module`` is an ``RNNConfig``, a constructor as code (``"nn.RNN(10, 20)"``, parsed and never executed), or a live
recurrent module of ``torch.nn``, of which only the attributes are read. Shapes are written in PyTorch's symbols: L steps, N
sequences, D directions, H_in ``input_size``, H_cell ``hidden_size``, H_out ``proj_size`` or else ``hidden_size``.
"""

import os
from collections.abc import Iterable, Sequence
from dataclasses import fields, replace
from operator import index
from typing import TYPE_CHECKING, Any, Literal, Protocol, SupportsIndex

from .config import RNNConfig
from .dtypes import RNN_DTYPES, dtype_name
from .errors import ConfigError
from .request import ModuleRequest, request_data, request_module
from .results import Dims, compute_dims

if TYPE_CHECKING:
    from .diagnose import Call, Diagnosis
    from .diagrams import Diagram, View
    from .measurements import Run
    from .model_request import ModelRequest
    from .shapes import Shape
    from .shown import Summary, Watch


class RecurrentModule(Protocol):
    """A live recurrent module of ``torch.nn``."""

    input_size: int
    hidden_size: int

    def parameters(self) -> Any:
        """Its parameters."""


class _HasShape(Protocol):
    @property
    def shape(self) -> Sequence[int]:
        """The size of each dim."""


Module = RNNConfig | str | RecurrentModule
ShapeLike = Iterable[SupportsIndex] | _HasShape
"""A shape, ``(5, 3, 10)``, or something that has one: a tensor, an array."""


def dims(
    module: Module,
    *,
    seq_len: int | None = None,
    batch_size: int | None = None,
    unbatched: bool = False,
    lengths: Iterable[SupportsIndex] | None = None,
    dtype: str | None = None,
) -> Dims:
    """Every shape, state row, weight and cost of a module with an input of this size, in closed form and without torch.

    >>> dims("nn.RNN(10, 20, batch_first=True)", seq_len=5, batch_size=3).tensors["output"].shape
    (3, 5, 20)

    Args:
        module: a configuration, code, or a live module.
        seq_len: time steps L; default 3, or the longest of ``lengths``.
        batch_size: sequences N; default 2, or the number of ``lengths``.
        unbatched: a single sequence of shape (L, H_in), without a batch dim.
        lengths: valid steps of each sequence, for a packed batch.
        dtype: name of a torch dtype, for the bytes; default that of the code or of the live module, else float32.

    Returns:
        Tensors, rows of ``h_n`` and weights by name, each with its shape, number of elements and bytes; and the totals.

    Raises:
        ConfigError: (a ``ValueError``) where PyTorch would refuse the same input.
        ConstructorError: (a ``ValueError``) where the code cannot be read, or PyTorch would refuse its arguments.
        MachineError: if there are more weights, or more packed steps, than can be listed.
        TypeError: if a live module is none of PyTorch's recurrent ones.
    """
    request = _request(module)
    return compute_dims(request.config, request_data(request, _stated(seq_len, batch_size, unbatched, lengths, dtype)))


def parse(code: str, **names: int | float | bool | str) -> RNNConfig:
    """The configuration of a pasted constructor; nothing in the code is executed.

    >>> parse("self.rnn = nn.RNN(emb_dim, 512, num_layers=2)", emb_dim=300).input_size
    300

    Args:
        code: one call of a class of ``torch.nn``, with or without an assignment, or the ``repr`` of a module.
        names: values for the names in it. A dotted name is passed as ``**{"args.hidden": 512}``.

    Raises:
        ConstructorError: (a ``ValueError``) where the code is anything else, a name has no value, or PyTorch would refuse it.
        ConfigError: (a ``ValueError``) if the code has no such name.
    """
    return request_module(code, define=names).config


def check(
    module: Module,
    *,
    input: ShapeLike | None = None,  # noqa: A002 - PyTorch's name
    h_0: ShapeLike | None = None,
    c_0: ShapeLike | None = None,
    lengths: Iterable[SupportsIndex] | None = None,
    input_dtype: str | None = None,
    output: ShapeLike | None = None,
    h_n: ShapeLike | None = None,
    c_n: ShapeLike | None = None,
    linear: int | None = None,
    uses: Iterable[str] = (),
    target: ShapeLike | None = None,
    loss: Literal["ce", "mse", "ctc"] | None = None,
    decoder: Module | None = None,
    attention: bool = False,
    name: str | None = None,
) -> "Diagnosis":
    """Whether a call of a module fits: what PyTorch would refuse, and what would run and be wrong. It needs no torch.

    >>> diagnosis = check("nn.RNN(10, 20, batch_first=True)", input=(5, 3, 10), h_0=(1, 3, 20))
    >>> diagnosis.ok, diagnosis.problems[0].cause, diagnosis.problems[0].expected
    (False, 'hidden_batch_mismatch', (1, 5, 20))

    Args:
        module: a configuration, code, or a live module. The code may be that of a whole class or ``nn.Sequential``, which is
            parsed and never executed: its RNN is checked, and the layers around it as far as the code is certain.
        input: shape of the input, before packing: (L, N, H_in), (N, L, H_in) with ``batch_first``, (L, H_in) unbatched. A
            tensor will do here and for every other shape.
        h_0: shape of the initial hidden state, (D*num_layers, N, H_out).
        c_0: shape of the initial cell state, (D*num_layers, N, H_cell). Without it ``h_0`` is passed as a bare tensor.
        lengths: the lengths that the input is packed with.
        input_dtype: dtype of the input; default that of the tensor ``input``, or that of the weights.
        output: the shape that you expect of ``output``.
        h_n: the shape that you expect of ``h_n``.
        c_n: the shape that you expect of ``c_n``.
        linear: ``in_features`` of the ``nn.Linear`` that reads ``output``.
        uses: code that uses the results, never run: ``["output[:, -1]", "out, _ = lstm(x); out.view(3, -1)"]``.
        target: shape of the target that ``loss`` compares with ``output``, with the last use, or with the Linear after that.
        loss: ``"ce"`` (cross entropy), ``"mse"`` (mean squared error) or ``"ctc"``; it needs a ``target``.
        decoder: the module that begins with the states that this one returns.
        attention: whether dot attention multiplies ``output`` with the last state, of ``decoder`` if there is one.
        name: which RNN of a class is meant where it has several: ``"encoder"``.

    Returns:
        The problems in PyTorch's order of complaints, warnings, notes, and the shapes of the results where nothing is refused.

    Raises:
        ConfigError: (a ``ValueError``) where a shape or dtype is not valid, or ``target`` and ``loss`` are not stated together.
        RnndimsError: where the question makes no sense (lengths for a cell, a use that cannot be read).
        ConstructorError: as for ``dims``.
        TypeError: as for ``dims``.
    """
    from .diagnose import check_shapes

    request = _request_model(module, name)
    call = _call(request.module, input, h_0, c_0, lengths, input_dtype, output, h_n, c_n, linear, uses)
    call, notes = request.place(_with_neighbours(call, target, loss, decoder, attention))
    found = request.complete(check_shapes(request.module.config, call))
    return replace(found, notes=(*notes, *found.notes))


def explain_error(
    text: str,
    module: Module | None = None,
    *,
    input: ShapeLike | None = None,  # noqa: A002 - PyTorch's name
    h_0: ShapeLike | None = None,
    c_0: ShapeLike | None = None,
    lengths: Iterable[SupportsIndex] | None = None,
    input_dtype: str | None = None,
    output: ShapeLike | None = None,
    h_n: ShapeLike | None = None,
    c_n: ShapeLike | None = None,
    linear: int | None = None,
    uses: Iterable[str] = (),
    target: ShapeLike | None = None,
    loss: Literal["ce", "mse", "ctc"] | None = None,
    decoder: Module | None = None,
    attention: bool = False,
    name: str | None = None,
) -> "Diagnosis":
    """What an error message of PyTorch's recurrent modules means: the last one in ``text``, with its likely causes.

    >>> explain_error("RuntimeError: input.size(-1) must be equal to input_size. Expected 10, got 3").problems[0].tensor
    'input'

    Args:
        text: a message, a traceback or a whole log; colours, prefixes and other output do not matter.
        module: the module, if it is known; with the shapes it narrows the causes down.
        input: as for ``check``; so are all further arguments.
        h_0: as for ``check``.
        c_0: as for ``check``.
        lengths: as for ``check``.
        input_dtype: as for ``check``.
        output: as for ``check``.
        h_n: as for ``check``.
        c_n: as for ``check``.
        linear: as for ``check``.
        uses: as for ``check``.
        target: as for ``check``.
        loss: as for ``check``.
        decoder: as for ``check``.
        attention: as for ``check``.
        name: as for ``check``.

    Returns:
        The message as ``error``, and its likely causes as problems, each with a fix.

    Raises:
        UnknownMessageError: if no known message is in it.
        ConfigError: as for ``check``.
        ConstructorError: as for ``dims``.
        TypeError: as for ``dims``.
    """
    from .diagnose import diagnose_error

    request = None if module is None else _request_model(module, name)
    own = None if request is None else request.module
    call = _call(own, input, h_0, c_0, lengths, input_dtype, output, h_n, c_n, linear, uses)
    call = _with_neighbours(call, target, loss, decoder, attention)
    if request is None:
        return diagnose_error(text, None, call)
    call, notes = request.place(call)
    found = request.complete(diagnose_error(text, request.module.config, call))
    return replace(found, notes=(*notes, *found.notes))


def diagram(
    module: Module,
    view: "View" = "unrolled",
    *,
    seq_len: int | None = None,
    batch_size: int | None = None,
    unbatched: bool = False,
    lengths: Iterable[SupportsIndex] | None = None,
    layer: int = 0,
    max_steps: int | None = None,
    max_layers: int | None = None,
) -> "Diagram":
    """A picture of a module as data: nodes and edges with their shapes. ``draw`` turns it into text or SVG.

    >>> diagram("nn.RNN(4, 2)", seq_len=3).steps
    (0, 1, 2)

    Args:
        module: a configuration, code, or a live module.
        view: ``"unrolled"`` in time, ``"cell"`` (the inside of one cell), or ``"matmul"`` (one step as matrix products).
        seq_len: as for ``dims``.
        batch_size: as for ``dims``.
        unbatched: as for ``dims``.
        lengths: as for ``dims``.
        layer: the layer whose cell the ``cell`` and ``matmul`` views show, from 0.
        max_steps: the most time steps to draw in the ``unrolled`` view; default 6. The middle ones are omitted.
        max_layers: the most layers to draw in the ``unrolled`` view; default 4. The middle ones are omitted.

    Returns:
        Nodes by id and the edges between them, both with shapes; a title, a description and notes.

    Raises:
        ConfigError: (a ``ValueError``) if the module has no such layer, or as for ``dims``.
        ConstructorError: as for ``dims``.
        TypeError: as for ``dims``.
    """
    from .diagrams import build_diagram

    request = _request(module)
    data = request_data(request, _stated(seq_len, batch_size, unbatched, lengths))
    return build_diagram(request.config, data, view, layer=layer, max_steps=max_steps, max_layers=max_layers)


def draw(
    diagram: "Diagram",
    format: Literal["text", "ascii", "svg", "dot", "mermaid"] = "text",  # noqa: A002
    *,
    width: int = 100,
) -> str:
    """A diagram as a document without colours, ready to print or to write to a file.

    >>> print(draw(diagram("nn.RNN(4, 2)", "cell"), "svg")[:4])
    <svg

    Args:
        diagram: what ``diagram`` returned.
        format: ``"text"`` (Unicode), ``"ascii"``, ``"svg"``, ``"dot"`` (Graphviz) or ``"mermaid"``.
        width: the most columns of ``"text"`` and ``"ascii"``.

    Returns:
        The whole document; lines end in a newline.

    Raises:
        ConfigError: (a ``ValueError``) if there is no such format.
    """
    from .drawing import render_plain

    formats = ("text", "ascii", "svg", "dot", "mermaid")
    if format not in formats:
        raise ConfigError("format", format, f"must be one of {', '.join(formats)}")
    return render_plain(diagram, format, width)


def run(
    module: Module | None = None,
    *,
    seq_len: int | None = None,
    batch_size: int | None = None,
    unbatched: bool = False,
    lengths: Iterable[SupportsIndex] | None = None,
    dtype: str | None = None,
    device: str | None = None,
    seed: int = 0,
    values: bool = False,
    weights: str | os.PathLike[str] | None = None,
    name: str | None = None,
    batch_first: bool | None = None,
    nonlinearity: str | None = None,
    input: str | os.PathLike[str] | None = None,  # noqa: A002 - PyTorch's name
    h_0: str | os.PathLike[str] | None = None,
    c_0: str | os.PathLike[str] | None = None,
    save: str | os.PathLike[str] | None = None,
    overwrite: bool = False,
) -> "Run":
    """Build a module with PyTorch, run it once, and measure: the closed form beside what PyTorch returned.

    ``run(...).measured.disagreements(run(...).dims)`` is empty where both agree. Weights, input and states are drawn from
    ``seed``, or read from files. A live module is not run itself: one of the same configuration is built.

    Args:
        module: a configuration, code, or a live module; leave it out with ``weights``.
        seq_len: as for ``dims``; decided by the file ``input`` if there is one.
        batch_size: as ``seq_len``.
        unbatched: as ``seq_len``.
        lengths: as for ``dims``.
        dtype: as for ``dims``; default that of the files.
        device: ``"cpu"``, ``"cuda"``, ``"cuda:1"``, ``"mps"``, ``"meta"`` (shapes of any size, no numbers) or ``"auto"``;
            default that of the code, else ``"cpu"``.
        seed: of the weights and of the input, a whole number of 64 bits.
        values: also return the numbers, as nested lists.
        weights: a checkpoint that has the module and its weights.
        name: name of the RNN in the checkpoint; ``*`` and ``?`` match any.
        batch_first: with ``weights`` only, which cannot tell it; default False.
        nonlinearity: with ``weights`` only, which cannot tell it; default ``"tanh"``.
        input: file of the input (.npy, .pt, .safetensors), or ``FILE:NAME`` for one of several tensors.
        h_0: file of the initial hidden state, as ``input``.
        c_0: file of the initial cell state, as ``input``.
        save: a .safetensors file to write the results to.
        overwrite: whether an existing file ``save`` is overwritten.

    Returns:
        ``dims``, the closed form, and ``measured``: the shapes of all tensors and weights, and with ``values`` their numbers.

    Raises:
        MachineError: if torch or the device is missing, it cannot run this dtype, or there is not enough memory.
        ConfigError: (a ``ValueError``) where the arguments contradict each other, or as for ``dims``.
        FileError: where a file cannot be read or written.
        DoesNotFitError: where the tensors in the files do not fit the module.
        ConstructorError: as for ``dims``.
        TypeError: as for ``dims``.
    """
    from .file_request import Files, request_files
    from .measurements import Run

    files = Files(weights, name, input, h_0, c_0, save, overwrite)
    open_arguments = {"batch_first": batch_first, "nonlinearity": nonlinearity}
    request = request_files(
        files,
        None if module is None else _request(module),
        {field: value for field, value in open_arguments.items() if value is not None},
        _stated(seq_len, batch_size, unbatched, lengths, dtype),
    )
    from . import torch_runner

    form = compute_dims(request.config, request.data)
    device = device or request.module.device or "cpu"
    return Run(form, torch_runner.run(form, device=device, seed=seed, values=values, user_tensors=request.user_tensors))


def summary(model: Any, /, *args: Any, **kwargs: Any) -> "Summary":
    """Call a model once in inference: its recurrent modules with their real shapes and exact cost, and all its parameters.

    The model and the random states are afterwards what they were before. The MACs are those of the matrix products of the
    recurrent modules; those of other modules are not counted.

    Args:
        model: any ``nn.Module``.
        args: what it is called with.
        kwargs: the same, by name.

    Returns:
        ``recurrent``: each recurrent module with its calls, shapes and rows of ``h_n``; ``modules``: each module that has
        parameters of its own; ``total``. ``str()`` is a table, ``to_json()`` a document, and a notebook shows HTML.

    Raises:
        TypeError: if ``model`` is no ``nn.Module``.
        RnndimsError: if it has parameters that get their size in the first call.
        Exception: what the call itself raises.
    """
    from .live.summary import summarize
    from .shown import Summary

    found = summarize(model, args, kwargs)
    return Summary(**{field.name: getattr(found, field.name) for field in fields(found)})


def watch(model: Any, /) -> "Watch":
    """Watch the recurrent modules of a model for a while, for a test: ``with rnndims.watch(net) as seen: net(x)``.

    The model computes bit for bit what it computes without.

    Args:
        model: an ``nn.Module``: one recurrent module, or a model with such modules in it. Other RNNs, and calls in another
            thread, are not in it.

    Returns:
        A context manager, which ``as`` names too: ``calls``, ``warnings`` (what runs and is wrong) and ``not_watched``.

    Raises:
        TypeError: if ``model`` is no ``nn.Module``.
    """
    from .shown import Watch

    return Watch(model)


def _request(module: Module) -> ModuleRequest:
    """The module, with the dtype that code or a live module says."""
    if isinstance(module, RNNConfig):
        return ModuleRequest(module)
    if isinstance(module, str):
        return request_module(module)
    config = RNNConfig.from_module(module)
    dtype = next((dtype_name(parameter.dtype) for parameter in module.parameters()), None)
    return ModuleRequest(config, dtype if dtype in RNN_DTYPES else None)


def _request_model(module: Module, name: str | None) -> "ModelRequest":
    """The module of ``check``, which may be a part of pasted code."""
    from .model_request import ModelRequest, request_model

    if isinstance(module, str) or name is not None:
        return request_model(module if isinstance(module, str) else None, rnn=name)
    return ModelRequest(_request(module))


def _stated(
    seq_len: int | None,
    batch_size: int | None,
    unbatched: bool,
    lengths: Iterable[SupportsIndex] | None,
    dtype: str | None = None,
) -> dict[str, Any]:
    """The fields of ``DataConfig`` that are not at their default."""
    values = {
        "seq_len": seq_len,
        "batch_size": batch_size,
        "unbatched": unbatched or None,
        "lengths": _sizes(lengths),
        "dtype": dtype,
    }
    return {field: value for field, value in values.items() if value is not None}


def _call(
    request: ModuleRequest | None,
    input: ShapeLike | None,  # noqa: A002
    h_0: ShapeLike | None,
    c_0: ShapeLike | None,
    lengths: Iterable[SupportsIndex] | None,
    input_dtype: str | None,
    output: ShapeLike | None,
    h_n: ShapeLike | None,
    c_n: ShapeLike | None,
    linear: int | None,
    uses: Iterable[str],
) -> "Call":
    """The call that is stated, in plain values."""
    from .diagnose import Call, parse_dtype

    if linear is not None and linear < 1:
        raise ConfigError("linear", linear, "in_features must be 1 or more")
    own = getattr(input, "dtype", None) if input_dtype is None else input_dtype
    return Call(
        input=_shape("input", input),
        h_0=_shape("h_0", h_0),
        c_0=_shape("c_0", c_0),
        lengths=_sizes(lengths),
        input_dtype=None if own is None else parse_dtype("input_dtype", str(own)),
        weight_dtype=(request.dtype if request is not None else None) or "float32",
        output=_shape("output", output),
        h_n=_shape("h_n", h_n),
        c_n=_shape("c_n", c_n),
        linear=linear,
        uses=(uses,) if isinstance(uses, str) else tuple(uses),
    )


def _with_neighbours(
    call: "Call", target: ShapeLike | None, loss: str | None, decoder: Module | None, attention: bool
) -> "Call":
    """The call with what reads its results."""
    if loss not in (None, "ce", "mse", "ctc"):
        raise ConfigError("loss", loss, "must be one of ce, mse, ctc")
    read = None if decoder is None else _request(decoder).config
    return replace(call, target=_shape("target", target), loss=loss, decoder=read, attention=attention)


def _shape(field: str, value: ShapeLike | None) -> "Shape | None":
    """A shape as a tuple of ints, that of a tensor or array too.

    Raises:
        ConfigError: if it is not a shape.
    """
    if value is None:
        return None
    sizes: Any = getattr(value, "shape", value)
    try:
        shape = tuple(index(size) for size in sizes)
    except TypeError:
        raise ConfigError(field, value, "must be a shape: a tuple of ints", fix="Write it like (5, 3, 10).") from None
    if any(size < 0 for size in shape):
        raise ConfigError(field, shape, "has a negative size")
    return shape


def _sizes(lengths: Iterable[SupportsIndex] | None) -> tuple[int, ...] | None:
    return None if lengths is None else tuple(index(length) for length in lengths)
