"""The JSON document of ``check``. It needs no Rich, so it stands beside the view rather than in it."""

from collections.abc import Sequence
from typing import Any

from ..diagnose import Caution, Diagnosis, Problem
from .json import config_document, head


def check_document(diagnosis: Diagnosis, notes: Sequence[str] = ()) -> dict[str, Any]:
    """Whether all is well, the problems, the warnings and the notes; ``error`` is the message that was found."""
    document = {
        **head("check"),
        "config": None if diagnosis.config is None else config_document(diagnosis.config),
        "ok": diagnosis.ok,
        "problems": [problem_document(problem) for problem in diagnosis.problems],
        "warnings": [caution_document(caution) for caution in diagnosis.warnings],
        "notes": [*notes, *diagnosis.notes],
        "results": diagnosis.results,
    }
    if diagnosis.error is not None:
        document["error"] = {
            "matched": diagnosis.error.matched,
            "explanation": diagnosis.error.explanation,
            "certain": diagnosis.error.certain,
        }
    return document


def problem_document(problem: Problem) -> dict[str, Any]:
    """One problem; its alternatives have the same keys."""
    return {
        "tensor": problem.tensor,
        "dim": problem.dim,
        "expected": problem.expected,
        "got": problem.got,
        "cause": problem.cause,
        "message": problem.message,
        "torch": problem.torch,
        "fix": problem.fix,
        "advice": problem.advice,
        "certain": problem.certain,
        "alternatives": [problem_document(alternative) for alternative in problem.alternatives],
    }


def caution_document(caution: Caution) -> dict[str, Any]:
    """One warning."""
    return {"kind": caution.kind, "message": caution.message, "fix": caution.fix, "advice": caution.advice}
