"""Runs the sector's open rule set for the SSDA903 over CSV files and prints the rules that fire.

    python3 -m venv V && V/bin/pip install csc-validator-be-903
    V/bin/python tests/outside/ssda903.py FOLDER [--year 2026] [--against FOLDER]

FOLDER holds the files of one return, as `solent translate --to ssda903` writes them. With --against, only rules that
fire more often than for the other folder are printed, and the exit code is 1 when there are any.
"""
import argparse
import collections
import importlib
import logging
import pathlib
import sys

from lac_validator.lac_validator import LacValidator

logging.disable(logging.CRITICAL)


def fired(folder, year):
    """How often each rule fires for the files of a folder, and how many rules could run."""
    rules = importlib.import_module(f"lac_validator.rules.lac{year - 1}_{year % 100}").registry
    files = [
        {"name": path.name, "description": "This year", "file_content": path.read_bytes()}
        for path in sorted(pathlib.Path(folder).glob("*.csv"))
    ]
    metadata = {"collectionYear": str(year), "localAuthority": "E10000014"}
    run = LacValidator(metadata=metadata, files=files, registry=rules)
    count = collections.Counter()
    for table in (t for t in run.ds_results.values() if hasattr(t, "columns")):
        for column in table.columns:
            if str(column).startswith("ERR_"):
                count[column[4:]] += int((table[column] == True).sum())  # noqa: E712, a column of True and NaN
    return count, len(run.dones)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folder")
    parser.add_argument("--year", type=int, default=2026)
    parser.add_argument("--against")
    args = parser.parse_args()
    count, ran = fired(args.folder, args.year)
    before = fired(args.against, args.year)[0] if args.against else collections.Counter()
    more = {rule: n - before[rule] for rule, n in count.items() if n > before[rule]}
    print(f"{ran} rules ran, {sum(count.values())} findings, {sum(more.values())} of them new")
    for rule, n in sorted(more.items()):
        print(f"rule {rule}: {n} more")
    sys.exit(1 if more and args.against else 0)


if __name__ == "__main__":
    main()
