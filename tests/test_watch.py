"""``rnndims.watch``: the calls and silent mistakes of one model, for a test, and nothing else is changed or seen."""

import copy
import json
import os
import subprocess
import sys
import threading
import traceback
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest
import torch
from test_summary import ALLOWED, Tags
from torch import nn

import rnndims
from rnndims.live import watched_calls

pytestmark = pytest.mark.usefixtures("nothing_is_compiled")

X = torch.arange(8 * 12 * 10).reshape(8, 12, 10).sin()


@pytest.fixture(autouse=True)
def nothing_is_left() -> Iterator[None]:
    """After every test here the classes are as they were, and no mode is on."""
    classes = (nn.RNNBase, nn.RNNCellBase, nn.TransformerEncoder, nn.TransformerEncoderLayer, nn.MultiheadAttention)
    assert not [each for each in classes if "__call__" in vars(each)]
    yield
    assert not [each for each in classes if "__call__" in vars(each)]
    assert torch.overrides._get_current_function_mode_stack() == []
    assert (watched_calls._listeners, watched_calls._replaced) == ((), {})


class Right(nn.Module):
    """Both directions at their last step."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(10, 10))
        self.encoder.add_module("rnn", nn.GRU(10, 20, batch_first=True, bidirectional=True))
        self.fc = nn.Linear(40, 3)

    def use(self, output: Any, hidden: Any) -> Any:
        """What is read."""
        return torch.cat([hidden[-2], hidden[-1]], dim=-1)

    def forward(self, x: Any) -> Any:  # noqa: D102
        output, hidden = self.encoder(x)
        return self.fc(self.use(output, hidden))


class Wrong(Right):
    """The reverse direction at its first step."""

    def use(self, output: Any, hidden: Any) -> Any:
        """What is read."""
        return output[:, -1]


def kinds(seen: rnndims.Watch) -> list[str]:
    """The kinds of all warnings."""
    return [warning.kind for warning in seen.warnings]


def names(seen: rnndims.Watch) -> list[tuple[str, int]]:
    """Name and number of all calls."""
    return [(call.name, call.times) for call in seen.calls]


REVERSE = ["reverse_half_of_last_step"]


def test_a_model_that_is_right_causes_no_word():
    """The calls are there under the names of the model, with real shapes, and there is no warning."""
    net = Right()
    with rnndims.watch(net) as seen:
        net(X)
        assert names(seen) == [("encoder.rnn", 1)]
        net(X)
    (call,) = seen.calls
    assert (call.name, call.times, call.input, call.output, call.h_n) == (
        "encoder.rnn",
        2,
        (8, 12, 10),
        (8, 12, 40),
        (2, 8, 20),
    )
    assert (seen.warnings, seen.not_watched) == ((), ())
    assert repr(seen) == "<rnndims.watch of Right: 2 calls, 0 warnings>"


def test_a_mistake_is_said_with_its_line():
    """The warning has the user's line, and text and HTML show it."""
    net = Wrong()
    with rnndims.watch(net) as seen:
        net(X)
    assert [(warning.kind, warning.code, warning.name) for warning in seen.warnings] == [
        (*REVERSE, "output[:, -1]" if sys.version_info >= (3, 11) else "return output[:, -1]", "encoder.rnn")
    ]
    text = str(seen)
    assert text.startswith("rnndims: the RNNs of Wrong\nmodule       at")
    assert "fix: torch.cat([hidden[-2], hidden[-1]], dim=-1)" in text
    assert max(map(len, text.splitlines())) <= 80
    assert repr(seen) == "<rnndims.watch of Wrong: 1 call, 1 warning>"
    page = Tags(seen._repr_html_())
    assert page.tags <= ALLOWED
    assert "encoder.rnn" in page.text
    assert "fix: torch.cat([hidden[-2], hidden[-1]], dim=-1)" in page.text


