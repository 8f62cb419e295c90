"""Runs the open rule validator for the children in need census over a file and prints the rules that fire.

Needs the package csc-validator-be-cin (MIT). Usage: python cin_rules.py FILE
"""
import sys

from cin_validator import cin_validator

for path in sys.argv[1:]:
    with open(path, "rb") as file:
        text = file.read()
    try:
        from cin_validator.ingress import XMLtoCSV
        import xml.etree.ElementTree as ET
        import importlib

        rules = importlib.import_module("cin_validator.rules.cin2025_26").registry
        data = XMLtoCSV(ET.fromstring(text))
        found = cin_validator.CinValidator(data, rules)
        print(path, found.full_issue_df.get("rule_code", []).value_counts().to_dict() if len(found.full_issue_df) else "no rule fires")
    except Exception as error:  # the package changes its interface between versions
        print(path, "the validator could not be run:", error)
        sys.exit(1)
