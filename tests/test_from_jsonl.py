"""``dims --from-jsonl``: many questions a process, one line each, whatever the lines hold."""

import gc
import json
import os
import random
import subprocess
import sys
import tracemalloc

import pytest

from rnndims import DataConfig, RNNConfig
from rnndims.cli.from_jsonl import answer
from rnndims.render.documents import dims_document, dims_line, encode
from rnndims.results import compute_dims

COMMAND = [sys.executable, "-m", "rnndims", "dims", "--from-jsonl", "-"]


def ask(lines: str | bytes) -> tuple[int, list[dict]]:
    """The exit code and the answers to these lines on standard input."""
    text = lines if isinstance(lines, bytes) else lines.encode()
    done = subprocess.run(COMMAND, input=text, capture_output=True, timeout=60, check=False)
    assert done.stderr == b""
    return done.returncode, [json.loads(line) for line in done.stdout.splitlines()]


def test_answers_are_those_of_the_command(invoke):
    """A line gives the same document as the options it stands for, whether in keys or as pasted code."""
    code, answers = ask(
        '{"cell":"lstm","input_size":10,"hidden_size":20,"num_layers":2,"bidirectional":true,"lengths":[3,1]}\n'
        '{"module":"nn.LSTM(10, hid, 2)","define":{"hid":20},"bidirectional":true,"lengths":[3,1]}\n'
        "{}\n"
    )
    assert code == 0
    long = invoke("dims", "nn.LSTM(10, 20, 2, bidirectional=True)", "--lengths", "3,1", "--json").json
    assert answers == [long, long, invoke("dims", "--json").json]


def test_the_fast_line_is_the_encoded_document():
    """The line that is formatted for speed equals the document encoded by json, whatever the configuration."""
    draw = random.Random(0)
    for _ in range(300):
        cell = draw.choice(["rnn", "lstm", "gru"])
        hidden = draw.randint(2, 10**6)
        projection = draw.randint(0, hidden - 1) if cell == "lstm" and draw.random() < 0.5 else 0
        config = RNNConfig(
            cell,
            draw.randint(1, 99),
            hidden,
            draw.randint(1, 3),
            bias=draw.random() < 0.5,
            bidirectional=draw.random() < 0.5,
            proj_size=projection,
        )
        dims = compute_dims(config, DataConfig(lengths=(3, 1) if draw.random() < 0.5 else None))
        assert dims_line(dims) == encode(dims_document(dims))
    dims = compute_dims(RNNConfig("gru", 3, 4, is_cell=True), DataConfig())
    assert dims_line(dims) == encode(dims_document(dims))


def test_an_answer_can_be_asked_again():
    """The config and data of an answer, put flat into one line, give the same answer."""
    _, [first] = ask('{"cell":"gru","hidden_size":7,"unbatched":true}\n')
    again = {**first["config"], **first["data"]}
    del again["module"]
    assert ask(json.dumps(again) + "\n") == (0, [first])


@pytest.mark.parametrize(
    ("line", "option", "part"),
    [
        (b"not json", None, "not JSON"),
        (b"[1, 2]", None, "object"),
        (b'{"hidden_size": 0}', "hidden_size", "greater than zero"),
        (b'{"hidden_size": 2.0}', "hidden_size", "int"),
        (b'{"hidden_size": true}', "hidden_size", "int"),
        (b'{"hidden_size": null}', "hidden_size", "int"),
        (b'{"hiden_size": 3}', "hiden_size", "hidden_size"),
        (b'{"cell": ["rnn"]}', "cell", "must be rnn, lstm"),
        (b'{"cell": "rnn", "proj_size": 1}', "proj_size", "LSTM"),
        (b'{"lengths": 3}', "lengths", "list"),
        (b'{"lengths": ["3"]}', "lengths", "int"),
        (b'{"dropout": NaN}', "dropout", "0 to 1"),
        (b'{"dtype": 3}', "dtype", "string"),
        (b'{"bias": 1}', "bias", "bool"),
        (b'{"module": "nn.Linear(3, 4)"}', "module", "Linear"),
        (b'{"module": 3}', "module", "string"),
        (b'{"module": "nn.LSTM(3, 0)"}', "module", "greater than zero"),
        (b'{"module": "nn.LSTM(3, 4)", "hidden_size": 0}', "hidden_size", "greater than zero"),
        (b'{"hidden_size": ' + b"9" * 5000 + b"}", None, "not JSON"),
        (b"[" * 100_000, None, "JSON"),
        (b'{"hidden_size": ' + b"9" * 4299 + b"}", "hidden_size", "10**100"),
        (b'{"module": "nn.LSTM(e, 3)"}', "define", '"define"'),
        (b'{"define": {"e": 3}}', "define", "no module"),
        (b'{"cell": "\xff"}', None, "not JSON"),
        (b'{"num_layers": 1000000000}', None, "layers"),
        (b" " * (1 << 20) + b"{} ", None, "longer"),
    ],
)
def test_a_bad_line_is_answered_in_its_place(line, option, part):
    """A bad line gives its number, message and key where its answer would stand; the others go on; the code is 2."""
    code, answers = ask(b"{}\n" + line + b"\n{}\n")
    assert code == 2
    assert [set(answer) >= {"line", "error"} for answer in answers] == [False, True, False]
    assert answers[1]["line"] == 2
    assert answers[1]["error"]["option"] == option
    assert part in answers[1]["error"]["message"]


