"""Suffixes of the files that people keep tensors in, each list written once."""

from typing import Final

SAFETENSORS: Final = ".safetensors"
NPY: Final = ".npy"
TORCH: Final = (".pt", ".pth", ".th", ".ckpt", ".bin", ".jit", ".ts", ".torchscript", ".tar", ".pkl")
"""What ``torch.save`` and ``torch.jit.save`` write, as people name it."""

CHECKPOINTS: Final = (SAFETENSORS, *TORCH)
"""Files that are read as checkpoints."""

INDEX: Final = ".index.json"
"""The end of the name of an index, which says which of several files (shards) each tensor of a checkpoint is in."""

READS: Final = (
    f"rnndims reads .safetensors, .pt, .pth, .th, .ckpt, .bin, an {INDEX} with its shards, or a directory with one of these."
)
"""The same for a message: the usual ones, in words."""
