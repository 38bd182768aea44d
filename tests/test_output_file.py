"""Files that the program writes: what is refused before the work, and that a write happens whole or not at all."""

import contextlib
import errno
import os
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest

import rnndims.output_file as output_file
from rnndims.errors import FileError
from rnndims.output_file import OutputFile, reserved_on_windows

POSIX = pytest.mark.skipif(os.name != "posix", reason="Windows has other permissions, signals and kinds of files")
NOT_ROOT = pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may write everywhere")
PROLOGUE = """\
import os, signal, sys
from rnndims.errors import FileError
from rnndims.output_file import OutputFile
if os.name == "posix":  # whatever this process inherited
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
def wait(file):
    file.write(b"half of it")
    file.flush()
    print("ready", flush=True)
    sys.stdin.readline()
"""


def start(code: str, *args: object) -> "subprocess.Popen[str]":
    """Another Python process that runs ``code``, with ``args`` as ``sys.argv[1:]``."""
    command = [sys.executable, "-c", PROLOGUE + code, *map(str, args)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def names(directory: Path) -> list[str]:
    """What is in the directory, hidden files included."""
    return sorted(path.name for path in directory.iterdir())


def refusal(path: "str | Path", **options: object) -> FileError:
    """The error with which ``OutputFile`` refuses the path; it names the path as it was typed."""
    with pytest.raises(FileError) as caught:
        OutputFile(path, **options)
    assert caught.value.path == os.fspath(path)
    return caught.value


@pytest.fixture(params=["new", "replaced"])
def target(request, tmp_path):
    """An output file that does not exist yet, or one that replaces another; after a failure it must be as it was."""
    path = tmp_path / "out.txt"
    if request.param == "replaced":
        path.write_text("old", encoding="utf-8")
    return OutputFile(path, overwrite=True)


def assert_untouched(target: OutputFile) -> None:
    """The target is what the fixture made, and there is nothing beside it."""
    path = Path(target.path)
    if path.exists():
        assert path.read_text(encoding="utf-8") == "old"
    assert names(path.parent) in ([], ["out.txt"])


# Content


@pytest.mark.parametrize(
    ("content", "written"),
    [
        ("σ\n", "σ\n".encode()),
        ("a\r\nb", b"a\r\nb"),
        ("a\udcffb", b"a\\udcffb"),
        (b"\x00\n\xff", b"\x00\n\xff"),
        ("", b""),
        (lambda file: [file.write(b"one "), file.seek(0), file.write(b"two")], b"two "),
    ],
)
def test_text_bytes_and_functions_are_written(target, content, written):
    """Text is written as UTF-8 byte for byte, bytes as they are, and a function may write and seek in the open file."""
    target.write(content)
    assert Path(target.path).read_bytes() == written
    assert names(Path(target.path).parent) == ["out.txt"]


def test_one_object_may_write_again_only_if_it_overwrites(tmp_path):
    """The second write of the same object is refused unless it may overwrite."""
    once = OutputFile(tmp_path / "a")
    once.write("first")
    with pytest.raises(FileError, match="exists already"):
        once.write("second")
    assert (tmp_path / "a").read_text() == "first"


def test_the_content_is_synced_before_it_gets_the_name(target, monkeypatch):
    """When the file is synced, all content is in it and the target is still what it was."""
    sizes = []

    def sync(descriptor):
        path = Path(target.path)
        assert not path.exists() or path.read_text() == "old"
        sizes.append(os.fstat(descriptor).st_size)

    monkeypatch.setattr(os, "fsync", sync)
    target.write(lambda file: [file.write(b"x" * 1000) for _ in range(3)])
    assert sizes == [3000]


def test_a_disk_that_cannot_sync_is_no_error(target, monkeypatch):
    """Where the system says that a file cannot be synced, it is written all the same."""

    def sync(descriptor):
        raise OSError(errno.EINVAL, "no such thing")

    monkeypatch.setattr(os, "fsync", sync)
    target.write("new")
    assert Path(target.path).read_text() == "new"


# What is refused before the work


@pytest.mark.parametrize(
    ("name", "suffixes", "message"),
    [
        ("a.pdf", (".svg", ".html", ".txt"), "must end in .svg, .html or .txt"),
        ("a", (".svg", ".html"), "must end in .svg or .html"),
        (".svg", (".svg",), "must end in .svg"),
        ("", (".svg",), "must end in .svg"),
        ("", (), "does not name a file"),
        ("a.svg/", (".svg",), "does not name a file"),
        (".", (), "is a directory"),
        ("a\0.svg", (".svg",), "has a character that no file name can have"),
        ("a" * 5000 + ".svg", (".svg",), "its name is too long" if os.name == "posix" else "cannot be written"),
    ],
)
def test_a_name_that_cannot_be_meant_is_refused(tmp_path, monkeypatch, name, suffixes, message):
    """A wrong suffix, a missing directory, a directory, and a name that no file can have are refused at once."""
    monkeypatch.chdir(tmp_path)
    assert message in refusal(name, suffixes=suffixes).message
    assert names(tmp_path) == []


def test_a_missing_directory_is_named(tmp_path, monkeypatch):
    """Where the directory is missing, the error says which one, since a link or the working directory may hide that."""
    monkeypatch.chdir(tmp_path)
    error = refusal("no/such/a.svg")
    assert error.message.startswith("cannot be written: the directory ")
    assert str(Path("no", "such")) in error.message
    assert names(tmp_path) == []


def test_a_suffix_may_have_capitals(tmp_path):
    """Suffixes are compared without regard to case, and ``suffix`` is in lower case."""
    assert OutputFile(tmp_path / "A.SVG", suffixes=(".svg",)).suffix == ".svg"


def test_a_file_is_no_directory(tmp_path):
    """A path that leads through an ordinary file is refused with that reason."""
    (tmp_path / "file").touch()
    error = refusal(tmp_path / "file" / "out.svg")
    assert "not a directory" in error.message or "does not exist" in error.message


def test_a_file_that_exists_is_refused_without_overwrite(tmp_path):
    """A file that exists is refused, and the error tells how to replace it."""
    path = tmp_path / "a.svg"
    path.write_text("old")
    error = refusal(path)
    assert error.message == "exists already"
    assert "--force" in error.render({"overwrite": "--force"}.get)
    assert path.read_text() == "old"


@pytest.mark.parametrize("overwrite", [False, True])
@pytest.mark.parametrize("kind", ["itself", "symbolic link", "hard link", "link to a link", "the input is the link"])
def test_an_input_is_never_replaced(tmp_path, kind, overwrite):
    """A target that is one of the inputs is refused under whatever name, with overwrite too, and the input is named."""
    source, path = tmp_path / "m.pt", tmp_path / "out.svg"
    source.write_text("weights")
    read = source
    try:
        if kind == "itself":
            path = source
        elif kind == "hard link":
            path.hardlink_to(source)
        elif kind == "link to a link":
            (tmp_path / "between").symlink_to(source)
            path.symlink_to(tmp_path / "between")
        elif kind == "the input is the link":
            read = tmp_path / "link.pt"
            read.symlink_to(source)
            path = source
        else:
            path.symlink_to(source)
    except OSError as error:
        pytest.skip(f"no links of this kind here: {error}")
    before = names(tmp_path)
    message = refusal(path, overwrite=overwrite, inputs=[tmp_path / "no such file", "a\0b", read]).message
    assert message.startswith("is the same file as ")
    assert "which this command uses" in message
    assert source.read_text() == "weights"
    assert names(tmp_path) == before


def test_an_input_may_be_an_open_file(tmp_path):
    """A descriptor may stand for an input, so the file behind standard input is safe as well."""
    path = tmp_path / "a.txt"
    path.write_text("read")
    with path.open() as file:
        assert "is the same file as" in refusal(path, overwrite=True, inputs=[file.fileno()]).message
        OutputFile(tmp_path / "b.txt", inputs=[file.fileno()])


def test_inputs_may_be_named_later(tmp_path):
    """A caller that learns later which files it reads is refused then, and at the write at the latest."""
    path = tmp_path / "shard.safetensors"
    path.write_text("weights")
    target = OutputFile(path, overwrite=True)
    target.refuse_inputs([tmp_path / "another"])
    with pytest.raises(FileError, match="is the same file as"):
        target.refuse_inputs([path])
    with pytest.raises(FileError, match="is the same file as"):
        target.write("new")
    assert path.read_text() == "weights"


@POSIX
@pytest.mark.parametrize("overwrite", [False, True])
@pytest.mark.parametrize("kind", ["FIFO", "device", "socket"])
def test_what_is_no_ordinary_file_is_refused_unopened(kind, overwrite, monkeypatch, tmp_path):
    """A FIFO, a device and a socket are refused without being opened: to open a FIFO would wait for its other end."""
    monkeypatch.chdir(tmp_path)  # the name of a socket has at most about 100 characters
    path = Path("out.svg")
    if kind == "FIFO":
        os.mkfifo(path)
    elif kind == "device":
        path.symlink_to(os.devnull)
    else:
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(str(path))
    monkeypatch.setattr(os, "open", lambda *args: pytest.fail("something was opened"))
    error = refusal(path, suffixes=(".svg",), overwrite=overwrite)
    assert error.message == f"is a {kind}, not an ordinary file"


@pytest.mark.skipif(not os.path.exists("/dev/fd"), reason="no /dev/fd here")
def test_a_pipe_without_a_path_is_refused():
    """What the shell makes of ``>(cat)``, and /dev/stdout in a pipeline, are refused as what they are."""
    ends = os.pipe()
    try:
        assert refusal(f"/dev/fd/{ends[1]}", overwrite=True).message == "is a FIFO, not an ordinary file"
    finally:
        for end in ends:
            os.close(end)


@POSIX
def test_a_read_only_file_is_refused_to_everybody(tmp_path):
    """A file that nobody may write is not replaced, not even by root."""
    path = tmp_path / "a"
    path.write_text("old")
    path.chmod(0o444)
    assert refusal(path, overwrite=True).message == "is read-only"
    assert path.read_text() == "old"


def test_a_file_that_this_user_may_not_write_is_refused(tmp_path, monkeypatch):
    """A file is refused that the system does not let this user write, though its directory would allow to replace it."""
    path = tmp_path / "a"
    path.write_text("old")
    monkeypatch.setattr(os, "access", lambda name, mode: (Path(name).name, mode) != ("a", os.W_OK))
    assert refusal(path, overwrite=True).message == "is read-only"


@NOT_ROOT
@pytest.mark.parametrize("old", [False, True])
def test_a_read_only_directory_is_refused(tmp_path, old):
    """A directory in which this user can make no file is refused before the work, for a new file and for an old one."""
    path = tmp_path / "a"
    if old:
        path.write_text("old")
    tmp_path.chmod(0o555)
    try:
        message = refusal(path, overwrite=True).message
    finally:
        tmp_path.chmod(0o755)
    assert message == "cannot be written: no file can be made in its directory, because permission is denied"
    assert names(tmp_path) == (["a"] if old else [])


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        (errno.EACCES, "permission is denied"),
        (errno.EROFS, "the disk is read-only"),
        (errno.ENOSPC, "the disk is full"),
        (errno.ENOENT, "the system does not allow it"),  # as in /proc
    ],
)
def test_a_directory_where_no_file_can_be_made_is_refused(tmp_path, monkeypatch, code, reason):
    """Whatever keeps a file from being made in the directory is reported before the work."""

    def refuse(path, *args):
        raise OSError(code, os.strerror(code), path)

    monkeypatch.setattr(os, "open", refuse)
    error = refusal(tmp_path / "a")
    assert error.message == f"cannot be written: no file can be made in its directory, because {reason}"
    assert error.fix