def test_blank_lines_and_a_missing_last_newline():
    """Blank lines are no questions, Windows line ends are accepted, and the last line needs no newline."""
    code, answers = ask(b'{}\r\n\r\n   \n{"hidden_size": 3}')
    assert (code, len(answers)) == (0, 2)


def test_a_line_is_answered_while_the_pipe_stays_open():
    """The answer to a line is readable before the next line is written."""
    with subprocess.Popen(COMMAND, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        for size in (3, 5):
            process.stdin.write(b'{"hidden_size": %d}\n' % size)
            process.stdin.flush()
            assert json.loads(process.stdout.readline())["config"]["hidden_size"] == size
        process.stdin.close()
        assert process.wait(30) == 0


@pytest.mark.skipif(not hasattr(os, "wait4"), reason="the peak memory of a child is read with wait4")
def test_memory_does_not_grow_with_the_lines(tmp_path):
    """Ten times the lines take the same peak memory, to a MiB."""
    peaks = []
    for count in (500, 5000):
        source = tmp_path / f"{count}.jsonl"
        source.write_text('{"cell":"lstm","num_layers":2}\n{"hidden_size":0}\n' * (count // 2), encoding="utf-8")
        with subprocess.Popen([*COMMAND[:-1], str(source)], stdout=subprocess.DEVNULL) as process:
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
        assert process.returncode == 2
        peaks.append(usage.ru_maxrss)
    unit = 1 if sys.platform == "darwin" else 1024
    assert peaks[1] - peaks[0] < 2**20 / unit


def test_options_of_the_module_are_refused_beside_it(invoke):
    """Everything is said in the lines: a module option beside --from-jsonl would be lost silently, so it is refused."""
    result = invoke("dims", "--from-jsonl", "-", "--layers", "2")
    assert (result.code, result.out) == (2, "")
    assert "--layers" in result.err


BAD_LINES = [
    b'{"module": "nn.LSTM(a, b)"}',
    b'{"module": "nn.LSTM(a, 3)", "define": {"b": 1}}',
    b'{"module": "nn.LSTM(f(3), 4)"}',
    b'{"module": "nn.LSTM("}',
    b'{"module": "nn.LSTM(3)"}',
    b'{"module": "nn.LSTM(3, 4, x=2)"}',
    b'{"module": "nn.LSTM(3, 4, device=a.b)"}',
    b'{"hidden_size": 0}',
    b'{"hidden_size": "x"}',
    b'{"lengths": [0]}',
    b'{"dtype": "int8"}',
    b'{"what": 1}',
    b"[1]",
    b"[",
    b"[" * 100_000,
    b"{}",
]


def test_no_answer_leaves_anything_behind():
    """The answer to a line, bad ones above all, makes no cycle of references: what it took is free at once."""
    for line in BAD_LINES:
        answer(line, 1)
    collecting = gc.isenabled()
    gc.collect()
    gc.disable()
    try:
        left = {}
        for line in BAD_LINES:
            answer(line, 1)
            left[line[:60]] = gc.collect()
    finally:
        if collecting:
            gc.enable()
    assert set(left.values()) == {0}, left


def test_bad_lines_do_not_add_up():
    """3,000 lines with an undefined name take no more memory than 100 of them."""

    def peak(count):
        tracemalloc.start()
        try:
            for number in range(count):
                answer(b'{"module": "nn.LSTM(a, 3)"}', number)
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    peak(10)
    gc.collect()
    gc.disable()
    try:
        assert peak(3_000) < peak(100) + 100_000
    finally:
        gc.enable()
