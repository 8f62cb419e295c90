#!/usr/bin/env python3
"""Mutated messages, mappings and configuration through the real program: never a crash, never a hang.

    cargo build && tests/fuzz/run.py target/debug/solent [--seconds 60] [--only csv] [--seed 1]

For each target the fixtures of this repository are damaged (bytes flipped, cut, doubled, spliced with another fixture,
numbers and marks of the syntax put in) and given to the program, one process each. A panic (exit 101), a signal, or more
than 20 seconds is a finding: the input is kept and named, and the exit code is 1. Refusals are what we want.
"""
import argparse, glob, os, random, subprocess, sys, tempfile, time

HOPELESS = 20  # seconds one input may take
BYTES_MAX = 200_000
TARGETS = {
    # name: (fixtures, command with FILE, bits of the syntax)
    "json": (["tests/cases/mappings/mhsds/*/*/input.json"], ["translate", "--from", "mhsds", "--to", "mhsds", "FILE"],
             [b"{", b"}", b"[", b"]", b'"', b"\\u0000", b"\\ud800", b"1e999", b"-0", b"null", b'"a":', b","]),
    "canonical": (["tests/cases/mappings/*/*/*/record.json"], ["translate", "--from", "canonical", "--to", "fhir-r4-json", "FILE"],
                  [b"[]", b"{}", b'"id"', b'"label"', b'"V"', b"null", b'""']),
    "fhir": (["tests/cases/mappings/fhir-r4-json/*/*/input.json"],
             ["translate", "--from", "fhir-r4-json", "--to", "fhir-r4-json", "FILE"],
             [b'"resourceType":"Patient"', b'"fullUrl":"urn:uuid:"', b'"@url":1', b"[null]", b'"entry":', b"{}"]),
    "xml": (["tests/cases/mappings/cin-census/*/*/input.xml"], ["translate", "--from", "cin-census", "--to", "cin-census", "FILE"],
            [b"<", b">", b"&#0;", b"&#x110000;", b"<!DOCTYPE a>", b"<![CDATA[", b"]]>", b"xmlns=''", b"<a:b>", b"<?x?>"]),
    "csv": (["tests/cases/mappings/ndtms/*/*/input.csv", "tests/cases/mappings/ssda903/*/*/input.csv"],
            ["translate", "--from", "ndtms", "--to", "ndtms", "FILE"], [b'"', b",", b"\r", b"\n", b"\t", b";", b"\xef\xbb\xbf", b"\xff", b"NA"]),
    "hl7v2": (["tests/cases/mappings/hl7v2/*/*/input.hl7"], ["read", "--from", "hl7v2", "FILE"],
              [b"|", b"^", b"~", b"&", b"\\", b"\\X0D\\", b"\r", b"MSH|^~\\&", b'""', b"\x0b", b"\x1c"]),
    "bimap": (["mappings/*/*.bimap"], ["mapping", "fmt", "FILE"],
              [b"{", b"}", b"<->", b"each", b"label", b'"', b"[", b"]", b"choice {", b"#", b"fragment a { include a }"]),
    "facts": (["tests/cases/sharing/*.yaml", "tests/cases/sharing/bad/*.yaml"], ["decide", "--facts", "FILE"],
              [b"- ", b": ", b"&a ", b"*a", b"!!binary ", b"{", b"[", b"\t", b"'", b"2026-02-30", b"~"]),
}


def fixtures(patterns):
    found = [open(f, "rb").read() for p in patterns for f in sorted(glob.glob(p))]
    return [f for f in found if 0 < len(f) <= BYTES_MAX]


def mutate(rng, seeds, bits):
    data = bytearray(rng.choice(seeds))
    for _ in range(rng.choice([1, 1, 2, 4, 16])):
        at = rng.randrange(len(data) + 1)
        end = min(len(data), at + rng.choice([1, 1, 2, 8, 64, 1024]))
        way = rng.randrange(7)
        if way == 0 and at < len(data):
            data[at] = rng.randrange(256)
        elif way == 1:
            del data[at:end]
        elif way == 2:
            data[at:at] = data[at:end] * rng.choice([1, 2, 50])
        elif way == 3:
            data[at:at] = rng.choice(bits) * rng.choice([1, 1, 1, 3, 300])
        elif way == 4:
            other = rng.choice(seeds)
            start = rng.randrange(len(other) + 1)
            data[at:end] = other[start:start + rng.choice([8, 64, 1024])]
        elif way == 5:
            data[at:end] = rng.choice([b"", b"0", b"-1", b"99999999999999999999", b"\x00", "ß\u202e".encode()])
        else:
            data = data[:at] or data
    return bytes(data[:BYTES_MAX])


def main():
    args = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    args.add_argument("solent")
    args.add_argument("--seconds", type=float, default=60, help="for each target")
    args.add_argument("--only", choices=sorted(TARGETS))
    args.add_argument("--seed", type=int, default=1)
    args.add_argument("--dir", help="content set to use instead of the built-in one")
    opt = args.parse_args()
    os.chdir(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
    keep = os.path.join(tempfile.gettempdir(), "solent-fuzz")
    findings = 0
    print(f"{'target':<10} {'inputs':>7} {'taken':>6} {'refused':>8} {'findings':>9}")
    for name, (patterns, command, bits) in TARGETS.items():
        if opt.only not in (None, name):
            continue
        seeds = fixtures(patterns)
        if not seeds:
            print(f"{name:<10} no fixtures")
            continue
        rng, until, count = random.Random(f"{opt.seed} {name}"), time.monotonic() + opt.seconds, {0: 0, 1: 0, "bad": 0}
        with tempfile.NamedTemporaryFile(suffix=".bimap" if name == "bimap" else ".in") as file:
            own = ["--dir", opt.dir] if opt.dir and name != "bimap" else []
            line = [opt.solent] + [file.name if w == "FILE" else w for w in command] + own
            while time.monotonic() < until:
                data = mutate(rng, seeds, bits)
                with open(file.name, "wb") as target:
                    target.write(data)
                try:
                    code = subprocess.run(line, capture_output=True, timeout=HOPELESS).returncode
                except subprocess.TimeoutExpired:
                    code = "hang"
                if code in (0, 1, 2):
                    count[0 if code == 0 else 1] += 1
                    continue
                count["bad"] += 1
                os.makedirs(keep, exist_ok=True)
                kept = os.path.join(keep, f"{name}-{count['bad']}")
                with open(kept, "wb") as target:
                    target.write(data)
                print(f"  {name}: exit {code}: {kept}")
        findings += count["bad"]
        print(f"{name:<10} {count[0] + count[1] + count['bad']:>7} {count[0]:>6} {count[1]:>8} {count['bad']:>9}", flush=True)
    sys.exit(1 if findings else 0)


if __name__ == "__main__":
    main()
