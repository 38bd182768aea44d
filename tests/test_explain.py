"""``rnndims.explain``: exceptions carry their explanation, and nothing else about a program changes."""

import asyncio
import inspect
import io
import logging
import os
import subprocess
import sys
import textwrap
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import torch
from live_programs import CRASHES
from torch import nn

import rnndims
from rnndims.crashes.crash import explain_crash
from rnndims.crashes.exception_chain import explain_chain
from rnndims.hooks import explain as hooks
from rnndims.render.trace_view import explanation

HAS_NOTES = sys.version_info >= (3, 11)

NOTE = """\
rnndims: {place}: rnn(torch.zeros(5, 2, 8))
✗ input dim 2   expected (5, 2, 3)   got (5, 2, 8)   input_feature_mismatch
  The last dim of input is 8, and input_size is 3.
  torch: "input.size(-1) must be equal to input_size. Expected 3, got 8"
  fix: rnn = nn.GRU(8, 4)
  Or give x 3 features."""

rnn = nn.GRU(3, 4)


def fail() -> Any:
    """Call the module with a wrong input."""
    return rnn(torch.zeros(5, 2, 8))


LINE = inspect.getsourcelines(fail)[1] + 2


def notes(error: BaseException) -> list[str]:
    """The notes of an exception, if it has any."""
    return getattr(error, "__notes__", [])


def raised(function: Callable[[], object]) -> Exception:
    """What the function raises."""
    with pytest.raises(Exception) as caught:
        function()
    return caught.value


def names(error: BaseException) -> list[str]:
    """The functions in the traceback of an exception, without those of torch and of this file's helpers."""
    frames = traceback.extract_tb(error.__traceback__)
    return [frame.name for frame in frames if "torch" not in frame.filename and frame.name != "raised"]


@pytest.fixture(autouse=True)
def nothing_is_left() -> Iterator[None]:
    """After each test the functions of Python are there that were there before it."""
    before = sys.excepthook, threading.excepthook, logging.getLogRecordFactory()
    yield
    assert (sys.excepthook, threading.excepthook, logging.getLogRecordFactory()) == before


def test_an_exception_that_leaves_a_block_has_a_note():
    """The note has the place, the shapes, PyTorch's words and the fix, as trace says them."""

    def block() -> None:
        with rnndims.explain():
            fail()

    error = raised(block)
    assert notes(error) == [NOTE.format(place=f"{os.path.relpath(__file__)}:{LINE}")]
    assert names(error) == ["block", "fail"]


@pytest.mark.parametrize("kind", CRASHES)
def test_the_note_is_what_is_known_without_a_recorder(kind, tmp_path):
    """Of every program that crashes, the note is the explanation by the frames of its traceback; or there is none."""
    path = tmp_path / "program.py"
    path.write_text(CRASHES[kind][0], encoding="utf-8")

    def program() -> None:
        with rnndims.explain():
            exec(compile(CRASHES[kind][0], str(path), "exec"), {"__name__": "__main__"})

    error = raised(program)
    found = explain_crash(error)
    assert notes(error) == ([] if found is None else [explanation(found)])


@pytest.mark.parametrize("function", [lambda: 1 / 0, lambda: nn.Linear(3, 4)(torch.zeros(2, 5))])
def test_an_exception_elsewhere_has_no_note(function):
    """What no RNN has to do with is left alone."""
    assert notes(raised(rnndims.explain(function))) == []


def test_an_exception_is_explained_once():
    """Blocks inside blocks and decorated functions add one note."""

    @rnndims.explain
    def inner() -> None:
        with rnndims.explain(), rnndims.explain():
            fail()

    explained = rnndims.explain()(inner)
    assert len(notes(raised(lambda: raised(explained) and explained()))) == 1


