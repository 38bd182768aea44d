"""What watching costs: a training loop alone and under ``rnndims trace``, in turn, and the ratio of their times.

Usage: ``python benchmarks/trace_overhead.py [--pairs 10] [--steps 300]``. Each pair is two processes; the program times its own
loop, so that starting Python and importing torch are left out. What is printed is the median of the ratios, and the spread.
"""

import argparse
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

PROGRAM = """
import sys, time
import torch
from torch import nn

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.rnn = nn.{rnn}
        self.fc = nn.Linear({width}, 5)
    def forward(self, x):
        out, _ = self.rnn(x)
        return self.fc(out[:, -1])

torch.manual_seed(0)
torch.set_num_threads(1)
net = Net()
opt = torch.optim.Adam(net.parameters())
x, y = torch.randn({batch}, {steps}, 16), torch.randint(5, ({batch},))
start = time.perf_counter()
for step in range(int(sys.argv[1])):
    loss = nn.functional.cross_entropy(net(x), y)
    opt.zero_grad()
    loss.backward()
    opt.step()
print(time.perf_counter() - start)
"""
CASES = {
    "GRU(16, 16), batch 4, 8 steps": {"rnn": "GRU(16, 16, batch_first=True)", "width": 16, "batch": 4, "steps": 8},
    "LSTM(16, 64, 2), batch 32, 20 steps": {"rnn": "LSTM(16, 64, 2, batch_first=True)", "width": 64, "batch": 32, "steps": 20},
}


def seconds(command: list[str]) -> float:
    """The time that the program has printed."""
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return float(done.stdout)


def main() -> None:
    """Print one line for each case."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=10)
    parser.add_argument("--steps", type=int, default=300)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "program.py"
        for name, sizes in CASES.items():
            path.write_text(PROGRAM.format(**sizes))
            words = [str(path), str(args.steps)]
            plain_command, traced_command = (
                [sys.executable, *words],
                [sys.executable, "-m", "rnndims", "trace", "--quiet", *words],
            )
            pairs = [(seconds(plain_command), seconds(traced_command)) for _ in range(args.pairs)]
            ratios = sorted(traced / plain for plain, traced in pairs)
            plain = statistics.median(pair[0] for pair in pairs)
            middle = statistics.median(ratios)
            print(f"{name}, {args.steps} steps: {middle:.3f} ({ratios[0]:.3f} to {ratios[-1]:.3f}), alone {plain:.2f} s")


if __name__ == "__main__":
    main()