def test_the_check_leaves_nothing(target):
    """Checking a target neither makes nor changes a file."""
    assert_untouched(target)


@POSIX
def test_a_directory_that_was_removed_is_refused(tmp_path, monkeypatch):
    """In a working directory that no longer exists no file can be written, and that is what the error says."""
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    try:
        gone.rmdir()
    except OSError as error:
        pytest.skip(f"a working directory cannot be removed here: {error}")
    assert "does not exist" in refusal("out.svg").message


def test_names_that_windows_keeps_for_itself():
    """Names of devices are known with and without a suffix and in any case; names that only begin like them are free."""
    assert all(map(reserved_on_windows, ["NUL", "nul.svg", "a\\CON", "com1.txt"]))
    assert not any(map(reserved_on_windows, ["null.svg", "a.svg", "a\\b.txt", "C:\\con1\\a.svg"]))


# Links and permissions


@POSIX
@pytest.mark.parametrize("there", [True, False])
def test_a_symbolic_link_stays_and_its_file_is_written(tmp_path, there):
    """Through a link the file that it leads to is written, beside that file, and the link remains."""
    for name in ("site", "work"):
        (tmp_path / name).mkdir()
    link, real = tmp_path / "work" / "out.svg", tmp_path / "site" / "picture.bin"
    link.symlink_to("../site/picture.bin")
    if there:
        real.write_text("old")
    beside = []
    target = OutputFile(link, suffixes=(".svg",), overwrite=there)
    target.write(lambda file: [beside.append(names(real.parent)), file.write(b"new")])
    assert link.is_symlink()
    assert real.read_text() == "new"
    assert any(name.startswith(".rnndims-") for name in beside[0])
    assert names(real.parent) == ["picture.bin"]
    assert names(link.parent) == ["out.svg"]


