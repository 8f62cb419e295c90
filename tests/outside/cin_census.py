"""Holds census files against the published XSDs (libxml2) and the sector's open rules. Usage: cin_census.py FOLDER...

What is written must be valid by the XSD of its year where one is published. Rules: an error rule (its code has no Q) that
fires is a finding, save where the same rule fires at least as often for a census file it was made of, which said so
itself. Queries (Q) are only counted: they ask a council to look, and a census may be right all the same.
"""
import collections
import contextlib
import importlib
import os
import pathlib
import sys
import xml.etree.ElementTree as ET

from cin_validator import cin_validator
from known import new as unknown
from lxml import etree

samples = os.environ.get("SOLENT_SAMPLES")
rules = importlib.import_module("cin_validator.rules.cin2025_26").registry


def schema(year):
    """The XSD of a year; none is published for the years before 2022, and the one of 2022 serves until 2023."""
    name = {"2022": "2024", "2023": "2024", "2024": "2024", "2025": "2026", "2026": "2026"}.get(year)
    return etree.XMLSchema(etree.parse(f"{samples}/cin/CIN_schema_{name}.xsd")) if samples and name else None


def fired(path):
    """How often each rule fires for a file."""
    with open(os.devnull, "w") as nowhere, contextlib.redirect_stdout(nowhere):
        data = cin_validator.process_data(cin_validator.convert_data(ET.parse(path).getroot()))
        found = cin_validator.CinValidator(data, rules)
    count = collections.Counter()
    for frame in (found.full_issue_df, found.multichild_issues):
        if "rule_code" in frame:
            count.update(str(code) for code in frame["rule_code"])
    return count


def source(folder, name):
    """The census file that an output was made of, when it was one."""
    roots = {"cases": "tests/cases/mappings", "demo": "docs/demo", "samples": samples or ""}
    path = pathlib.Path(roots[pathlib.Path(folder).name], name.replace("__", "/"))
    is_census = path.suffix == ".xml" and path.exists() and b"<Message" in path.read_bytes()[:4000]
    return path if is_census else None


count = failed = queries = 0
said = collections.Counter()
for folder in sys.argv[1:]:
    for path in sorted(pathlib.Path(folder, "cin-census").glob("*")):
        count += 1
        found = []
        tree = etree.parse(str(path))
        xsd = schema(tree.findtext(".//CollectionDetails/Year"))
        if xsd is not None and not xsd.validate(tree):
            found += [f"XSD line {e.line}: {e.message}" for e in xsd.error_log][:3]
        try:
            rules_now = fired(path)
        except Exception as error:
            found.append(f"the rule validator cannot read it: {type(error).__name__}: {str(error)[:120]}")
            rules_now = collections.Counter()
        if rules_now:
            before = collections.Counter()
            if origin := source(folder, path.name):
                try:
                    before = fired(origin)
                except Exception:
                    pass  # a faulty original says nothing about ours
            new = rules_now - before
            queries += sum(n for c, n in new.items() if c.endswith("Q"))
            errors = {c: n for c, n in new.items() if not c.endswith("Q")}
            said.update(errors.keys())
            found += [f"rule {c}: {n} times" for c, n in sorted(errors.items())]
        found = unknown("cin-census", path.name, found)
        if found:
            failed += 1
            print(path.name, "; ".join(found))
print(f"queries: {queries}; error rules by files: {dict(said)}")
print(f"{count} documents, {failed} findings")
sys.exit(1 if failed or not count else 0)
