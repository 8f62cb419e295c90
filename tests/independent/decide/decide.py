"""A second decision procedure, one JSON line a file: `decide.py MATRIX.csv FACTS.json …` or `… --generate SEED COUNT`."""
import csv
import json
import sys

from generate import Maker
from procedure import decide


def read_matrix(path):
    with open(path, newline="", encoding="utf-8") as rows:
        return {(r["purpose"], r["role"], r["category"]): (r["with_permission"], r["without_permission"], r["override"] == "yes")
                for r in csv.DictReader(rows)}


def files(arguments):
    """(name, facts) of each file named or generated."""
    if arguments[:1] == ["--generate"]:
        seed, count = int(arguments[1]), int(arguments[2])
        for number in range(seed, seed + count):
            yield number, Maker(number).facts()
    else:
        for path in arguments:
            with open(path, encoding="utf-8") as source:
                yield path, json.load(source)


if __name__ == "__main__":
    cells = read_matrix(sys.argv[1])
    for name, facts in files(sys.argv[2:]):
        print(json.dumps({"file": name, "facts": facts, "decisions": decide(facts, cells)}))