@POSIX
def test_links_in_a_circle_are_refused(tmp_path):
    """A link that leads back to itself is refused with that reason."""
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")
    assert refusal(tmp_path / "a", overwrite=True).message == "cannot be written: its symbolic links lead in a circle"


@POSIX
def test_other_hard_links_keep_the_old_content(tmp_path):
    """Another name of the file that is replaced still has the old content."""
    path, other = tmp_path / "a", tmp_path / "b"
    path.write_text("old")
    other.hardlink_to(path)
    OutputFile(path, overwrite=True).write("new")
    assert (path.read_text(), other.read_text()) == ("new", "old")


@POSIX
@pytest.mark.parametrize("overwrite", [False, True])
@pytest.mark.parametrize("mask", [0o022, 0o077, 0o002])
def test_a_new_file_has_the_mode_of_any_new_file(tmp_path, mask, overwrite):
    """A new file has the permissions that a plain open() gives a file there, under every umask."""
    before = os.umask(mask)
    try:
        (tmp_path / "plain").write_text("")
        OutputFile(tmp_path / "ours", overwrite=overwrite).write("new")
    finally:
        os.umask(before)
    assert (tmp_path / "ours").stat().st_mode == (tmp_path / "plain").stat().st_mode


@POSIX
@pytest.mark.parametrize("mode", [0o600, 0o640, 0o666, 0o755])
def test_a_replaced_file_keeps_its_mode(tmp_path, monkeypatch, mode):
    """The file that replaces another has its permissions, whatever the umask, and has them before it has any content."""
    path = tmp_path / "a"
    path.write_text("old")
    path.chmod(mode)
    modes, first_modes, plain = [], [], os.open

    def open_(*args):
        descriptor = plain(*args)
        first_modes.append(os.fstat(descriptor).st_mode & 0o777)
        return descriptor

    def content(file):
        modes.append(os.fstat(file.fileno()).st_mode & 0o777)
        file.write(b"new")

    monkeypatch.setattr(os, "open", open_)
    before = os.umask(0)
    try:
        OutputFile(path, overwrite=True).write(content)
        os.umask(0o077)
        OutputFile(path, overwrite=True).write(content)
    finally:
        os.umask(before)
    assert modes == [mode, mode]
    assert set(first_modes) == {0o600}  # nobody else can open it even for a moment
    assert path.stat().st_mode & 0o777 == mode
    assert path.read_text() == "new"


