"""`make fuzz`: let atheris make up input, led by which code it reaches, for so many seconds."""

import argparse
import sys

import atheris

with atheris.instrument_imports(include=["chassis"]):
    from tests.fuzz.targets import SEEDS, TARGETS


def one(data: bytes) -> None:
    """Give the same bytes to every target."""
    for target in TARGETS:
        target(data)


def main() -> None:
    """Run until the time is over, or until something fails; libFuzzer then writes the input to a file and names it."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=int, default=60)
    options = parser.parse_args()
    for seed in SEEDS:
        one(seed)
    atheris.Setup([sys.argv[0], f"-max_total_time={options.seconds}", "-max_len=4096", "-print_final_stats=1"], one)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