def test_names_are_text_in_html():
    """A name that looks like HTML is shown as it is."""
    net = nn.Sequential()
    net.add_module("<b>&amp;</b>", nn.GRU(3, 4))
    with rnndims.watch(net) as seen:
        net(torch.zeros(2, 3))
    page = Tags(seen._repr_html_())
    assert page.tags <= ALLOWED
    assert "<b>&amp;</b>" in page.text
    with rnndims.watch(nn.Linear(1, 1)) as none:
        pass
    assert "No RNN of Linear was called." in Tags(none._repr_html_()).text
    assert str(none) == "rnndims: no RNN was called"


def test_other_rnns_are_not_in_it():
    """A module of another model, a copy of the model, and a call before and after the block do not count."""
    net, other, bare = Wrong(), Wrong(), nn.GRU(10, 20)
    net(X)
    with rnndims.watch(net) as seen:
        other(X)
        bare(X)
        copy.deepcopy(net)(X)
        copy.copy(net.encoder.rnn)(X)
    net(X)
    assert (seen.calls, seen.warnings, seen.not_watched) == ((), (), ())


def test_names_of_a_bare_module_and_of_one_that_is_added():
    """A model that is an RNN itself has no name, and the table its class; a module counts from when it is a part."""
    lstm = nn.LSTM(10, 20)
    with rnndims.watch(lstm) as seen:
        lstm(X)
    assert names(seen) == [("", 1)]
    assert "\nLSTM    " in str(seen)
    net = nn.Module()
    with rnndims.watch(net) as seen:
        lstm(X)
        net.late = lstm
        lstm(X)
    assert names(seen) == [("late", 1)]


@pytest.mark.parametrize("kind", ["Right", "Wrong"])
def test_numbers_are_the_same_bits(kind):
    """Weights, gradients, results and random state after training a watched model are bit for bit those without."""

    def train(*, watched: bool) -> list[torch.Tensor]:
        torch.manual_seed(0)
        net = nn.Sequential({"Right": Right, "Wrong": Wrong}[kind](), nn.Dropout(0.5), nn.Linear(3, 2))
        results = []
        with ExitStack() as stack:
            if watched:
                stack.enter_context(rnndims.watch(net))
            for _ in range(5):
                loss = nn.functional.cross_entropy(net(X), torch.arange(8) % 2)
                net.zero_grad()
                loss.backward()
                with torch.no_grad():
                    for parameter in net.parameters():
                        if parameter.grad is not None:
                            parameter.sub_(parameter.grad)
                results.append(loss.detach())
        gradients = [parameter.grad for parameter in net.parameters() if parameter.grad is not None]
        return [*results, *net.parameters(), *gradients, torch.get_rng_state()]

    assert all(map(torch.equal, train(watched=True), train(watched=False)))


@pytest.mark.parametrize("context", [torch.no_grad, torch.inference_mode, lambda: torch.device("cpu")])
@pytest.mark.parametrize("inside", [False, True])
def test_modes_of_pytorch(context, inside):
    """Without gradients, in inference and with a device for new tensors, outside of the block or in it, all is seen."""
    net = Wrong()
    with ExitStack() as stack:
        if not inside:
            stack.enter_context(context())
        seen = stack.enter_context(rnndims.watch(net))
        if inside:
            stack.enter_context(context())
        net(X)
    assert (names(seen), kinds(seen), seen.not_watched) == ([("encoder.rnn", 1)], REVERSE, ())


def test_a_model_on_meta():
    """A model without numbers is followed like any other."""
    net = Wrong().to("meta")
    with rnndims.watch(net) as seen:
        net(X.to("meta"))
    assert (seen.calls[0].device, kinds(seen)) == ("meta", REVERSE)


def test_a_mode_of_the_users_is_said():
    """Under another function mode calls are seen, results are not followed, and that is said."""

    class Mode(torch.overrides.TorchFunctionMode):
        def __torch_function__(self, function, types, args=(), kwargs=None):
            return function(*args, **(kwargs or {}))

    net = Wrong()
    with Mode(), rnndims.watch(net) as seen:
        net(X)
    assert (names(seen), seen.warnings) == ([("encoder.rnn", 1)], ())
    assert [sentence.partition(",")[0] for sentence in seen.not_watched] == ["Results were not followed"]


