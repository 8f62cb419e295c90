"""Holds SSDA903 files against the sector's open rules (2025-26 set). Usage: ssda903.py FOLDER...

Files that came from one folder are one return, as a council uploads it; a file made of another format is a return of its own.
A rule that fires is a finding, save where it fires at least as often for the 903 files it was made of. A file the validator
does not recognise as one of the return's is a finding.
"""
import collections
import contextlib
import importlib
import logging
import os
import pathlib
import sys

from known import new
from lac_validator.lac_validator import LacValidator

logging.disable(logging.CRITICAL)
YEAR = 2026
# EPI, "a child has no episodes in this return": a message of another format about one child becomes that child's header.
OF_A_WHOLE_RETURN = {"EPI"}
RULES = importlib.import_module(f"lac_validator.rules.lac{YEAR - 1}_{YEAR % 100}").registry


def fired(paths):
    """How often each rule fires for the files of a return, and the tables that were recognised."""
    # A file made of another format keeps that name: the validator goes by the ending.
    ending = lambda content: ".xml" if content.lstrip(b"\xef\xbb\xbf \r\n").startswith(b"<") else ".csv"
    read = [(p.stem, p.read_bytes()) for p in paths]
    files = [{"name": name + ending(c), "description": "This year", "file_content": c} for name, c in read]
    metadata = {"collectionYear": str(YEAR), "localAuthority": "E10000014"}
    with open(os.devnull, "w") as nowhere, contextlib.redirect_stdout(nowhere):
        run = LacValidator(metadata=metadata, files=files, registry=RULES)
    tables = {name: table for name, table in run.ds_results.items() if hasattr(table, "columns")}
    count = collections.Counter()
    for table in tables.values():
        for column in table.columns:
            if str(column).startswith("ERR_") and column[4:] not in OF_A_WHOLE_RETURN:
                count[column[4:]] += int((table[column] == True).sum())  # noqa: E712, a column of True and NaN
    return count, len(tables)


def source(folder, name):
    """The file an output was made of, when it was of this format."""
    roots = {"cases": "tests/cases/mappings", "demo": "docs/demo", "samples": os.environ.get("SOLENT_SAMPLES", "")}
    path = pathlib.Path(roots[folder.name], name.replace("__", "/"))
    return path if "ssda903" in name and path.suffix in (".csv", ".xml") and path.exists() else None


def returns(folders):
    """Returns: files written, and the files they were made of."""
    for folder in map(pathlib.Path, folders):
        together = collections.defaultdict(list)
        for path in sorted((folder / "ssda903").glob("*")):
            origin = source(folder, path.name)
            # A case has its input and its expected output in one folder: they are returns of their own.
            # A return in XML is whole in one file.
            of_one = origin and folder.name == "samples" and origin.suffix == ".csv"
            together[str(origin.parent) if of_one else path.name].append((path, origin))
        yield from together.items()


count = failed = 0
for name, pairs in returns(sys.argv[1:]):
    count += len(pairs)
    found = []
    try:
        after, tables = fired([path for path, _ in pairs])
        if tables < len(pairs):
            found.append(f"{len(pairs) - tables} files are not recognised")
        origins = [origin for _, origin in pairs if origin]
        before = fired(origins)[0] if origins and after else collections.Counter()
        found += [f"rule {rule}: {n} times" for rule, n in sorted((after - before).items())]
    except Exception as error:
        found.append(f"the validator cannot read it: {type(error).__name__}: {str(error)[:160]}")
    found = new("ssda903", name, found)
    if found:
        failed += 1
        print(pathlib.Path(name).name, "; ".join(found))
print(f"{count} documents, {failed} findings")
sys.exit(1 if failed or not count else 0)
