"""The JSON document of ``weights FILE``. It stands apart from the view, which loads Rich."""

from typing import Any

from ..checkpoint import Checkpoint, CheckpointModule
from ..constructor import format_constructor
from .json import config_document, head, weight_document


def checkpoint_document(checkpoint: Checkpoint, file: str) -> dict[str, Any]:
    """The RNNs of a checkpoint, the contradictions, and what else the file holds."""
    rest = checkpoint.rest
    return {
        **head("weights"),
        "file": file,
        "kind": checkpoint.kind,
        "modules": [module_document(module) for module in checkpoint.modules],
        "problems": [{"name": each.name, "key": each.key, "message": each.message} for each in checkpoint.contradictions],
        "notes": checkpoint.notes,
        "other": {
            "tensors": rest.tensors,
            "parameters": rest.parameters,
            "bytes": rest.bytes,
            "optimizer_tensors": checkpoint.optimizer,
        },
    }


def module_document(module: CheckpointModule) -> dict[str, Any]:
    """One RNN; each of its weights has beside its shape the names of the tensors in the file that it is made of."""
    return {
        "name": module.name,
        "key": module.key,
        "module": format_constructor(module.config),
        "config": config_document(module.config),
        "dtype": module.dtype,
        "weights": {
            name: {**weight_document(weight), "tensors": [*module.tensors[name].values()]}
            for name, weight in module.weights.items()
        },
        "totals": {"parameters": module.parameters, "parameter_bytes": module.bytes},
        "not_recoverable": module.not_recoverable,
        "notes": module.notes,
    }