def test_blocks_one_inside_the_other():
    """Each block sees its own model, whichever is inside, and the same model is seen by both."""
    net, other = Wrong(), Wrong()
    with rnndims.watch(net) as outer, rnndims.watch(other) as inner, rnndims.watch(net) as again:
        for model in (net, other, net):
            model(X)
    assert [(names(seen), kinds(seen)) for seen in (outer, inner, again)] == [
        ([("encoder.rnn", 2)], REVERSE),
        ([("encoder.rnn", 1)], REVERSE),
        ([("encoder.rnn", 2)], REVERSE),
    ]


def test_blocks_that_end_in_another_order():
    """A block that began first may end first: the other goes on, and the classes are as they were in the end."""
    first, second = Wrong(), Wrong()
    one, two = rnndims.watch(first), rnndims.watch(second)
    one.__enter__()
    two.__enter__()
    first(X)
    one.__exit__(None, None, None)
    first(X)
    second(X)
    two.__exit__(None, None, None)
    assert (names(one), names(two)) == ([("encoder.rnn", 1)], [("encoder.rnn", 1)])
    assert (kinds(one), kinds(two)) == (REVERSE, REVERSE)


def test_one_block_twice():
    """The same watch may be entered again, inside itself too, and goes on with what it has."""
    net = Wrong()
    seen = rnndims.watch(net)
    assert (seen.calls, seen.warnings, seen.not_watched) == ((), (), ())
    for _ in range(2):
        with seen, seen as same:
            net(X)
        assert same is seen
    assert (names(seen), kinds(seen)) == ([("encoder.rnn", 2)], REVERSE)


def test_a_wrapper_of_somebody_elses_stays():
    """A ``__call__`` that others have put on the class before or during the block is called, and is there afterwards."""
    calls, lstm = [], nn.LSTM(10, 20)

    def wrapper(inner):
        def __call__(self, *args, **kwargs):  # noqa: N807
            calls.append(inner)
            return inner(self, *args, **kwargs)

        return __call__

    nn.RNNBase.__call__ = before = wrapper(nn.Module.__call__)
    try:
        with rnndims.watch(lstm) as seen:
            lstm(X)
        assert (vars(nn.RNNBase)["__call__"], len(calls)) == (before, 1)
        with rnndims.watch(lstm) as seen:
            nn.RNNBase.__call__ = during = wrapper(nn.RNNBase.__call__)
            lstm(X)
        assert (vars(nn.RNNBase)["__call__"], names(seen)) == (during, [("", 1)])
        lstm(X)
        assert names(seen) == [("", 1)]
        with rnndims.watch(lstm) as later:
            lstm(X)
        assert names(later) == [("", 1)]
        nn.RNNBase.__call__ = watched_calls._replaced[nn.RNNBase, "__call__"][0]
        with rnndims.watch(lstm):
            pass
        assert vars(nn.RNNBase)["__call__"] is before
    finally:
        del nn.RNNBase.__call__


class Failing(Right):
    """A model that fails behind its RNN."""

    def use(self, output: Any, hidden: Any) -> Any:
        """What is read."""
        raise KeyError("the model's own")


def test_an_exception_passes_on():
    """An exception in the block is the same object with the frames of the user's code, and what was seen stays."""
    net, error = Failing(), ValueError("the test's own")
    with pytest.raises(ValueError, match="the test's own") as caught, rnndims.watch(net) as seen:
        raise error
    assert caught.value is error
    with pytest.raises(KeyError, match="the model's own") as raised, rnndims.watch(net) as seen:
        net(X)
    files = [frame.filename for frame in traceback.extract_tb(raised.value.__traceback__)]
    assert files[0] == files[-1] == __file__
    assert names(seen) == [("encoder.rnn", 1)]
    with pytest.raises(RuntimeError, match="Expected 10, got 7") as refused, rnndims.watch(net) as seen:
        net.encoder.rnn(X[:, :, :7])
    assert not [frame for frame in traceback.extract_tb(refused.value.__traceback__) if "rnndims/live" in frame.filename]
    assert seen.calls == ()


