"""Holds AuditEvents that Solent wrote against programs that are not ours. Usage: audit_events.py FOLDER...

Each line of FOLDER/audit/*.ndjson is read by `fhir.resources` (R4B, a typed FHIR library), with SOLENT_SAMPLES validated with
the JSON schema HL7 publishes with R4, and held against the Basic Audit Log Patterns it claims (../independent/balp.py).
"""
import json, os, pathlib, sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "independent"))
import balp
from fhir_bundles import SAMPLES, schema_findings, typed


def main():
    schema = None
    if SAMPLES:
        schema = json.loads(pathlib.Path(SAMPLES, "fhir", "schema", "fhir.schema.json").read_text())
    events = findings = 0
    for folder in sys.argv[1:]:
        for file in sorted(pathlib.Path(folder, "audit").glob("*.ndjson")):
            for line in open(file, encoding="utf-8"):
                event = json.loads(line)
                events += 1
                said = typed(event) + balp.check(event)[0]
                if schema:
                    said += schema_findings(event, schema)
                for text in said:
                    findings += 1
                    print(f"{file}: {event.get('id')}: {text}")
    print(f"{events} documents, {findings} findings")
    return 1 if findings or not events else 0


if __name__ == "__main__":
    sys.exit(main())