@pytest.mark.skipif(os.name != "posix" or os.geteuid() != 0, reason="only root can give a file to somebody else")
def test_a_replaced_file_keeps_its_owner(tmp_path):
    """When root replaces the file of another user, it stays the file of that user and of its group."""
    path = tmp_path / "a"
    path.write_text("old")
    try:
        os.chown(path, 4321, 1234)
    except OSError as error:
        pytest.skip(f"root of this container may not: {error}")
    OutputFile(path, overwrite=True).write("new")
    assert (path.stat().st_uid, path.stat().st_gid, path.read_text()) == (4321, 1234, "new")


# Failures on the way


FAILURES = {
    errno.ENOSPC: "the disk is full",
    errno.EDQUOT: "your disk quota is used up",
    errno.EIO: "the disk reports an error",
    errno.EACCES: "permission is denied",
    errno.EPERM: "the system does not allow it",
    errno.EROFS: "the disk is read-only",
    errno.ENAMETOOLONG: "its name is too long",
    errno.EBUSY: "another program is using it",
    errno.EDOM: os.strerror(errno.EDOM),
}


@pytest.mark.parametrize("code", FAILURES)
@pytest.mark.parametrize("step", ["content", "fsync", "replace"])
def test_an_error_of_the_disk_keeps_the_old_file(target, monkeypatch, step, code):
    """Whatever the system reports and whenever: one error says what has happened, and everything is as it was before."""
    existed = Path(target.path).exists()

    def fail(*args):
        raise OSError(code, os.strerror(code))

    if step != "content":
        monkeypatch.setattr(*{"fsync": (os, "fsync"), "replace": (Path, "replace")}[step], fail)
    with pytest.raises(FileError) as caught:
        target.write(fail if step == "content" else "new")
    outcome = "The old file is unchanged." if existed else "Nothing was written."
    assert caught.value.message == f"cannot be written: {FAILURES[code]}. {outcome}"
    assert caught.value.path == target.path
    assert (caught.value.fix is None) == (code == errno.EDOM)
    monkeypatch.undo()
    assert Path(target.path).exists() == existed
    assert_untouched(target)


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no /dev/full here")
@pytest.mark.parametrize("size", [1, 100_000])
def test_a_full_disk_keeps_the_old_file(target, monkeypatch, size):
    """Where the system itself says that the disk is full, the old file is kept and nothing is left beside it."""
    existed, plain = Path(target.path).exists(), os.open

    def open_full(path, *args):
        descriptor, full = plain(path, *args), plain("/dev/full", os.O_WRONLY)
        os.dup2(full, descriptor)
        os.close(full)
        return descriptor

    monkeypatch.setattr(os, "open", open_full)
    monkeypatch.setattr(output_file, "_hand_on", lambda *args: None)  # it would change the device
    with pytest.raises(FileError, match="the disk is full"):
        target.write("x" * size)
    assert Path(target.path).exists() == existed
    assert_untouched(target)


