"""Runs the open rule validator for the children in need census over files and prints the rules that fire.

Needs the package csc-validator-be-cin (MIT). Usage: python cin_rules.py FILE...
"""
import importlib
import sys
import xml.etree.ElementTree as ET

from cin_validator import cin_validator

rules = importlib.import_module("cin_validator.rules.cin2025_26").registry
for path in sys.argv[1:]:
    data = cin_validator.process_data(cin_validator.convert_data(ET.parse(path).getroot()))
    found = cin_validator.CinValidator(data, rules)
    codes = sorted(set(found.full_issue_df["rule_code"])) + sorted(set(found.multichild_issues["rule_code"]))
    print(path.rsplit("/", 1)[-1], "rules that fire:", ", ".join(map(str, codes)) or "none")
