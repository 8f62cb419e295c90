#!/usr/bin/env python3
"""Holds AuditEvents (one JSON a line) against the IHE Basic Audit Log Patterns they claim. Usage: balp.py FILE...

Written from the published profiles (IHE ITI BALP, FHIR R4); shares no code with Solent and needs only the Python standard
library. Each event that claims a profile in meta.profile must meet every constraint below; every event must meet those of
FHIR R4 itself. Prints how often each profile was claimed, and every finding; exits 1 when there is one.
"""
import base64
import json
import re
import sys

DCM = "http://dicom.nema.org/resources/ontology/DCM"
TYPE = "http://terminology.hl7.org/CodeSystem/audit-entity-type"
ROLE = "http://terminology.hl7.org/CodeSystem/object-role"
BALP = "https://profiles.ihe.net/ITI/BALP/"
PROFILE = BALP + "StructureDefinition/IHE.BasicAudit."
IRCP = ("http://terminology.hl7.org/CodeSystem/v3-ParticipationType", "IRCP")
READ = {"read", "vread"}
SEARCH = {"search", "search-type", "search-system"}


def codes(concept):
    return [(c.get("system"), c.get("code")) for c in concept.get("coding", [])]


def agents(event, system, code):
    return [a for a in event["agent"] if (system, code) in codes(a.get("type", {}))]


def entities(event, system, code):
    return [e for e in event.get("entity", []) if (e.get("type", {}).get("system"), e["type"].get("code")) == (system, code)]


