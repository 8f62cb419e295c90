"""Holds FHIR Bundles that Solent wrote against programs that are not ours. Usage: fhir_bundles.py FOLDER...

Each Bundle below FOLDER/fhir-r4-json is
  1. read by `fhir.resources` (R4B, a typed FHIR library),
  2. with SOLENT_SAMPLES: validated with the JSON schema HL7 publishes with R4, resource by resource (it holds the required
     codes), and held against the UK Core profiles of its types: how often an element may and must stand, NHS number and
     other identifiers, extensions that exist, once, with a value of their type,
  3. held against invariants of R4: of Bundles, references, extensions, periods, conditions, observations, narrative,
  4. compared with the same Bundle below FOLDER/fhir-r4-xml, which a small reader of its own turns into JSON; the elements of
     that must stand in the order HL7's schema lists them.
Any finding fails.
"""
import importlib, json, os, pathlib, sys
import xml.etree.ElementTree as ET

from known import new

NS = "{http://hl7.org/fhir}"
XHTML = "{http://www.w3.org/1999/xhtml}"
SAMPLES = os.environ.get("SOLENT_SAMPLES")


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


CLINICAL = {"active", "recurrence", "relapse", "inactive", "remission", "resolved"}
VERIFICATION = {"unconfirmed", "provisional", "differential", "confirmed", "refuted", "entered-in-error"}


def codes(concept, system_end):
    """The codes of a concept in the code system whose name ends so."""
    return {c.get("code") for c in concept.get("coding", []) if c.get("system", "").endswith(system_end)}


def of_condition(resource, found):
    clinical = codes(resource.get("clinicalStatus", {}), "condition-clinical")
    verification = codes(resource.get("verificationStatus", {}), "condition-ver-status")
    if "clinicalStatus" in resource and not (clinical and clinical <= CLINICAL):
        found.append("Condition.clinicalStatus is not of its required value set")
    if "verificationStatus" in resource and not (verification and verification <= VERIFICATION):
        found.append("Condition.verificationStatus is not of its required value set")
    if "entered-in-error" in verification and clinical:
        found.append("con-5: no clinical status when entered in error")
    if any(k.startswith("abatement") for k in resource) and clinical & {"active", "recurrence", "relapse"}:
        found.append("con-4: what has abated is not active")


def of_observation(resource, found):
    has_value = any(k.startswith("value") for k in resource)
    if has_value and "dataAbsentReason" in resource:
        found.append("obs-6: a value, or why there is none")
    own = [(c.get("system"), c.get("code")) for c in resource.get("code", {}).get("coding", [])]
    for part in resource.get("component", []):
        other = [(c.get("system"), c.get("code")) for c in part.get("code", {}).get("coding", [])]
        if has_value and set(own) & set(other):
            found.append("obs-7: a component says what the observation says")


RULES = {"Condition": of_condition, "Observation": of_observation}


def anywhere(node, contained, found):
    """Rules of data types, wherever they stand."""
    if isinstance(node, list):
        for inner in node:
            anywhere(inner, contained, found)
    if not isinstance(node, dict):
        return
    if not node:
        found.append("ele-1: an element says something")
    start, end = node.get("start"), node.get("end")
    if isinstance(start, str) and isinstance(end, str) and start[:10] > end[:10] and len(start) >= 10 <= len(end):
        found.append("per-1: a period ends before it begins")
    for extension in node.get("extension", []) + node.get("modifierExtension", []):
        has_value = any(k.startswith(("value", "_value")) for k in extension)
        if has_value == ("extension" in extension):
            found.append("ext-1: an extension has a value or extensions, not both")
        if ":" not in extension.get("url", "") and "extension" not in found and extension.get("url", "").startswith("http"):
            found.append("an extension's url is no URI")
    target = node.get("reference")
    if isinstance(target, str) and target.startswith("#") and target[1:] not in contained and target != "#":
        found.append("ref-1: a local reference leads nowhere")
    if node.keys() >= {"status", "div"}:
        try:
            div = ET.fromstring(node["div"])
            if div.tag != XHTML + "div":
                found.append("txt-1: a narrative is a div of XHTML")
            if not "".join(div.itertext()).strip():
                found.append("txt-2: a narrative says something")
        except ET.ParseError:
            found.append("txt-1: a narrative is well-formed XHTML")
    for inner in node.values():
        anywhere(inner, contained, found)


