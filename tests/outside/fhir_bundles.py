#!/usr/bin/env python3
"""Holds Bundles that solent writes against programs that are not ours.

Every file named is given to `solent` and written as FHIR JSON and as FHIR XML; each Bundle that comes out is
  1. read by `fhir.resources` (R4B, a typed FHIR library) with its fixed value sets,
  2. validated with the JSON schema HL7 publishes with R4, resource by resource (when FHIR_SCHEMA names the file),
  3. for XML: turned into JSON by a small reader of its own and compared with the JSON output, and its elements are
     checked to stand in the order HL7's schema lists them.
R4 gives no reason to be lenient: any finding fails.

    pip install fhir.resources jsonschema
    FHIR_SCHEMA=fhir.schema.json tests/outside/fhir_bundles.py SOLENT FORMAT FILE...
"""
import importlib, json, os, subprocess, sys
import xml.etree.ElementTree as ET

NS = "{http://hl7.org/fhir}"


def run(solent, source, target, file):
    args = [solent, "translate", "--from", source, "--to", target, file]
    if os.environ.get("SOLENT_DIR"):
        args[2:2] = ["--dir", os.environ["SOLENT_DIR"]]
    done = subprocess.run(args, capture_output=True, text=True)
    return done.returncode, done.stdout, done.stderr


def typed(bundle):
    """Findings of fhir.resources."""
    found = []
    for part in [bundle] + [e["resource"] for e in bundle.get("entry", []) if "resource" in e]:
        kind = part["resourceType"]
        module = importlib.import_module("fhir.resources.R4B." + kind.lower())
        try:
            getattr(module, kind).model_validate(part)
        except Exception as error:  # the library's own error type differs between its releases
            found.append(f"{kind}: {str(error)[:300]}")
    return found


def schema_findings(bundle, schema):
    from jsonschema import Draft7Validator
    found = []
    for part in [e["resource"] for e in bundle.get("entry", []) if "resource" in e] + [bundle]:
        kind = part["resourceType"]
        # A reference instead of the 148 branches of the root; a Bundle's resources have been looked at one by one.
        shell = {k: v for k, v in part.items() if k != "entry"} if kind == "Bundle" else part
        validator = Draft7Validator({"$ref": f"#/definitions/{kind}", "definitions": schema["definitions"]})
        found += [f"{kind}: {'/'.join(map(str, e.absolute_path))}: {e.message[:160]}" for e in validator.iter_errors(shell)]
    return found


def invariants(bundle):
    """bdl-3, bdl-7, bdl-9 to bdl-12 as far as they concern what is written here, and references that lead nowhere."""
    found, urls = [], [e.get("fullUrl") for e in bundle.get("entry", [])]
    kinds = [e.get("resource", {}).get("resourceType") for e in bundle.get("entry", [])]
    if bundle["type"] == "message" and kinds[:1] != ["MessageHeader"]:
        found.append("bdl-12: a message begins with a MessageHeader")
    if bundle["type"] in ("transaction", "batch") and not all("request" in e for e in bundle["entry"]):
        found.append("bdl-3: every entry has a request")
    given = [u for u in urls if u]
    if len(given) != len(set(given)):
        found.append("bdl-7: fullUrl is unique")

    def walk(node):
        if isinstance(node, dict):
            target = node.get("reference")
            if isinstance(target, str) and target.startswith("urn:uuid:") and target not in given:
                found.append("a urn:uuid reference leads to no entry")
            for inner in node.values():
                walk(inner)
        elif isinstance(node, list):
            for inner in node:
                walk(inner)

    walk(bundle)
    return found


def from_xml(element, kind, schema, found):
    """An element as JSON, by HL7's schema; notes elements out of order."""
    definition = schema["definitions"].get(kind, {}).get("properties", {})
    order = [n for n in definition if not n.startswith("_")]
    out, last = {}, -1
    for name, value in element.attrib.items():
        if name in ("id", "url"):
            out[name] = value
    for child in element:
        name = child.tag.removeprefix(NS)
        place = order.index(name) if name in order else -1
        if place < 0 or place < last:
            found.append(f"{kind}.{name} is out of order or unknown")
        last = max(last, place)
        spec = definition.get(name, {})
        many = spec.get("type") == "array"
        inner = (spec.get("items", spec)).get("$ref", "").rsplit("/", 1)[-1]
        if inner == "ResourceList":
            resource = child[0]
            value = {"resourceType": resource.tag.removeprefix(NS)}
            value.update(from_xml(resource, value["resourceType"], schema, found))
        elif "value" in child.attrib:
            value = child.attrib["value"]
            numeric = inner in ("decimal", "integer", "positiveInt", "unsignedInt") or spec.get("type") == "number"
            boolean = inner == "boolean" or spec.get("type") == "boolean"
            value = json.loads(value) if numeric or boolean else value
        else:
            value = from_xml(child, inner, schema, found)
        if many:
            out.setdefault(name, []).append(value)
        else:
            out[name] = value
    return out


def main():
    solent, source, files = sys.argv[1], sys.argv[2], sys.argv[3:]
    schema_file = os.environ.get("FHIR_SCHEMA")
    schema = json.load(open(schema_file)) if schema_file else None
    bundles = refused = bad = 0
    for file in files:
        code, text, said = run(solent, source, "fhir-r4-json", file)
        if code != 0:
            refused += 1
            continue
        lines = text.splitlines() if text.startswith("{") and text.splitlines()[0].endswith("}") else [text]
        made = [json.loads(line) for line in lines if line.strip()]
        xml = run(solent, source, "fhir-r4-xml", file)[1]
        documents = ["<?xml" + part for part in xml.split("<?xml")[1:]]
        for bundle, document in zip(made, documents, strict=True):
            bundles += 1
            found = typed(bundle) + invariants(bundle)
            if schema:
                found += schema_findings(bundle, schema)
                root = ET.fromstring(document)
                again = {"resourceType": root.tag.removeprefix(NS)} | from_xml(root, "Bundle", schema, found)
                if again != bundle:
                    found.append("XML and JSON say different things")
            if found:
                bad += 1
                print(file)
                for line in found[:12]:
                    print("   ", line)
    print(f"{bundles} Bundles checked, {bad} with findings; {refused} of {len(files)} files refused")
    return 1 if bad or not bundles else 0


sys.exit(main())