def function_kinds() -> dict[str, tuple[Callable[..., Any], Callable[[Any], Any]]]:
    """Functions of each kind that return what they are given and then fail, and how each is called."""

    def plain(x: int) -> Any:
        return x or fail()

    async def coroutine(x: int) -> Any:
        await asyncio.sleep(0)
        return x or fail()

    def generator(x: int) -> Any:
        got = yield x
        try:
            yield got
        except ValueError:
            yield x or fail()

    async def async_generator(x: int) -> Any:
        got = yield x
        try:
            yield got
        except ValueError:
            yield x or fail()

    def drive(function: Any) -> Any:
        def run(x: int) -> list[Any]:
            made = function(x)
            return [next(made), made.send("sent"), made.throw(ValueError()), *made]

        return run

    def drive_async(function: Any) -> Any:
        async def run(x: int) -> list[Any]:
            made = function(x)
            some = [await made.__anext__(), await made.asend("sent"), await made.athrow(ValueError())]
            return some + [item async for item in made]

        return lambda x: asyncio.run(run(x))

    return {
        "function": (plain, lambda function: function),
        "coroutine": (coroutine, lambda function: lambda x: asyncio.run(function(x))),
        "generator": (generator, drive),
        "asynchronous generator": (async_generator, drive_async),
    }


@pytest.mark.parametrize("kind", function_kinds())
@pytest.mark.parametrize("called", [True, False])
def test_what_leaves_a_decorated_function_has_a_note(kind, called):
    """A decorated function stays what it is, and its exceptions have a note and no frame of the decorator."""
    function, run = function_kinds()[kind]
    decorated = rnndims.explain()(function) if called else rnndims.explain(function)
    for same in (inspect.iscoroutinefunction, inspect.isgeneratorfunction, inspect.isasyncgenfunction, inspect.signature):
        assert same(decorated) == same(function)
    assert (decorated.__name__, decorated.__doc__) == (function.__name__, function.__doc__)
    assert run(decorated)(1) == run(function)(1)
    error, plain = raised(lambda: run(decorated)(0)), raised(lambda: run(function)(0))
    assert len(notes(error)) == 1
    if HAS_NOTES:
        assert names(error) == names(plain)


def test_static_methods_and_class_methods_are_decorated():
    """The decorator may stand above ``@staticmethod`` and ``@classmethod`` too."""

    class Model:
        @rnndims.explain
        @staticmethod
        def static(x: int) -> Any:
            return x or fail()

        @rnndims.explain()
        @classmethod
        def of_class(cls, x: int) -> Any:
            return x or fail()

    for method in (Model().static, Model().of_class):
        assert method(1) == 1
        assert len(notes(raised(lambda method=method: method(0)))) == 1


def test_a_decorated_generator_can_be_closed():
    """Closing a decorated generator, also an asynchronous one, runs the clean-up of the function."""
    seen = []

    @rnndims.explain
    def generator() -> Iterator[int]:
        try:
            yield 1
        finally:
            seen.append("closed")

    @rnndims.explain
    async def async_generator() -> Any:
        try:
            yield 1
        finally:
            seen.append("closed")

    async def run() -> None:
        made = async_generator()
        await made.__anext__()
        await made.aclose()

    made = generator()
    next(made)
    made.close()
    asyncio.run(run())
    assert seen == ["closed", "closed"]


@pytest.mark.parametrize("wrong", [nn.GRU, rnn, 3, "model"])
def test_only_functions_are_decorated(wrong):
    """A class, a module or anything else is refused with the way out."""
    with pytest.raises(TypeError, match=r"explain\(\) decorates a function, and .* is none"):
        rnndims.explain(wrong)


def cause() -> None:
    """Raise another exception from the one of the module."""
    try:
        fail()
    except RuntimeError as error:
        raise ValueError("the model fails") from error


def context() -> None:
    """Fail while the exception of the module is handled."""
    try:
        fail()
    except RuntimeError:
        raise ValueError("the clean-up fails")  # noqa: B904


def hidden() -> None:
    """Raise another exception instead of the one of the module."""
    try:
        fail()
    except RuntimeError:
        raise ValueError("the model fails") from None


def group() -> None:
    """Raise a group of the three."""
    raise ExceptionGroup("all", [raised(function) for function in (cause, context, hidden, fail)])  # noqa: F821


@pytest.mark.parametrize("function", [cause, context, hidden, *([group] if HAS_NOTES else [])])
def test_the_exceptions_that_led_to_one_are_explained(function):
    """In a chain or a group each exception has its note where the traceback shows it, once."""
    with pytest.raises(Exception) as caught, rnndims.explain(), rnndims.explain():
        function()
    assert notes(caught.value) == [] or function is hidden
    if HAS_NOTES:
        shown = "".join(traceback.format_exception(caught.value))
        assert shown.count("fix: rnn = nn.GRU(8, 4)") == (4 if function is group else 1)


