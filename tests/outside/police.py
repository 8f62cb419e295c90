"""Holds police notifications against the published XSD (libxml2) and JSON schema. Usage: police.py FOLDER...

The schemas come from the public samples (SOLENT_SAMPLES); without them nothing can be judged.
"""
import json
import os
import pathlib
import sys

from jsonschema.validators import validator_for
from lxml import etree

niem = pathlib.Path(os.environ["SOLENT_SAMPLES"], "niem")
xsd = etree.XMLSchema(etree.parse(str(niem / "xsd" / "police-notification.xsd")))
schema = json.loads((niem / "police-notification.schema.json").read_text())
validator = validator_for(schema)(schema)
count = failed = 0
for folder in sys.argv[1:]:
    for path in sorted(pathlib.Path(folder, "police-xml").glob("*")):
        for part in path.read_bytes().split(b"<?xml")[1:]:
            count += 1
            if not xsd.validate(etree.fromstring(b"<?xml" + part)):
                failed += 1
                print(path.name, [e.message for e in xsd.error_log][:3])
    for path in sorted(pathlib.Path(folder, "police").glob("*")):
        text = path.read_text()
        try:
            parts = [json.loads(text)]
        except ValueError:
            parts = [json.loads(line) for line in text.splitlines()]
        for part in parts:
            count += 1
            faults = list(validator.iter_errors(part))
            if faults:
                failed += 1
                print(path.name, ["/".join(map(str, e.absolute_path)) + ": " + e.message[:200] for e in faults][:3])
print(f"{count} documents, {failed} findings")
sys.exit(1 if failed or not count else 0)