def in_thread(function: Any, *args: Any) -> None:
    """Call a function in another thread, to its end."""
    thread = threading.Thread(target=function, args=args)
    thread.start()
    thread.join()


def test_another_thread_is_said():
    """Calls of the model in another thread are not in it, and that is said; those of other models are not worth a word."""
    net, other = Wrong(), Wrong()
    with rnndims.watch(net) as seen:
        in_thread(other, X)
        assert seen.not_watched == ()
        in_thread(net, X)
        net(X)
    assert names(seen) == [("encoder.rnn", 1)]
    assert seen.not_watched == ("Calls of encoder.rnn in another thread are not in it.",)


def test_two_threads_with_a_block_each():
    """Blocks in several threads at a time see each its own model."""
    found, barrier = {}, threading.Barrier(4)

    def work(name: int) -> None:
        net = Wrong()
        barrier.wait()
        for _ in range(20):
            with rnndims.watch(net) as seen:
                net(X)
            found.setdefault(name, []).append((names(seen), kinds(seen), seen.not_watched))

    threads = [threading.Thread(target=work, args=(name,)) for name in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == {name: [([("encoder.rnn", 1)], REVERSE, ())] * 20 for name in range(4)}


def test_copies_for_several_devices_count():
    """Copies as ``nn.DataParallel`` makes them count under the name of their original, in their own threads too."""

    def replica(module: nn.Module) -> Any:
        copied: Any = module._replicate_for_data_parallel()
        for name, child in module.named_children():
            copied._modules[name] = replica(child)
        for name, parameter in module._parameters.items():
            setattr(copied, name, parameter)
        return copied

    net = Wrong()
    with rnndims.watch(net) as seen:
        replica(net)(X)
        in_thread(replica(net), X)
    assert [(call.name, call.times) for call in seen.calls] == [("encoder.rnn", 1), ("encoder.rnn", 1)]
    assert (kinds(seen), seen.not_watched) == (REVERSE, ())
    wrapped = nn.DataParallel(net)
    with rnndims.watch(wrapped) as seen:
        wrapped(X)
    assert names(seen) == [("module.encoder.rnn", 1)]


@pytest.mark.filterwarnings("ignore")
def test_torchscript_and_quantised_modules_are_said():
    """Modules whose calls cannot be seen are named, each once, and run as before."""
    scripted = torch.jit.script(nn.Sequential(nn.LSTM(10, 20)))
    with rnndims.watch(scripted) as seen:
        scripted(X)
        scripted(X)
    assert (seen.calls, seen.not_watched) == ((), ("Calls of 0 are not seen: TorchScript runs it.",))
    if "fbgemm" in torch.backends.quantized.supported_engines:
        quantised = torch.ao.quantization.quantize_dynamic(nn.Sequential(nn.LSTM(10, 20)), {nn.LSTM})
        with rnndims.watch(quantised) as seen:
            quantised(X)
        (sentence,) = seen.not_watched
        assert sentence.startswith("Calls of 0 are not seen: it is a torch.ao.nn.quantized.dynamic.modules.LSTM.")


COMPILED = """
import sys
import torch, rnndims
from torch import nn

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.rnn = nn.GRU(3, 4, batch_first=True, bidirectional=True)
        self.fc = nn.Linear(8, 2)
    def forward(self, x):
        output, _ = self.rnn(x)
        return self.fc(output[:, -1])

net, x = Net(), torch.ones(2, 5, 3)
plain = net(x)
compiled = torch.compile(net, backend="eager")
with rnndims.watch(compiled) as seen:
    assert torch.equal(compiled(x), plain)
print([(call.name, call.times) for call in seen.calls], len(seen.warnings), seen.model)
print([sentence.partition(",")[0] for sentence in seen.not_watched])
print(rnndims.summary(compiled, x).recurrent[0].name)
torch.compiler.reset()
with rnndims.watch(net) as seen:
    net(x)
print(len(seen.warnings), seen.not_watched)
torch._dynamo.config.allow_rnn = True
with rnndims.watch(compiled) as seen:
    compiled(x)
print(seen.calls, seen.not_watched)
"""


def test_a_compiled_model():
    """Calls of a compiled model are seen under its own names; that results are not followed is said, and can be undone."""
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", COMPILED], capture_output=True, text=True, check=False)
    assert done.stdout.splitlines() == [
        "[('rnn', 1)] 0 Net",
        "['Results were not followed']",
        "rnn",
        "1 ()",
        "() ('Calls of compiled RNNs are not seen: torch._dynamo.config.allow_rnn is on.',)",
    ], done.stderr


TRACED = """
import torch, rnndims
from torch import nn
rnn, other = nn.GRU(3, 4, batch_first=True, bidirectional=True), nn.GRU(3, 4)
fc = nn.Linear(8, 2)
x = torch.ones(2, 5, 3)
with rnndims.watch(rnn) as seen:
    output, _ = rnn(x)
    other(x)
    fc(output[:, -1])
rnn(x)
print(len(seen.calls), seen.warnings[0].kind)
"""


def test_a_subclass_is_followed_only_if_it_returns_what_pytorch_does():
    """The results of a subclass with a forward of its own may be anything: there is no warning of them, and that is said."""

    class First(nn.GRU):
        def forward(self, x):
            output, hidden = super().forward(x)
            return output.flip(1), hidden

    net = Wrong()
    net.encoder.rnn = First(10, 20, batch_first=True, bidirectional=True)
    with rnndims.watch(net) as seen:
        net(X)
    assert (names(seen), seen.warnings) == ([("encoder.rnn", 1)], ())
    assert [sentence.partition(":")[0] for sentence in seen.not_watched] == ["First has a forward of its own"]
    net.encoder.rnn = type("Named", (nn.GRU,), {})(10, 20, batch_first=True, bidirectional=True)
    with rnndims.watch(net) as seen:
        net(X)
    assert (kinds(seen), seen.not_watched) == (REVERSE, ())


def test_in_a_program_that_is_traced(tmp_path):
    """``rnndims trace`` sees all calls and mistakes of a program that watches a model itself."""
    (tmp_path / "program.py").write_text(TRACED, encoding="utf-8")
    command = [sys.executable, "-m", "rnndims", "trace", "--report", "seen.json", "program.py"]
    done = subprocess.run(command, cwd=tmp_path, env=os.environ, capture_output=True, text=True, check=False)
    assert done.stdout == "1 reverse_half_of_last_step\n", done.stderr
    report = json.loads((tmp_path / "seen.json").read_text(encoding="utf-8"))
    assert [(call["name"], call["at"]) for call in report["calls"]] == [
        ("rnn", "program.py:8"),
        ("other", "program.py:9"),
        ("rnn", "program.py:11"),
    ]
    assert [(warning["kind"], warning["at"]) for warning in report["warnings"]] == [(*REVERSE, "program.py:10")]


IN_PYTEST = """
import pytest, torch, rnndims
from torch import nn

@pytest.fixture
def seen():
    rnn = nn.GRU(3, 4)
    with rnndims.watch(rnn) as seen:
        seen.rnn = rnn
        yield seen

def test_right(seen):
    seen.rnn(torch.zeros(2, 3))
    assert len(seen.calls) == 1 and not seen.warnings

def test_fails(seen):
    seen.rnn(torch.zeros(2, 7))
"""


def test_in_a_fixture(tmp_path):
    """A fixture may hold the block open over a test, also over one that fails."""
    (tmp_path / "test_it.py").write_text(IN_PYTEST, encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:randomly", "test_it.py"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert "1 failed, 1 passed" in done.stdout
    assert "Expected 3, got 7" in done.stdout


def test_what_is_no_model_is_refused():
    """Anything but a module is a TypeError, whether torch is loaded or not."""
    with pytest.raises(TypeError, match=r"expected a model, an instance of torch\.nn\.Module, got int"):
        rnndims.watch(3)
    code = "import rnndims, sys\ntry: rnndims.watch(3)\nexcept TypeError as error: print(error, 'torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "expected a model, an instance of torch.nn.Module, got int False\n"