def test_a_chain_without_end_is_explained():
    """Exceptions that are each other's cause are looked at once, and of thousands the last hundred."""
    first, second = raised(fail), ValueError("second")
    first.__cause__, second.__cause__ = second, first
    hooks.add_note(second)
    assert (len(notes(first)), len(notes(second))) == (1, 0)
    far = near = raised(fail)
    for number in range(5000):
        later = ValueError(number)
        later.__cause__, near = near, later
    hooks.add_note(near)
    assert notes(far) == []


class StrangeError(RuntimeError):
    """An exception whose notes cannot be read."""

    @property
    def __notes__(self) -> list[str]:
        raise OSError("no notes here")


def test_nothing_that_fails_in_the_explanation_reaches_the_program(monkeypatch):
    """An exception passes on as it is if its notes cannot be read or written, or if the explanation fails."""

    def strange() -> None:
        try:
            fail()
        except RuntimeError:
            raise StrangeError("strange") from None

    def no_list() -> None:
        try:
            fail()
        except RuntimeError as error:
            error.__notes__ = "a text"
            raise

    assert str(raised(rnndims.explain(strange))) == "strange"
    assert "input.size(-1)" in str(raised(rnndims.explain(no_list)))
    monkeypatch.setattr("rnndims.crashes.exception_chain.explain_crash", lambda *_: 1 / 0)
    assert notes(raised(rnndims.explain(fail))) == []


@pytest.mark.parametrize("kind", [KeyboardInterrupt, SystemExit, GeneratorExit])
def test_what_ends_a_program_is_not_explained(kind):
    """Ctrl-C and the like have no note, also after an exception of a module."""

    @rnndims.explain
    def stop() -> None:
        try:
            fail()
        except RuntimeError:
            raise kind  # noqa: B904

    with pytest.raises(kind) as caught:
        stop()
    assert notes(caught.value) == []
    assert notes(caught.value.__context__) == []


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    """What a logger of its own writes."""
    text = io.StringIO()
    handler = logging.StreamHandler(text)
    logging.getLogger("test_explain").addHandler(handler)
    yield text
    logging.getLogger("test_explain").removeHandler(handler)


def log_failure() -> None:
    """Log the exception of the module."""
    try:
        fail()
    except RuntimeError:
        logging.getLogger("test_explain").exception("failed")


@pytest.mark.skipif(not HAS_NOTES, reason="Python 3.10 shows no notes")
def test_what_is_logged_in_a_block_has_a_note(log, monkeypatch):
    """logging.exception writes the explanation in a block, and not outside it; the program's own log records are used."""

    class Record(logging.LogRecord):
        def getMessage(self) -> str:  # noqa: N802
            return f"own {super().getMessage()}"

    before = logging.getLogRecordFactory()
    logging.setLogRecordFactory(Record)
    try:
        with rnndims.explain():
            log_failure()
            logging.getLogger("test_explain").error("no exception %d", 1)
            logging.getLogger("test_explain").error("none at hand", exc_info=True)
        assert log.getvalue().startswith("own failed\n")
        assert log.getvalue().count("fix: rnn = nn.GRU(8, 4)") == 1
        log_failure()
        assert log.getvalue().count("fix: rnn = nn.GRU(8, 4)") == 1
    finally:
        logging.setLogRecordFactory(before)


def test_a_thread_that_fails_is_explained(monkeypatch):
    """The exception that ends a thread has its note when the hook that the program has for that gets it."""
    seen = []
    monkeypatch.setattr(threading, "excepthook", lambda args: seen.append(len(notes(args.exc_value))))
    with rnndims.explain():
        run_in_thread(fail)
    run_in_thread(fail)
    assert seen == [1 if HAS_NOTES else 0, 0]


def run_in_thread(function: Callable[[], object]) -> None:
    """Run the function in a thread of its own."""
    thread = threading.Thread(target=function)
    thread.start()
    thread.join()


