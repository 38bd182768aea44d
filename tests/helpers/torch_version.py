"""Which PyTorch the tests run with: what it accepts, counts and says is tested for the newest that is known."""

import re

import pytest
import torch

VERSION = tuple(int(number) for number in re.findall(r"\d+", torch.__version__)[:2])

says_as_2_13 = pytest.mark.skipif(VERSION < (2, 13), reason="an older PyTorch checks less, and says it in other words")
"""For tests of what PyTorch refuses, and in which words."""

counts_as_2_13 = pytest.mark.skipif(VERSION < (2, 13), reason="the counter of an older PyTorch does not look into modules")
"""For tests that compare with PyTorch's own counter of FLOPs."""