def invariants(bundle):
    """Rules of R4 beyond its schema, as far as they concern what is written here."""
    found, entries = [], bundle.get("entry", [])
    resources = [e["resource"] for e in entries if "resource" in e]
    kind = bundle["type"]
    if kind == "message" and (not resources or resources[0]["resourceType"] != "MessageHeader"):
        found.append("bdl-12: a message begins with a MessageHeader")
    if kind == "document" and (not resources or resources[0]["resourceType"] != "Composition"):
        found.append("bdl-11: a document begins with a Composition")
    if entries and (kind in ("transaction", "batch", "history")) != any("request" in e for e in entries):
        found.append("bdl-3: requests stand in a transaction or batch")
    if kind == "document" and not bundle.keys() >= {"identifier", "timestamp"}:
        found.append("bdl-9, bdl-10: a document has an identifier and a date")
    given = [e["fullUrl"] for e in entries if "fullUrl" in e]
    if len(given) != len(set(given)):
        found.append("bdl-7: fullUrl is unique")
    if kind in ("collection", "message", "document", "searchset") and len(given) != len(resources):
        found.append("bdl-14: every entry has a fullUrl")
    for entry in entries:
        url, own = entry.get("fullUrl", ""), entry.get("resource", {}).get("id")
        if url.startswith("http") and own and not url.endswith("/" + own):
            found.append("bdl-8: the fullUrl ends in the id")
    known = set(given) | {f"{r['resourceType']}/{r['id']}" for r in resources if "id" in r}

    def follow(node):
        if isinstance(node, dict):
            target = node.get("reference")
            # A relative reference may lead to the sender's server; one by UUID leads to the Bundle or nowhere.
            if isinstance(target, str) and target.startswith("urn:") and target not in known:
                found.append("a reference leads to no entry")
            for inner in node.values():
                follow(inner)
        elif isinstance(node, list):
            for inner in node:
                follow(inner)

    follow(bundle)
    for resource in resources:
        contained = {c.get("id") for c in resource.get("contained", [])}
        anywhere(resource, contained, found)
        RULES.get(resource["resourceType"], lambda *_: None)(resource, found)
    return found