@POSIX
@pytest.mark.parametrize("old", [False, True])
def test_a_limit_on_the_size_of_files_keeps_the_old_file(tmp_path, old):
    """A process that may only write small files fails with one message and leaves the old file as it was."""
    path = tmp_path / "out.txt"
    if old:
        path.write_text("old")
    code = """\
import resource
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (5000, resource.RLIM_INFINITY))
target = OutputFile(sys.argv[1], overwrite=True)
try:
    target.write(b"x" * 1_000_000)
except FileError as error:
    print(error.message)
"""
    out, err = start(code, path).communicate(timeout=60)
    outcome = "The old file is unchanged." if old else "Nothing was written."
    assert (out, err) == (f"cannot be written: it is larger than a file is allowed to be here. {outcome}\n", "")
    assert names(tmp_path) == (["out.txt"] if old else [])
    assert not old or path.read_text() == "old"


@pytest.mark.parametrize("error", [ZeroDivisionError(), KeyboardInterrupt(), FileError("no"), FileNotFoundError(2, "no", "x")])
def test_an_error_of_the_content_is_passed_on(target, error):
    """An error that does not come from the target comes out as it was raised, and everything is as it was before."""

    def content(file):
        file.write(b"half of it")
        raise error

    with pytest.raises(type(error)) as caught:
        target.write(content)
    assert caught.value is error
    assert_untouched(target)


