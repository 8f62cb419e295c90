"""Formats without a public validator: at least their syntax is read by programs that are not ours. Usage: plain.py FOLDER...

CTF by libxml2; NDTMS, MHSDS and school CSV by Python's csv module (every row as long as the header); MHSDS, school and CSC
payloads in JSON by Python's json module, without duplicate keys.
"""
import csv
import io
import json
import pathlib
import sys

from lxml import etree

csv.field_size_limit(1 << 24)


def once(pairs):
    assert len({k for k, _ in pairs}) == len(pairs), "a key stands twice"
    return dict(pairs)


def tables(rows):
    """MHSDS: a blank line between tables; a table begins with its name, alone in its row, where there are several."""
    found = [[]]
    for row in rows:
        if row:
            found[-1].append(row)
        else:
            found.append([])
    return [t[1:] if len(t[0]) == 1 and t[0][0].startswith("MHS") else t for t in found if t]


def check(kind, data):
    text = data.decode("utf-8-sig")
    if kind == "ctf":
        for part in data.split(b"<?xml")[1:]:
            etree.fromstring(b"<?xml" + part)
    elif text.lstrip().startswith(("{", "[")):
        try:
            json.loads(text, object_pairs_hook=once)
        except json.JSONDecodeError:
            [json.loads(line, object_pairs_hook=once) for line in text.splitlines()]
    else:
        rows = list(csv.reader(io.StringIO(text, newline=""), strict=True))
        for table in tables(rows) if kind == "mhsds" else [rows]:
            assert len(table) > 1, "no rows"
            assert all(len(r) == len(table[0]) for r in table), "a row is not as long as the header"


count = failed = 0
for folder in sys.argv[1:]:
    for kind in ("ctf", "school-concern", "ndtms", "mhsds", "csc-api"):
        for path in sorted(pathlib.Path(folder, kind).glob("*")):
            count += 1
            try:
                check(kind, path.read_bytes())
            except Exception as error:
                failed += 1
                print(f"{kind}/{path.name}: {type(error).__name__}: {str(error)[:200]}")
print(f"{count} documents, {failed} findings")
sys.exit(1 if failed or not count else 0)
