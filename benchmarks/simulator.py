"""How many simulated schedules a core manages in a second: crashes, faults, recovery, all checks included.

    python benchmarks/simulator.py [--schedules 1000]

It counts processor time, so that what else the machine does matters little. With 250 the 20,000 schedules of
a change take 40 s on two cores.
"""

import argparse
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tests.sim.schedule import simulate


def main() -> int:
    """Measure, say."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--schedules", type=int, default=1_000)
    count = parser.parse_args().schedules
    simulate(0)  # what is made once only
    began = time.process_time()
    failed = [seed for seed in range(count) if not simulate(seed).ok]
    rate = count / (time.process_time() - began)
    print(f"{rate:,.0f} schedules a second and core, {count:,} tried, {len(failed)} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
