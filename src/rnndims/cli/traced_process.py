"""The process in which ``rnndims trace`` runs a program: started as a script of its own, it becomes the program.

Until the program has imported torch, nothing of rnndims is loaded but the three files that run it: a ``random.py`` or a
``types.py`` of the user's is found where ``python`` would find it.
"""

import atexit
import os
import sys

INTERRUPTED = 130

TYPE_CHECKING = False
"""True for type checkers; ``typing`` is not imported for it."""

if TYPE_CHECKING:
    from typing import Any, TextIO


class _Reporter:
    """Waits for the end of the program, and then says what was seen."""

    def __init__(self, report: str, force: bool, quiet: bool) -> None:
        self.report = report
        self.force = force
        self.quiet = quiet
        self.process = os.getpid()
        self.errors: TextIO | None = sys.stderr
        self.recorder: Any = None
        self.unseen: Any = None
        self.problems: list[Any] = []
        self.exit: int | None = None
        self.said = False

    def torch_has_arrived(self) -> None:
        """Watch from now on."""
        from rnndims.live.recorder import Recorder
        from rnndims.live.unseen import Unseen

        self.recorder = Recorder()
        self.recorder.start(sys.modules["torch"])
        self.unseen = Unseen(sys.modules["torch"], self.recorder)
        self.look_at_threads()

    def look_at_threads(self) -> None:
        """Explain what ends a thread too: the program goes on then."""
        import threading

        shown = threading.excepthook

        def excepthook(args: "threading.ExceptHookArgs") -> None:
            if args.exc_value is not None and os.getpid() == self.process:
                self.explain(args.exc_value)
            shown(args)

        threading.excepthook = excepthook

    def crashed(self, error: BaseException) -> None:
        """Find out why, while the frames of the traceback still have their values."""
        self.exit = INTERRUPTED if isinstance(error, KeyboardInterrupt) else 1
        if self.recorder is not None and not isinstance(error, KeyboardInterrupt):
            self.explain(error)

    def explain(self, error: BaseException) -> None:
        """Note what is wrong in the calls that led to an exception, each once."""
        try:
            from rnndims.crashes.exception_chain import explain_chain

            for _, found in explain_chain(error, self.recorder):
                if found not in self.problems:
                    self.problems.append(found)
            if self.problems and "rnndims.hooks.explain" in sys.modules:  # the program itself uses rnndims.explain()
                sys.modules["rnndims.hooks.explain"].leave_to_trace(error)
        except Exception as fault:  # noqa: BLE001 - the program's own end must not be lost in it
            self.recorder.not_watched.append(f"The exception could not be explained: {type(fault).__name__}.")

    def say(self) -> None:
        """Print the table and what is wrong, once: below the traceback if there is one, else at the end of the process."""
        if os.getpid() != self.process or self.said:
            return
        self.said = True
        try:
            for stream in (sys.stdout, self.errors):
                if stream is not None and not stream.closed:
                    stream.flush()
            if self.recorder is None and not self.report:
                self.write_line("" if self.quiet else "\nrnndims: this program does not import torch")
            else:
                self.show()
        except (OSError, ValueError):  # the reader of the pipe is gone, or the program has closed the stream
            pass
        except Exception as fault:  # noqa: BLE001 - for example, a random.py of the user's in place of Python's own
            self.write_line(f"rnndims: the report cannot be made: {type(fault).__name__}: {fault}")

    def write_line(self, text: str) -> None:
        """Write to the standard error that the program began with."""
        if text and self.errors is not None and not self.errors.closed:
            self.errors.write(f"{text}\n")
            self.errors.flush()

    def show(self) -> None:
        """Print the table and what is wrong, and write the report."""
        from rnndims.live.trace_report import TraceReport

        seen = self.recorder
        report = TraceReport(exit=self.exit)
        if seen is not None:
            warnings, not_watched = tuple(seen.follower.warnings), self.unseen.sentences()
            report = TraceReport(seen.calls, tuple(self.problems), warnings, not_watched, self.exit)
        if self.errors is not None and not self.errors.closed:
            from rnndims.render.console import make_console
            from rnndims.render.trace_view import trace_view

            trace_view(report, table=not self.quiet, torch=seen is not None)(make_console(self.errors))
        if self.report:
            self.write(report)

    def leave(self) -> None:
        """The last that happens. After Ctrl-C the process ends by that signal, as every Python program does.

        Python remembers that it has to, but forgets it when more code is compiled, as it is for the report.
        """
        self.say()
        if self.exit != INTERRUPTED or os.getpid() != self.process:
            return
        for stream in (sys.stdout, sys.stderr):
            if stream is not None and not stream.closed:
                stream.flush()
        if os.name == "nt":
            os._exit(-0x3FFFFEC6)  # STATUS_CONTROL_C_EXIT, 0xC000013A as a signed number
        import signal

        signal.signal(signal.SIGINT, signal.SIG_DFL)
        os.kill(self.process, signal.SIGINT)

    def write(self, report: "Any") -> None:
        """Write the JSON document."""
        from rnndims.errors import RnndimsError
        from rnndims.output_file import OutputFile
        from rnndims.render.documents import pretty, trace_document

        try:
            OutputFile(self.report, overwrite=self.force).write(pretty(trace_document(report)))
        except RnndimsError as error:
            self.write_line(f"rnndims: {error}")


def main() -> None:
    """Become the program that the command line asks for."""
    _load_package()
    report, force, quiet, kind, program, *arguments = sys.argv[1:]
    reporter = _Reporter(report, bool(force), bool(quiet))
    atexit.register(reporter.leave)  # the first to be registered is the last to be called
    from rnndims.live.program import NoProgramError, run_file, run_module
    from rnndims.live.torch_arrival import when_torch_arrives

    when_torch_arrives(reporter.torch_has_arrived)
    run = run_module if kind == "module" else run_file
    try:
        run(program, arguments, reporter.crashed, reporter.say)
    except NoProgramError as error:
        reporter.said = True
        if sys.stderr is not None:
            sys.stderr.write(f"rnndims: {error.message}\n")
        sys.exit(error.exit_code)
    except SystemExit as error:
        code = error.code
        reporter.exit = 0 if code is None else code if isinstance(code, int) else 1
        raise
    reporter.exit = 0


def _load_package() -> None:
    """Make ``import rnndims`` find this package, wherever it lies, without a folder of it in ``sys.path``."""
    from _frozen_importlib import ModuleSpec
    from _frozen_importlib_external import SourceFileLoader

    folder = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))  # noqa: PTH100, PTH120
    file = os.path.join(folder, "__init__.py")  # noqa: PTH118
    loader = SourceFileLoader("rnndims", file)
    sys.modules["rnndims"] = package = type(sys)("rnndims")
    package.__file__, package.__loader__, package.__path__ = file, loader, [folder]
    package.__spec__ = ModuleSpec("rnndims", loader, origin=file, is_package=True)
    package.__spec__.submodule_search_locations = [folder]
    loader.exec_module(package)


if __name__ == "__main__":
    main()