def test_a_hook_that_the_program_puts_over_ours_stays(monkeypatch):
    """A hook is called before and after a block; one that is set inside it stays, and calls what was there before."""
    seen = []
    monkeypatch.setattr(sys, "excepthook", lambda kind, error, _: seen.append(("before", len(notes(error)))))

    def show() -> None:
        error = raised(fail)
        sys.excepthook(type(error), error, error.__traceback__)

    with rnndims.explain():
        show()
        ours = sys.excepthook
        monkeypatch.setattr(sys, "excepthook", lambda *args: (seen.append(("over", len(notes(args[1])))), ours(*args)))
        show()
    show()
    noted = 1 if HAS_NOTES else 0
    assert seen == [("before", noted), ("over", 0), ("before", noted), ("over", 0), ("before", 0)]


def test_a_hook_that_fails_is_shown_as_python_shows_it(monkeypatch):
    """What a hook of the program's raises has no frame of ours in its traceback."""

    def failing(*_: object) -> None:
        raise OSError("in the hook")

    def show() -> None:
        error = raised(fail)
        sys.excepthook(type(error), error, error.__traceback__)

    monkeypatch.setattr(sys, "excepthook", failing)
    with rnndims.explain():
        error = raised(show)
    assert str(error) == "in the hook"
    assert names(error) == (["show", "failing"] if HAS_NOTES else ["show", "hook", "_print_below", "failing"])


