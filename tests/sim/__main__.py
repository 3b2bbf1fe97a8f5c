"""Run the simulator: one seed with its verdict, or many; exit 1 on the first that fails.

python -m tests.sim --seed 17
python -m tests.sim --seeds 20000 --first 0
"""

import argparse
import sys
import time

from tests.sim.schedule import simulate


def main() -> int:
    """Parse, simulate, say."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--seeds", type=int, default=1000)
    said = parser.parse_args()
    seeds = [said.seed] if said.seed is not None else range(said.first, said.first + said.seeds)
    began, sends, crashes, failed = time.process_time(), 0, 0, 0
    for seed in seeds:
        verdict = simulate(seed)
        sends += verdict.sends
        crashes += verdict.crashes
        if not verdict.ok:
            failed += 1
            sys.stdout.write(f"seed {seed}: {'; '.join(verdict.problems)}\n")
    seconds = time.process_time() - began
    sys.stdout.write(
        f"{len(seeds):,} schedules, {len(seeds) / seconds:,.0f} a second and core, {crashes:,} crashes,"
        f" {sends:,} ids posted, {failed} failed\n"
    )
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
