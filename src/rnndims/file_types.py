"""Suffixes of the files that people keep tensors in, each list written once."""

from typing import Final

SAFETENSORS: Final = ".safetensors"
NPY: Final = ".npy"
TORCH: Final = (".pt", ".pth", ".th", ".ckpt", ".bin", ".jit", ".ts", ".torchscript", ".tar", ".pkl")
"""What ``torch.save`` and ``torch.jit.save`` write, as people name it."""

CHECKPOINTS: Final = (SAFETENSORS, *TORCH)
"""Files that are read as checkpoints."""

READ: Final = ".safetensors, .pt, .pth, .th, .ckpt, .bin, an .index.json with its shards, or a directory with one of these"
"""The same for a message: the usual ones, in words."""