def test_one_thread_explains_at_a_time(monkeypatch):
    """Threads that fail together are explained one after the other: Python's own parser is not safe in two threads."""
    running: list[int] = []
    most: list[int] = []

    def slow(*_: object) -> None:
        running.append(1)
        most.append(len(running))
        time.sleep(0.01)
        running.pop()

    monkeypatch.setattr("rnndims.crashes.exception_chain.explain_crash", slow)
    threads = [threading.Thread(target=lambda: list(explain_chain(ValueError()))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == [1] * 4


def test_blocks_in_many_threads_leave_nothing_behind():
    """Blocks that begin and end at the same time leave Python's own hooks where they were, and each has its note."""
    before, seen = sys.excepthook, []

    def work() -> None:
        for _ in range(20):
            try:
                with rnndims.explain():
                    fail()
            except RuntimeError as error:
                seen.append(len(notes(error)))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen == [1] * 80
    assert sys.excepthook is before


@pytest.mark.parametrize(
    ("stream", "files", "mark"), [("utf-8", "UTF-8", "✗"), ("cp1252", "utf-8", "NO"), ("utf-8", "cp1252", "NO")]
)
def test_a_note_can_be_written_where_it_goes(stream, files, mark, monkeypatch):
    """A glyph is in a note only if the terminal and log files can have it; colours and the terminal's width never are."""
    monkeypatch.setattr(sys, "stderr", io.TextIOWrapper(io.BytesIO(), encoding=stream))
    monkeypatch.setattr("locale.getpreferredencoding", lambda *_: files)
    monkeypatch.setenv("COLUMNS", "30")
    monkeypatch.setenv("FORCE_COLOR", "1")
    (note,) = notes(raised(rnndims.explain(fail)))
    assert note.splitlines()[1] == f"{mark} input dim 2   expected (5, 2, 3)   got (5, 2, 8)   input_feature_mismatch"
    note.encode("utf-8" if mark == "✗" else "cp1252")


PROGRAM = """
    import sys
    import rnndims
    BEFORE
    rnndims.explain()
    AFTER
    assert not {"torch", "rich", "rnndims.api"} & set(sys.modules)
    import torch
    rnn = torch.nn.GRU(3, 4)
    rnn(torch.zeros(5, 2, 3))
    assert not torch.nn.modules.module._global_forward_hooks and not torch.nn.modules.module._global_forward_pre_hooks
    assert not {"rich", "rnndims.live.recorder", "rnndims.crashes.crash"} & set(sys.modules)
    rnn(torch.zeros(5, 2, 8))
    """


class Ended(NamedTuple):
    """How a process ended."""

    code: int
    out: str
    err: str


def run(folder: Path, *command: str) -> Ended:
    """Run Python in the folder."""
    environment = {**os.environ, "COLUMNS": "100", "PYTHONUTF8": "1"}
    words = [sys.executable, *command]
    done = subprocess.run(words, cwd=folder, env=environment, capture_output=True, text=True, encoding="utf-8", check=False)
    return Ended(done.returncode, done.stdout, done.stderr)


def run_program(folder: Path, before: str = "", after: str = "") -> Ended:
    """Run the program with code before and after ``rnndims.explain()``."""
    code = textwrap.dedent(PROGRAM).replace("BEFORE", before).replace("AFTER", after)
    (folder / "program.py").write_text(code, encoding="utf-8")
    return run(folder, "program.py")


def end_of_traceback(folder: Path) -> str:
    """The message of the exception, and the note."""
    line = (folder / "program.py").read_text(encoding="utf-8").splitlines().index("rnn(torch.zeros(5, 2, 8))") + 1
    message = "RuntimeError: input.size(-1) must be equal to input_size. Expected 3, got 8"
    return f"{message}\n{NOTE.format(place=f'program.py:{line}')}\n"


def test_a_program_is_explained_from_its_top_on(tmp_path):
    """Nothing is imported or hooked before something fails; then the traceback is Python's own, and ends in the note."""
    ended = run_program(tmp_path)
    assert (ended.code, ended.out) == (1, "")
    assert ended.err.startswith('Traceback (most recent call last):\n  File "')
    assert ended.err.endswith(end_of_traceback(tmp_path))
    assert "hooks" not in ended.err


OWN_HOOK = """
sys.excepthook = lambda kind, error, traceback: print("own", kind.__name__, len(getattr(error, "__notes__", ())), flush=True)
"""


def test_a_hook_that_is_there_before_is_called(tmp_path):
    """The program's own hook gets the exception with its note; in Python 3.10 the explanation is printed below."""
    ended = run_program(tmp_path, before=OWN_HOOK)
    assert ended.out == f"own RuntimeError {1 if HAS_NOTES else 0}\n"
    assert ended.err == ("" if HAS_NOTES else end_of_traceback(tmp_path).partition("\n")[2])


def test_a_hook_that_is_set_later_is_called(tmp_path):
    """The program's own hook is the only one that is called; the explanation is printed when the program ends."""
    ended = run_program(tmp_path, after=OWN_HOOK)
    assert ended.out == "own RuntimeError 0\n"
    assert ended.err == end_of_traceback(tmp_path).partition("\n")[2]


TRACED = """
import sys
import torch
import rnndims
EXPLAIN
rnn = torch.nn.GRU(3, 4)
with rnndims.explain():
    rnn(torch.zeros(5, 2, 8))
"""


@pytest.mark.parametrize("explain", ["rnndims.explain()", f"rnndims.explain(){OWN_HOOK}"])
def test_trace_and_explain_say_it_once(explain, tmp_path):
    """Under ``rnndims trace`` its report explains the exception, and no note, not even that of a block, says it again."""
    (tmp_path / "program.py").write_text(TRACED.replace("EXPLAIN", explain), encoding="utf-8")
    ended = run(tmp_path, "-m", "rnndims", "trace", "--quiet", "program.py")
    assert ended.code == 1
    assert ended.err.count("input_feature_mismatch") == 1
    line = next(line for line in ended.err.splitlines() if line.startswith("rnndims:"))
    assert ended.err.endswith("\n" + NOTE.format(place=line.split()[1].removesuffix(":")) + "\n")


def test_closed_streams_are_no_matter(tmp_path):
    """A program that has closed its standard error ends with exit code 1, as without explanations."""
    assert run_program(tmp_path, after=OWN_HOOK + "sys.stderr.close()\n") == (1, "own RuntimeError 0\n", "")


class Spy:
    """An object that knows whether it was asked for anything."""

    def __init__(self, asked: list[str]) -> None:
        object.__setattr__(self, "asked", asked)

    def __getattribute__(self, name: str) -> Any:
        object.__getattribute__(self, "asked").append(name)
        return object.__getattribute__(self, name)


def test_objects_of_the_program_are_asked_nothing():
    """Variables that are no tensors run no code of theirs while an exception is explained."""
    asked: list[str] = []
    spy, loss = Spy(asked), rnn(torch.zeros(5, 2, rnn.input_size))[0].sum()
    spies = [spy, (spy,)]
    loss.backward()
    for function in (fail, loss.backward, lambda: torch.nn.Linear(99, 2)(rnn(torch.zeros(5, 2, rnn.input_size))[0])):
        with pytest.raises(RuntimeError), rnndims.explain():
            function()
    assert asked == []
    assert len(spies) == 2
