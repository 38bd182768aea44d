"""The JSON document of ``check``."""

from collections.abc import Sequence
from typing import Any

from ..diagnose import Diagnosis, Problem
from .documents import head, plain


def check_document(found: Diagnosis, notes: Sequence[str] = ()) -> dict[str, Any]:
    """Whether it fits, the problems or likely causes in order, and the notes; ``error`` is the message that was found."""
    document = {
        **head("check"),
        "config": None if found.config is None else plain(found.config),
        "ok": found.ok,
        "problems": [problem_document(problem) for problem in found.problems],
        "notes": [*notes, *found.notes],
        "results": found.results,
    }
    if found.error is not None:
        document["error"] = {
            "matched": found.error.matched,
            "explanation": found.error.explanation,
            "certain": found.error.certain,
        }
    return document


def problem_document(problem: Problem) -> dict[str, Any]:
    """One problem."""
    return {
        "tensor": problem.tensor,
        "dim": problem.dim,
        "expected": problem.expected,
        "got": problem.got,
        "cause": problem.cause,
        "message": problem.message,
        "fix": problem.fix,
    }
