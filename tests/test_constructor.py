"""Pasted constructors: what PyTorch builds from a line is what rnndims reads in it, and nothing in it is executed."""

import random
import warnings
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from torch_version import says_as_2_13

from rnndims import RNNConfig, RnndimsError
from rnndims.constructor import format_constructor, parse_constructor, parse_definition
from rnndims.errors import ConstructorError

torch = pytest.importorskip("torch")
nn = torch.nn

CLASSES = ("RNN", "LSTM", "GRU", "RNNCell", "LSTMCell", "GRUCell")
FIELDS = ("input_size", "hidden_size", "num_layers", "bias", "batch_first", "dropout", "bidirectional", "proj_size")


def build(code: str) -> Any:
    """The module that PyTorch builds from ``code``, on the meta device."""
    with torch.device("meta"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return eval(code, {"nn": nn, "torch": torch})


def works(module: Any) -> bool:
    """Whether ``module`` can be called: PyTorch checks many an argument only then, and a cell's nonlinearity on real data."""
    if getattr(module, "nonlinearity", "tanh") not in ("tanh", "relu"):
        return False
    if getattr(module, "proj_size", 0) and not isinstance(module, nn.LSTM):
        return False
    steps = (1,) if isinstance(module, nn.RNNBase) else ()
    try:
        module(torch.zeros(*steps, 1, module.input_size, device="meta"))
    except TypeError:
        return False
    return True


def same(config: RNNConfig, module: Any) -> bool:
    """Whether ``config`` says of every argument what the module itself says."""
    if type(module).__name__ != config.class_name:
        return False
    values = {name: getattr(module, name) for name in FIELDS if hasattr(module, name)}
    if config.cell == "rnn":
        values["nonlinearity"] = module.nonlinearity
    if config.is_cell:
        values["bias"] = bool(values["bias"])
    return all(getattr(config, name) == value for name, value in values.items())


def random_call(rng: random.Random) -> str:
    """A constructor call with arguments that are right, nearly right, or wrong."""
    name = rng.choice(CLASSES)
    sizes = ["1", "3", "8"] * 4 + ["0", "-1", "True", "2.0", "None", "'3'"]
    flags = ["True", "False"] * 4 + ["0", "1", "None", "'relu'", "0.0"]
    pools = {
        **dict.fromkeys(("input_size", "hidden_size", "num_layers"), sizes),
        **dict.fromkeys(("bias", "batch_first", "bidirectional"), flags),
        "nonlinearity": ["'tanh'", "'relu'"] * 4 + ["None", "'gelu'", "True", "1"],
        "dropout": ["0", "0.5", "1", "0."] * 3 + ["True", "'0.5'", "1.5", "-0.1", "None", "1e400"],
        "proj_size": ["0", "2"] * 3 + ["0.0", "False", "True", "8", "-1", "1.0", "None"],
        "hidden_dim": ["3"],
    }
    order = [*FIELDS]
    if name == "RNN":
        order.insert(3, "nonlinearity")
    if name.endswith("Cell"):
        order = ["input_size", "hidden_size", "bias", "nonlinearity"][: 4 if name == "RNNCell" else 3]
    count = rng.choice((0, 1, 2, 2, 2, 3, 4, 5, len(order)))
    positional = [rng.choice(pools[argument]) for argument in order[:count]]
    rest = [argument for argument in order[count:] if rng.random() < 0.4 or argument in ("input_size", "hidden_size")]
    if rng.random() < 0.1:
        rest.append(rng.choice(list(pools)))
    keywords = [f"{argument}={rng.choice(pools[argument])}" for argument in dict.fromkeys(rest)]
    return f"nn.{name}({', '.join(positional + keywords)})"


@says_as_2_13
def test_accepts_and_rejects_as_torch_does() -> None:
    """Of thousands of literal calls, exactly those are accepted from which PyTorch builds a module that can be called."""
    rng = random.Random(4)
    verdicts = {True: 0, False: 0}
    for _ in range(6000):
        code = random_call(rng)
        try:
            module = build(code)
        except (TypeError, ValueError, RuntimeError, OverflowError):
            module = None
        expected = module is not None and works(module)
        verdicts[expected] += 1
        try:
            config = parse_constructor(code).config()
        except ConstructorError as error:
            assert not expected, f"{code}: {error}"
        else:
            assert expected, code
            assert same(config, module), (code, config)
    assert min(verdicts.values()) > 1000


CASTS = [
    *(".half()", ".float()", ".double()", ".bfloat16()", ".eval()", '.to("cpu")'),
    *(f"{method}(torch.{dtype})" for method in (".to", ".type") for dtype in ("float16", "float64", "cfloat", "complex128")),
    *(".to(torch.int64)", ".type(torch.bool)", '.to("cpu", torch.float32)', ".to(dtype=torch.complex64)", ".to(float)"),
]


def test_casts_convert_as_in_torch() -> None:
    """Behind any chain of ``.half()``, ``.to(...)`` and their like the weights have PyTorch's dtype, or both refuse it."""
    rng = random.Random(5)
    dtypes = set()
    for _ in range(300):
        first = rng.choice(["", "", ", dtype=torch.complex64", ", dtype=torch.double"])
        code = f"nn.LSTM(3, 4{first})" + "".join(rng.choice(CASTS) for _ in range(rng.randint(0, 4)))
        try:
            expected = str(next(build(code.replace('"cpu"', '"meta"')).parameters()).dtype)
        except (TypeError, RuntimeError):
            expected = None
        try:
            found: str | None = f"torch.{parse_constructor(code).dtype or 'float32'}"
        except ConstructorError:
            found = None
        assert found == expected, code
        dtypes.add(found)
    assert len(dtypes) > 5


CONFIGS = st.builds(
    lambda cell, is_cell, sizes, layers, proj, relu, bias, first, dropout, both: RNNConfig(
        cell,
        *sizes,
        nonlinearity="relu" if relu and cell == "rnn" else None,
        bias=bias,
        is_cell=is_cell,
        **{}
        if is_cell
        else {
            "num_layers": layers,
            "batch_first": first,
            "dropout": dropout,
            "bidirectional": both,
            "proj_size": min(proj, sizes[1] - 1) if cell == "lstm" else 0,
        },
    ),
    st.sampled_from(["rnn", "lstm", "gru"]),
    st.booleans(),
    st.tuples(st.integers(1, 5000), st.integers(1, 5000)),
    st.integers(1, 5),
    st.integers(0, 300),
    st.booleans(),
    st.booleans(),
    st.booleans(),
    st.one_of(st.sampled_from([0.0, 0.5, 1.0, 1e-320]), st.floats(0, 1)),
    st.booleans(),
)


@given(CONFIGS)
@settings(max_examples=150, deadline=None)
def test_formatted_line_round_trips_and_is_torch_code(config: RNNConfig) -> None:
    """The line made for a configuration reads back as that configuration, and PyTorch builds that module from it."""
    line = format_constructor(config)
    assert parse_constructor(line).config() == config
    assert same(config, build(line))


@given(CONFIGS)
@settings(max_examples=60, deadline=None)
def test_reads_what_print_shows(config: RNNConfig) -> None:
    """The repr of a module is read as the module, except for what the repr of nn.RNN leaves out."""
    line = format_constructor(config)
    shown = f"  (rnn): {build(line)!r}\n"
    found = parse_constructor(shown).config()
    if config.cell == "rnn" and not config.is_cell:
        found = parse_constructor(shown).config(nonlinearity=config.nonlinearity)
    assert found == config


@pytest.mark.parametrize(
    "code",
    [
        "nn.LSTM(10, 20, 2)",
        "torch.nn.LSTM(10, 20, 2)",
        "LSTM(10,20,2)",
        "torch.nn.modules.rnn.LSTM(10, 20, 2)",
        "self.rnn = nn.LSTM(input_size = 10, hidden_size=20, num_layers=2)",
        "a = b = nn.LSTM(10, 20, 2)",
        "self.rnn: nn.LSTM = nn.LSTM(10, 20, 2)",
        "rnn: LSTM(10, 20, 2)",
        "(lstm): LSTM(10, 20, num_layers=2)",
        "  (0): LSTM(10, 20, num_layers=2)",
        "'rnn': nn.LSTM(10, 20, 2),",
        "rnn=nn.LSTM(10, 20, 2),",
        "(rnn := nn.LSTM(10, 20, 2))",
        "return nn.LSTM(10, 20, 2);",
        "        self.rnn = nn.LSTM(\n            10,  # features\n            20,\n        num_layers=2,\n        )  # done\n",
        "# the encoder\n    # of words\n    rnn = nn.LSTM(10, 20, 2)",
        ">>> rnn = nn.LSTM(10,\n...               20, 2)",
        "rnn = \\\n  nn.LSTM(10, 20, 2)",
        "\ufeffnn.LSTM(10,\xa020,\r\n 2)\r\n",
        "nn.LSTM(10, 20, 2).to(device)",
        "model = nn.LSTM(10, 20, 2).to('cuda', non_blocking=True).eval()",
        "nn.LSTM(10, 20, 2, device=device)",
        "nn.LSTM(10, 20, 2, device=self.device)",
        "nn.LSTM(0x0A, 2_0, 4 // 2)",
        "nn.LSTM(5 * 2, 2 ** 4 + 4, 5 % 3)",
        "nn.LSTM(10, 20 if 3 > 2 else -1, not False and 2)",
    ],
)
def test_reads_lines_as_people_paste_them(code: str) -> None:
    """Assignments, labels, prompts, comments, line breaks, trailing marks and method calls around it change nothing."""
    assert parse_constructor(code).config() == RNNConfig("lstm", 10, 20, num_layers=2)


def test_names_and_arithmetic_are_resolved() -> None:
    """Names, attributes and keys stand for the values of ``-D``, in full or by their last part, and can be computed with."""
    code = "nn.GRU(emb_dim, self.hidden // 2, config['n_layers'] + 1, dropout=(0 if args.layers == 1 else args.p))"
    names = {"emb_dim": 300, "self.hidden": 512, "n_layers": 2, "args.layers": 3, "p": 0.25}
    found = parse_constructor(code, names)
    assert found.config() == RNNConfig("gru", 300, 256, num_layers=3, dropout=0.25)
    assert found.names_used == set(names)
    names = dict([parse_definition("self.kernel_num[-1]=3"), parse_definition("k[0]=2")])
    assert parse_constructor("nn.GRU(10 * self.kernel_num[-1], k[0])", names).config() == RNNConfig("gru", 30, 2)
    assert parse_constructor("nn.RNN(3, 4, nonlinearity=act)", {"act": "relu"}).config().nonlinearity == "relu"


def test_missing_names_are_asked_for_by_name() -> None:
    """Every name that has no value is asked for at once, as the option to add."""
    with pytest.raises(ConstructorError) as caught:
        parse_constructor("nn.LSTM(10, hid_dim)")
    assert caught.value.message == "hid_dim has no value: add -D hid_dim=NUMBER"
    for code, advice in (("nn.LSTM(10, k[0])", '"k[0]=NUMBER"'), ("nn.RNN(3, 4, nonlinearity=act)", "act=tanh")):
        with pytest.raises(ConstructorError) as caught:
            parse_constructor(code)
        assert caught.value.message.endswith(f"has no value: add -D {advice}")
    with pytest.raises(ConstructorError) as caught:
        parse_constructor("nn.LSTM(emb * 2, cfg['h'], n, bidirectional=bi, dropout=0 if n == 1 else p)")
    for option in ("-D emb=NUMBER", "-D \"cfg['h']=NUMBER\"", "-D n=NUMBER", "-D bi=BOOL", "-D p=NUMBER"):
        assert option in caught.value.message


@pytest.mark.parametrize(
    ("code", "dtype", "device"),
    [
        ("nn.LSTM(1, 2)", None, None),
        ("nn.LSTM(1, 2, dtype=torch.float64)", "float64", None),
        ("nn.LSTM(1, 2, dtype=torch.half, device='cuda:1')", "float16", "cuda:1"),
        ("nn.GRUCell(1, 2, True, 'meta', torch.bfloat16)", "bfloat16", "meta"),
        ("nn.RNN(1, 2, 1, 'relu', True, False, 0.0, False, 0, 'cpu', torch.double)", "float64", "cpu"),
        ("nn.LSTM(1, 2, dtype=float)", "float64", None),
        ("nn.LSTM(1, 2, dtype=None, device=None)", None, None),
        ("nn.LSTM(1, 2, device=torch.device('cuda', 1))", None, "cuda:1"),
        ("nn.LSTM(1, 2, device='cuda' if torch.cuda.is_available() else 'cpu')", None, None),
        ("nn.LSTM(1, 2).half().cuda()", "float16", "cuda"),
        ("nn.LSTM(1, 2).half().to(torch.device('cpu'), torch.float64)", "float64", "cpu"),
    ],
)
def test_dtype_and_device_are_understood(code: str, dtype: str | None, device: str | None) -> None:
    """The dtype is what PyTorch's weights get, and the device is what the code says, if it says one."""
    found = parse_constructor(code)
    assert (found.dtype, found.device) == (dtype, device)
    if "cuda" not in code:
        assert next(eval(code, {"nn": nn, "torch": torch}).parameters()).dtype == getattr(torch, dtype or "float32")


def test_device_names_are_those_of_torch() -> None:
    """A device string is accepted exactly where PyTorch's own parser accepts it."""
    names = ["cpu", "cuda", "cuda:3", "mps", "meta", "xla", "gpu", "cpu:-1", "cuda:", "", "CUDA", "cuda:x", "npu", "hpu", "tpu"]
    for name in names:
        try:
            torch.device(name)
            expected = True
        except RuntimeError:
            expected = False
        try:
            accepted = parse_constructor(f"nn.LSTM(1, 2, device={name!r})").device == name
        except ConstructorError:
            accepted = False
        assert accepted == expected, name


def test_dtypes_are_those_that_torch_can_run() -> None:
    """Of all dtypes of torch, those are accepted in which PyTorch builds an LSTM and runs it."""
    for name in sorted(vars(torch)):
        if not isinstance(getattr(torch, name), torch.dtype):
            continue
        dtype = getattr(torch, name)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                module = nn.LSTM(2, 3, dtype=dtype)
                module(torch.zeros(1, 2, dtype=dtype))
            expected: str | None = str(next(module.parameters()).dtype).removeprefix("torch.")
        except (RuntimeError, NotImplementedError):
            expected = None
        try:
            found = parse_constructor(f"nn.LSTM(2, 3, dtype=torch.{name})").dtype
        except ConstructorError:
            found = None
        assert found == expected, name


def test_overrides_win() -> None:
    """An override replaces what the code says, and is itself what an error is about."""
    code = parse_constructor("nn.LSTM(10, 20, proj_size=30)")
    assert code.config(hidden_size=40) == RNNConfig("lstm", 10, 40, proj_size=30)
    assert parse_constructor("nn.LSTM(10, 20)").config(cell="gru") == RNNConfig("gru", 10, 20)
    with pytest.raises(ConstructorError, match="proj_size has to be smaller"):
        code.config()
    with pytest.raises(RnndimsError) as caught:
        code.config(proj_size=50)
    assert not isinstance(caught.value, ConstructorError)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("hid_dim=512", ("hid_dim", 512)),
        (" hid = 2 * 256 ", ("hid", 512)),
        ("args.hidden_size=1_000", ("args.hidden_size", 1000)),
        ('config["h"]=3', ("config['h']", 3)),
        ("p=.5", ("p", 0.5)),
        ("p=-1e-3", ("p", -0.001)),
        ("bi=true", ("bi", True)),
        ("act=relu", ("act", "relu")),
        ("act='relu'", ("act", "relu")),
        ("dtype=torch.float16", ("dtype", "torch.float16")),
        ("device=cuda:0", ("device", "cuda:0")),
        ("模=3", ("模", 3)),
    ],
)
def test_definitions_are_read(text: str, expected: tuple[str, Any]) -> None:
    """NAME=VALUE gives the name and a number, a truth value or a word, of exactly that type."""
    found = parse_definition(text)
    assert found == expected
    assert type(found[1]) is type(expected[1])


@pytest.mark.parametrize(
    "text",
    [
        "",
        "hid",
        "=3",
        "hid=",
        "3=3",
        "a b=3",
        "f()=3",
        "a=f()",
        "a=b c",
        "a=3 apples",
        "a=\u0663",
        "a=None",
        "a=[1]",
        "a=9**999",
    ],
)
def test_wrong_definitions_are_refused(text: str) -> None:
    """What is not NAME=VALUE gets a message."""
    with pytest.raises(ConstructorError):
        parse_definition(text)