@pytest.mark.parametrize("linked", [True, False])
def test_a_file_that_appears_meanwhile_is_not_overwritten(tmp_path, monkeypatch, linked):
    """Without overwrite, a file that another program makes during the write is kept; also where there are no hard links."""
    path = tmp_path / "a"
    if not linked:
        monkeypatch.setattr(Path, "hardlink_to", no_links)
    with pytest.raises(FileError, match="another program has made a file of this name meanwhile"):
        OutputFile(path).write(lambda file: path.write_text("theirs"))
    assert path.read_text() == "theirs"
    assert names(tmp_path) == ["a"]


def no_links(*args):
    raise OSError(errno.EPERM, "no hard links here")


@pytest.mark.parametrize("problem", [OSError(errno.EPERM, "not on this disk"), NotImplementedError()])
def test_hard_links_are_not_needed(tmp_path, monkeypatch, problem):
    """A new file is written in one piece where the disk or the system has no hard links."""

    def fail(*args):
        raise problem

    monkeypatch.setattr(Path, "hardlink_to", fail)
    OutputFile(tmp_path / "a").write("new")
    assert (tmp_path / "a").read_text() == "new"
    assert names(tmp_path) == ["a"]


def test_a_failure_without_hard_links_leaves_nothing(tmp_path, monkeypatch):
    """Where there are no hard links and the last step fails, the empty file that has kept the name is removed."""
    monkeypatch.setattr(Path, "hardlink_to", no_links)

    def fail(*args):
        raise OSError(errno.EIO, "broken")

    monkeypatch.setattr(Path, "replace", fail)
    with pytest.raises(FileError, match="the disk reports an error"):
        OutputFile(tmp_path / "a").write("new")
    assert names(tmp_path) == []


# Other processes, and signals


@pytest.mark.parametrize("linked", [True, False])
def test_of_two_processes_without_overwrite_one_succeeds(tmp_path, linked):
    """Two processes that have both checked the same new name write it at once: one succeeds, and the other one is told."""
    path = tmp_path / "out.txt"
    code = """\
if not int(sys.argv[3]):
    import pathlib
    def no_links(*args):
        raise OSError(1, "no hard links here")
    pathlib.Path.hardlink_to = no_links
target = OutputFile(sys.argv[1])
def content(file):
    wait(file)
    file.write(sys.argv[2].encode())
try:
    target.write(content)
except FileError as error:
    print(error.message)
else:
    print("written")
"""
    processes = [start(code, path, name, int(linked)) for name in "ab"]
    try:
        for process in processes:
            assert process.stdout.readline() == "ready\n"
        for process in processes:
            process.stdin.write("\n")
            process.stdin.flush()
        answers = [process.communicate(timeout=60)[0].strip() for process in processes]
    finally:
        for process in processes:
            process.kill()
            process.wait()
    failed = "cannot be written: another program has made a file of this name meanwhile. Nothing was written."
    assert sorted(answers) == [failed, "written"]
    assert path.read_text() == "half of it" + "ab"[answers.index("written")]
    assert names(tmp_path) == ["out.txt"]


@POSIX
@pytest.mark.parametrize("old", [False, True])
@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP", "SIGINT"])
def test_a_signal_during_a_write_leaves_nothing(tmp_path, name, old):
    """A process that a signal ends while it writes dies of that signal, keeps the old file and leaves nothing beside it."""
    path = tmp_path / "out.txt"
    if old:
        path.write_text("old")
    process = start("OutputFile(sys.argv[1], overwrite=True).write(wait)", path)
    assert process.stdout.readline() == "ready\n"
    assert len(names(tmp_path)) == 1 + old  # the temporary file is there now
    process.send_signal(getattr(signal, name))
    process.communicate(timeout=60)
    assert process.returncode == -getattr(signal, name)
    assert names(tmp_path) == (["out.txt"] if old else [])
    assert not old or path.read_text() == "old"