class UkCore:
    """What the differentials of UK Core ask of a type, without its slices by value set."""

    def __init__(self, folder):
        self.rules, self.extensions = {}, {}
        for file in sorted((folder / "profiles").glob("*.xml")):
            root = ET.parse(file).getroot()
            kind, rules = self.value(root, "type"), []
            for element in root.iter(NS + "element"):
                low, high = self.value(element, "min"), self.value(element, "max")
                profile = element.find(f"{NS}type/{NS}profile")
                fixed = [c.attrib.get("value") for c in element if c.tag.startswith(NS + "fixed")]
                rules.append((element.attrib["id"], low, high, profile.attrib["value"] if profile is not None else None, fixed))
            self.rules[kind] = rules
        for file in sorted((folder / "extensions").glob("*.xml")):
            root = ET.parse(file).getroot()
            kinds = set()
            for element in root.iter(NS + "element"):
                if element.attrib["id"] == "Extension.value[x]" and self.value(element, "max") != "0":
                    kinds = {self.value(t, "code") for t in element.findall(NS + "type")}
            self.extensions[self.value(root, "url")] = kinds

    @staticmethod
    def value(element, name):
        child = element.find(NS + name)
        return child.attrib.get("value") if child is not None else None

    def findings(self, resource):
        found, kind = [], resource["resourceType"]
        rules = self.rules.get(kind, [])
        systems = {i[: -len(".system")]: f[0] for i, _, _, _, f in rules if i.endswith(".system") and f}
        for name, low, high, profile, _ in rules:
            steps = name.split(".")[1:]
            if not steps:
                continue
            if ":" not in name:
                for parent in self.at(resource, steps[:-1]):
                    self.counted(name, self.there(parent, steps[-1]), low, high, found)
            elif profile and ":" in steps[-1] and ":" not in ".".join(steps[:-1]):
                for parent in self.at(resource, steps[:-1]):
                    many = [e for e in parent.get("extension", []) if e.get("url") == profile]
                    self.counted(name, len(many), low, high, found)
            elif name in systems and ":" not in ".".join(steps[:-1]):
                for parent in self.at(resource, steps[:-1]):
                    ours = [i for i in parent.get(steps[-1].split(":")[0], []) if i.get("system") == systems[name]]
                    self.counted(name, len(ours), low, high, found)
                    if any("value" not in i for i in ours):
                        found.append(f"{name}.value is missing")
        self.known(resource, kind, found)
        return found

    @staticmethod
    def there(parent, step):
        if step.endswith("[x]"):
            return sum(k.startswith(step[:-3]) for k in parent)
        got = parent.get(step)
        return len(got) if isinstance(got, list) else int(got is not None)

    def at(self, node, steps):
        nodes = [node]
        for step in steps:
            nodes = [i for n in nodes for i in (lambda g: g if isinstance(g, list) else [g])(n.get(step, [])) if isinstance(i, dict)]
        return nodes

    @staticmethod
    def counted(name, many, low, high, found):
        if low and many < int(low):
            found.append(f"UK Core: {name} stands {many} times, at least {low}")
        if high and high != "*" and many > int(high):
            found.append(f"UK Core: {name} stands {many} times, at most {high}")

    def known(self, node, at, found):
        if isinstance(node, list):
            for inner in node:
                self.known(inner, at, found)
        elif isinstance(node, dict):
            for extension in node.get("extension", []) if isinstance(node.get("extension"), list) else []:
                url = extension.get("url", "")
                if url.startswith("https://fhir.hl7.org.uk/"):
                    kinds = self.extensions.get(url)
                    values = [k[len("value"):] for k in extension if k.startswith("value")]
                    if kinds is None:
                        found.append(f"UK Core has no extension {url.rsplit('/', 1)[-1]}")
                    elif kinds and not all(v[:1].lower() + v[1:] in kinds or v in kinds for v in values):
                        found.append(f"UK Core: {url.rsplit('/', 1)[-1]} takes {sorted(kinds)}")
            for inner in node.values():
                self.known(inner, at, found)


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
        elif name == "div":
            value = ET.canonicalize(ET.tostring(child))
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


def plain(node):
    """The same with narrative in one spelling."""
    if isinstance(node, list):
        return [plain(inner) for inner in node]
    if isinstance(node, dict):
        return {k: ET.canonicalize(v) if k == "div" and isinstance(v, str) else plain(v) for k, v in node.items()}
    return node


def parts(text, starts):
    """The documents of a file: one, or one a line."""
    lines = [line for line in text.splitlines() if line.strip()]
    return lines if len(lines) > 1 and all(line.startswith(starts) for line in lines) else [text]


def main():
    schema = uk_core = None
    if SAMPLES:
        fhir = pathlib.Path(SAMPLES, "fhir")
        schema = json.loads((fhir / "schema" / "fhir.schema.json").read_text())
        uk_core = UkCore(fhir / "uk-core-definitions")
    count = bad = 0
    for file in sorted(p for f in sys.argv[1:] for p in pathlib.Path(f, "fhir-r4-json").glob("*")):
        twin = file.parent.parent / "fhir-r4-xml" / file.name
        texts = parts(file.read_text(), "{")
        twins = ["<?xml" + part for part in twin.read_text().split("<?xml")[1:]] if twin.exists() else []
        found = [] if len(twins) == len(texts) else ["not as many Bundles in XML as in JSON"]
        for place, text in enumerate(texts):
            bundle = json.loads(text)
            count += 1 + (len(twins) > place)
            found += typed(bundle) + invariants(bundle)
            if uk_core:
                found += [f for e in bundle.get("entry", []) if "resource" in e for f in uk_core.findings(e["resource"])]
            if schema:
                found += schema_findings(bundle, schema)
            if schema and len(twins) > place:
                root = ET.fromstring(twins[place])
                again = {"resourceType": root.tag.removeprefix(NS)} | from_xml(root, "Bundle", schema, found)
                if again != plain(bundle):
                    found.append("XML and JSON say different things")
        found = new("fhir", file.name, found)
        if found:
            bad += 1
            print(f"{file.parent.parent.name}/{file.name}")
            for line in sorted(set(found))[:12]:
                print("   ", line)
    print(f"{count} documents, {bad} findings")
    return 1 if bad or not count else 0


sys.exit(main())