class Judge:
    def __init__(self, event):
        self.event, self.found = event, []

    def need(self, condition, text):
        if not condition:
            self.found.append(text)

    def one(self, things, text):
        self.need(len(things) == 1, "%s: %d, not 1" % (text, len(things)))
        return things[0] if things else {}

    # -- what every AuditEvent of FHIR R4 must be

    def fhir(self):
        e = self.event
        self.need(re.fullmatch(r"[A-Za-z0-9\-.]{1,64}", e.get("id", "")), "id")
        self.need(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", e.get("recorded", "")), "recorded is an instant")
        self.need(e.get("action") in list("CRUDE") and e.get("outcome") in ("0", "4", "8", "12"), "action and outcome")
        self.need("type" in e and "observer" in e.get("source", {}), "type and source.observer")
        self.need(e.get("agent"), "an agent")
        for agent in e.get("agent", []):
            self.need(isinstance(agent.get("requestor"), bool), "agent.requestor")
            self.need(agent.get("who", {}).get("identifier", {}).get("value"), "agent.who")
        for entity in e.get("entity", []):
            # sev-1: name and query not both; entity.what or name or query says what it is.
            self.need(not ("name" in entity and "query" in entity), "sev-1")
            self.need("what" in entity or "query" in entity, "an entity is something")
            for detail in entity.get("detail", []):
                self.need(detail.get("type") and sum(k.startswith("value") for k in detail) == 1, "entity.detail")

    # -- parts that several profiles share

    def rest(self, interactions, client, server):
        e = self.event
        self.need(e["type"].get("code") == "rest", "type rest")
        self.need(e["type"].get("system") == "http://terminology.hl7.org/CodeSystem/audit-event-type", "type's system")
        found = {s.get("code") for s in e.get("subtype", []) if s.get("system") == "http://hl7.org/fhir/restful-interaction"}
        self.need(found & interactions, "subtype")
        self.need(e["outcome"] == "0", "outcome success")
        for code, name in ((client, "client"), (server, "server")):
            agent = self.one(agents(e, DCM, code), "agent[%s]" % name)
            self.need("who" in agent and "network" in agent and "media" not in agent, "agent[%s] who, network" % name)
        self.user(0)
        for request in entities(e, BALP + "CodeSystem/BasicAuditEntityType", "XrequestId"):
            self.need(request["what"]["identifier"].get("value"), "entity[transaction].what.identifier.value")

    def user(self, least):
        found = agents(self.event, *IRCP)
        self.need(least <= len(found) <= 1, "agent[user]: %d" % len(found))
        for agent in found:
            self.need(agent["requestor"] is True and "who" in agent, "agent[user].requestor and who")
            self.need("network" not in agent and "media" not in agent, "agent[user] has no network or media")

    def patient(self):
        found = self.one(entities(self.event, TYPE, "1"), "entity[patient]")
        self.need((found.get("role", {}).get("system"), found.get("role", {}).get("code")) == (ROLE, "1"), "patient's role")
        self.need(found.get("what", {}).get("type") == "Patient", "entity[patient].what is a Patient")

    def observer(self, agent, name):
        self.need(agent.get("who") == self.event["source"]["observer"], "val-audit-source: agent[%s]" % name)

    # -- the profiles

    def PatientRead(self):
        self.rest(READ, "110152", "110153")
        self.need(self.event["action"] == "R", "action R")
        data = self.one(entities(self.event, TYPE, "2"), "entity[data]")
        self.need(data.get("role", {}).get("code") in ("3", "4", "20") and "what" in data, "entity[data] role, what")
        self.patient()

    def Query(self):
        self.rest(SEARCH, "110153", "110152")
        self.need(self.event["action"] == "E", "action E")
        query = self.one(entities(self.event, TYPE, "2"), "entity[query]")
        self.need(query.get("role", {}).get("code") == "24", "entity[query].role")
        self.need(base64.b64decode(query.get("query", ""), validate=True), "entity[query].query")
        self.need(not {"what", "lifecycle", "detail"} & set(query), "entity[query] has no what, lifecycle, detail")

    def PatientQuery(self):
        self.Query()
        self.patient()

    def disclosure(self, kind, action, mine):
        e = self.event
        self.need((e["type"].get("system"), e["type"].get("code")) == (DCM, kind), "type " + kind)
        self.need(e["action"] == action and "modifierExtension" not in e, "action " + action)
        lifecycle = "http://terminology.hl7.org/CodeSystem/iso-21089-lifecycle"
        self.need(any((s.get("system"), s.get("code")) == (lifecycle, "disclose") for s in e["subtype"]), "subtype disclose")
        for code, name in (("110153", "source"), ("110152", "recipient")):
            agent = self.one(agents(e, DCM, code), "agent[%s]" % name)
            self.need("who" in agent and "network" in agent, "agent[%s] who, network" % name)
            if name == mine:
                self.observer(agent, name)
        self.need(len(e.get("entity", [])) >= 2, "two entities")
        self.patient()

    def PrivacyDisclosure_Source(self):
        self.disclosure("110106", "R", "source")

    def PrivacyDisclosure_Recipient(self):
        self.disclosure("110107", "C", "recipient")

    def AuthZconsent(self):
        e = self.event
        self.need((e["type"].get("system"), e["type"].get("code")) == (DCM, "110113"), "type")
        allowed = {(BALP + "CodeSystem/AuthZsubType", code) for code in ("AuthZ-Consent", "AuthZ-Role")}
        self.need(e.get("subtype") and {(s.get("system"), s.get("code")) for s in e["subtype"]} <= allowed, "subtype")
        self.need(e["action"] == "E" and "modifierExtension" not in e, "action E")
        barred = {
            "client": {"role", "altId", "name", "location", "media", "purposeOfUse"},
            "userorg": {"role", "altId", "name", "location", "policy", "media", "network"},
            "authorizer": {"role", "altId", "name", "location", "policy", "media", "network", "purposeOfUse"},
        }
        of = "http://terminology.hl7.org/CodeSystem/"
        for name, system, code in (
            ("client", DCM, "110150"),
            ("userorg", of + "v3-RoleClass", "PROV"),
            ("authorizer", of + "extra-security-role-type", "authserver"),
        ):
            agent = self.one(agents(e, system, code), "agent[%s]" % name)
            self.need("who" in agent and not barred[name] & set(agent), "agent[%s]" % name)
            self.need(name != "client" or "network" in agent, "agent[client].network")
            self.need(name == "client" or agent.get("requestor") is False, "agent[%s].requestor" % name)
            if name == "authorizer":
                self.observer(agent, name)
        self.user(1)
        self.patient()
        consents = entities(e, "http://hl7.org/fhir/resource-types", "Consent")
        self.need(consents and all("what" in c for c in consents), "entity[consent]")
        self.need(len(e["entity"]) == 1 + len(consents), "no other entities (closed)")


def check(event):
    """Findings of one event, and the profiles it claims."""
    judge, claimed = Judge(event), []
    judge.fhir()
    for url in event.get("meta", {}).get("profile", []):
        name = url[len(PROFILE) :]
        claimed.append(name)
        rule = getattr(judge, name.replace(".", "_"), None) if url.startswith(PROFILE) else None
        if rule is None:
            judge.found.append("an unknown profile: " + url)
        else:
            rule()
    return judge.found, claimed


def main(files):
    counts, findings, events = {}, 0, 0
    for file in files:
        for number, line in enumerate(open(file, encoding="utf-8"), 1):
            events += 1
            found, claimed = check(json.loads(line))
            for name in claimed or ["(none)"]:
                counts[name] = counts.get(name, 0) + 1
            for text in found:
                findings += 1
                print("%s:%d: %s: %s" % (file, number, " ".join(claimed), text))
    for name in sorted(counts):
        print("%s: %d" % (name, counts[name]))
    print("%d documents, %d findings" % (events, findings))
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