@POSIX
@pytest.mark.parametrize(
    ("handler", "code", "content"),
    [
        ("signal.SIG_IGN", 0, "half of it"),
        ("lambda *args: print('noted', flush=True)", 0, "half of it"),
        ("lambda *args: sys.exit(7)", 7, "old"),
    ],
)
def test_a_handler_of_the_program_is_respected(tmp_path, handler, code, content):
    """A signal that is ignored, or whose handler returns, does not stop the write; one whose handler raises stops it."""
    path = tmp_path / "out.txt"
    path.write_text("old")
    body = f"signal.signal(signal.SIGTERM, {handler})\nOutputFile(sys.argv[1], overwrite=True).write(wait)"
    process = start(body, path)
    assert process.stdout.readline() == "ready\n"
    process.send_signal(signal.SIGTERM)
    if "noted" in handler:
        assert process.stdout.readline() == "noted\n"
    with contextlib.suppress(BrokenPipeError):
        process.communicate("\n", timeout=60)
    assert process.returncode == code
    assert path.read_text() == content
    assert names(tmp_path) == ["out.txt"]


@POSIX
def test_handlers_are_as_before_after_the_write(tmp_path, monkeypatch):
    """After a write, whether it succeeds or fails, every signal has the handler it had before."""
    signals = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]
    saved = [signal.getsignal(number) for number in signals]
    mine = [signal.default_int_handler, signal.SIG_DFL, signal.SIG_IGN]
    inside = []
    try:
        for number, handler in zip(signals, mine, strict=True):
            signal.signal(number, handler)
        target = OutputFile(tmp_path / "a", overwrite=True)
        target.write(lambda file: inside.extend(map(signal.getsignal, signals)))
        with pytest.raises(ZeroDivisionError):
            target.write(lambda file: 1 / 0)
        after = [signal.getsignal(number) for number in signals]
    finally:
        for number, handler in zip(signals, saved, strict=True):
            signal.signal(number, handler)
    assert after == mine
    assert [a == b for a, b in zip(inside, mine, strict=True)] == [False, False, True]


def test_a_file_can_be_written_in_a_thread(tmp_path):
    """Outside the main thread, where Python allows no handlers of signals, a file is written all the same."""
    thread = threading.Thread(target=lambda: OutputFile(tmp_path / "a").write("new"))
    thread.start()
    thread.join()
    assert (tmp_path / "a").read_text() == "new"


# Unusual names


@pytest.mark.parametrize(
    "name",
    [
        "a b.svg",
        "-",
        "--help",
        "~",
        "σ.svg",
        "a'b\"c.svg",
        "a\nb.svg",
        "{0}.svg",
        "%s",
        "a\\b.svg",
        "\ud800.svg",
        os.fsdecode(b"\xff.svg"),
    ],
)
def test_unusual_names(tmp_path, monkeypatch, name):
    """A name that the system accepts is written like any other, and one that it does not is refused with a FileError."""
    try:
        (tmp_path / name).write_text("")
    except (OSError, ValueError):
        refusal(tmp_path / name)
        return
    (tmp_path / name).unlink()
    monkeypatch.chdir(tmp_path)
    OutputFile(name).write("new")
    assert names(tmp_path) == [name]
    assert (tmp_path / name).read_text() == "new"


@POSIX
def test_the_longest_name_can_be_written(tmp_path):
    """The temporary file needs no longer name than the target, so the longest name that the disk allows can be written."""
    name = "a" * os.pathconf(tmp_path, "PC_NAME_MAX")
    OutputFile(tmp_path / name).write("new")
    assert names(tmp_path) == [name]
