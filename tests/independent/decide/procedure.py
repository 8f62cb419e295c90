"""The decision procedure of `sharing-rules.md` section 5, steps 0 to 12, for segments, acts, searches and tables.

Shares no code with the program. `decide(facts, matrix)` gives one answer per ask.
"""
import calendar_uk as cal
from acts import CARRIERS, Acts, Answer
from permission import Permissions
from world import World, live

SILENT = set("INT TPI ADP SXH MHN LOC".split())
PRINTED = set("HLT MHL SUB DAB CSN PIN".split())
FIXED = set("IDN ADR FAM EDU STS TPI RSK".split())
EMG_ROLES = set("MSH SW POL CLN FMH FSM UHN".split())
ORDINARY = {"SW": "CP CIN MET", "MSH": "CP CIN MET", "POL": "CP CIN MET", "SUR": "EH"}
ORDINARY.update(dict.fromkeys(("CLN", "FMH", "FSM", "UHN"), "DC CP CIN MET"))
ANSWERS = ("harm", "needed", "why_not_less", "proportionate", "telling_risk")
CAP_COLUMNS = "HLT MHL SUB SXH CRM PIN DAB".split()
ADULT_CAP = {
    "DSL": "NIINNIS", "LPR": "IIINNIS", "YJW": "NIINSSS", "EDG": "SSSNNSS",
    "SUR": "IIINNSS", "POL": "IIIN---", "VCO": "NNNNNNN", "VOL": "NNNNNNN",
}


class Decider(Acts):
    def __init__(self, world):
        self.w = world

    def answer(self, ask):
        w = self.w
        at = cal.parse(ask.get("at", w.facts["now"]))
        hat, account = w.hat[ask["hat"]], w.account[ask["account"]]
        answer = self.steps(ask, hat, account, at)
        marker = "none"
        if answer.level == "N":
            marker = self.marker(ask, hat, answer, at)
        return {"ask": ask["id"], "level": answer.level, "reason": answer.reason, "limit": answer.limit,
                "marker": marker, "flags": sorted(answer.flags)}

    def persons(self, ask):
        """Persons a request touches: a segment's, or an act's."""
        w, act = self.w, ask.get("act", {})
        segment = w.segment.get(ask.get("segment") or act.get("segment"))
        if segment:
            return set(segment["about"]) | {segment.get("record_of", segment["about"][0])}
        if "person" in act:
            return {act["person"]}
        if "override" in act:
            return {w.override[act["override"]]["subject"]}
        return None

    def marker(self, ask, hat, answer, at):
        w, reason = self.w, answer.reason
        segment = w.segment.get(ask.get("segment") or ask.get("act", {}).get("segment"))
        category = segment and segment["category"]
        if ask["purpose"] == "SA" or hat["role"] == "VOL" or category in SILENT or answer.hush:
            return "silent"
        if reason in ("D-SAFE", "D-ADOPT", "D-SEALED"):
            return "silent"
        if reason in ("D-REL", "D-PURPOSE"):
            people = self.persons(ask) or set()
            if "case" in ask.get("act", {}):
                people = w.members(w.case[ask["act"]["case"]], at)
            if any(w.abusers(p, at) or w.sealed_former(p, at) for p in people):
                return "silent"
        if reason in ("D-MATRIX", "D-CAP") and "segment" in ask:
            return "shown" if category in PRINTED else "silent"
        return "shown"

    def steps(self, ask, hat, account, at):
        w = self.w
        if not w.config.get("log_available", True):
            return Answer("N", "D-AUDIT")
        if not ask.get("strong_auth", True) or not w.active(account, hat, at):
            return Answer("N", "D-AUTH")
        if "analytics" in ask:
            return self.table(ask, hat)
        if "act" in ask:
            return self.act(ask, hat, account, at)
        return self.read(ask, w.segment[ask["segment"]], hat, account, at)

    def hushed(self, reason):
        answer = Answer("N", reason)
        answer.hush = True
        return answer

    def coi(self, account, persons, at):
        kind = self.w.conflict(account, persons, at)
        if kind is None:
            return None
        answer = Answer("N", "D-COI", flags=["alert-prv"])
        answer.hush = kind == "perpetrator"
        return answer

    def column(self, purpose, role):
        return (purpose, role, "IDN") in self.w.matrix

    # --- segments -------------------------------------------------------------------------------
    def may_declare(self, ask, segment, hat):
        role, purpose = hat["role"], ask["purpose"]
        if purpose in ("AU", "AN"):
            return False
        if purpose == "SA":
            return role == "PRV" and "requester" in ask
        if role == "ADO":
            return segment["category"] == "ADP"
        if role == "SCH":
            author = self.w.hat.get(segment.get("author"))
            return purpose in ("CP", "CIN", "EH") and author is not None and author["account"] == hat["account"]
        return self.column(purpose, role)

    def read(self, ask, segment, hat, account, at):
        w, purpose, category = self.w, ask["purpose"], segment["category"]
        persons = self.persons({"segment": segment["id"]})
        refused = self.coi(account, persons, at)
        if refused:
            return refused
        if not self.may_declare(ask, segment, hat):
            return Answer("N", "D-PURPOSE")
        opening = w.opening.get(ask.get("opening"))
        opened = (hat["role"] == "ADO" and opening is not None and opening["hat"] == hat["id"]
                  and opening["segment"] == segment["id"] and live(opening, at))
        if hat["role"] == "ADO":
            if not opened:
                return Answer("N", "D-ADOPT")
        elif not (any(w.related(ask, hat, p, at) for p in persons)
                  or any(self.override_live(hat, p, purpose, category, at, emg_only=True) for p in persons)):
            return Answer("N", "D-REL")
        if cal.parse(segment.get("recorded_at", "1970-01-01")) > at:
            return self.hushed("D-MATRIX")  # what has not happened yet does not exist
        if not opened and (category == "ADP" or any(w.sealed_former(p, at) for p in persons)):
            return Answer("N", "D-ADOPT")
        if "sealed" in segment and live(segment["sealed"], at):
            return Answer("N", "D-SEALED")
        if opened:
            return Answer("F", "ALLOW-OWN")
        if w.blocked(segment, hat, account, ask.get("requester") if purpose == "SA" else None, at):
            return Answer("N", "D-SAFE")
        if purpose == "SA":
            return self.subject_access(ask["requester"], segment, at)
        if hat["agency"] == segment["custodian"]:
            submits = hat["role"] in ("SCH", "VOL")
            author = w.hat.get(segment.get("author"), {})
            treats = hat["id"] in segment.get("caseload", []) and not submits
            if treats or author.get("id") == hat["id"] or (submits and author.get("account") == hat["account"]):
                return Answer("F", "ALLOW-OWN")
        if category is None:
            return Answer("N", "D-MATRIX")
        if not self.column(purpose, hat["role"]):
            return Answer("N", "D-PURPOSE")
        if self.item_granted(ask, segment, hat, at):
            return Answer("F", "ALLOW-ITEM")
        return self.ordinary(ask, segment, hat, at)

    def subject_access(self, requester, segment, at):
        w = self.w
        for person in segment["about"]:
            if person != requester and (w.at_least(person, 16, at) or w.competent(person, segment["category"], at)
                                        or "NOPAT" in segment.get("markings", [])):
                return Answer("N", "D-SAFE")
        return Answer("N", "D-MATRIX", None if segment["category"] == "TPI" else "CUSTODIAN-TASK")

    def item_granted(self, ask, segment, hat, at):
        w, delegation = self.w, self.w.relationship.get(ask.get("delegation"), {})
        for grant in w.item_grants:
            start, until = cal.parse(grant["from"]), cal.parse(grant["until"])
            if grant["segment"] != segment["id"] or grant["to"] != hat["id"] or not start <= at < until or until > start + 8 * cal.HOUR:
                continue
            giver = w.hat[grant["by"]]
            pair = (giver["role"], hat["role"])
            if pair == ("SW", "PA") and segment["category"] in ("ADR", "LOC"):
                right = delegation.get("grantor") == giver["id"]
            else:
                right = pair == ("VCO", "VOL") and segment["category"] == "ADR"
            if right and self.for_hat(ask, segment, giver, at).level == "F":
                return True
        return False

    def for_hat(self, ask, segment, hat, at):
        """The whole decision for somebody else's hat (grantor of a delegation or an item)."""
        account = self.w.account[hat["account"]]
        other = {"id": ask["id"], "account": account["id"], "hat": hat["id"], "purpose": ask["purpose"], "segment": segment["id"]}
        if not self.w.active(account, hat, at):
            return Answer("N", "D-AUTH")
        return self.read(other, segment, hat, account, at)

    # --- overrides ------------------------------------------------------------------------------
    def supervises(self, approver, hat, when):
        giver = self.w.hat.get(approver)
        return (giver is not None and giver["role"] not in CARRIERS and bool(giver.get("supervisor")) and giver["account"] != hat["account"]
                and self.w.active(self.w.account[giver["account"]], giver, when))

    def override_live(self, hat, person, purpose, category, at, emg_only=False):
        """"EMG", "ordinary" or None: the best override in force for this hat, person, category and purpose."""
        if self.w.config.get("clock_skew_seconds", 0) > 60:
            return None
        found = {self.standing_override(o, hat, at) for o in self.w.overrides
                 if (o["hat"], o["subject"], o["purpose"]) == (hat["id"], person, purpose) and category in o["categories"]}
        return "EMG" if "EMG" in found else "ordinary" if "ordinary" in found and not emg_only else None

    def standing_override(self, override, hat, at):
        kind = override["kind"]
        allowed = hat["role"] in EMG_ROLES if kind == "EMG" else override["purpose"] in ORDINARY.get(hat["role"], "").split()
        if not allowed or cal.parse(override["requested_at"]) > at or not all(override["answers"].get(a, "").strip() for a in ANSWERS):
            return None
        if kind == "EMG":
            start = cal.parse(override["requested_at"])
        else:
            if "approved_at" not in override or "approved_by" not in override:
                return None
            start = cal.parse(override["approved_at"])
            if start < cal.parse(override["requested_at"]) or not self.supervises(override["approved_by"], hat, start):
                return None
        end = start + cal.DAY
        for renewal in sorted(override.get("renewals", []), key=lambda r: cal.parse(r["at"])):
            when = cal.parse(renewal["at"])
            if start <= when < end and when <= at and self.supervises(renewal["approved_by"], hat, when):
                end = min(end + cal.DAY, start + 3 * cal.DAY)
        return kind if start <= at < end else None

    # --- steps 8 to 12 --------------------------------------------------------------------------
    def cell(self, person, segment, ask, hat, at):
        """Steps 8 to 10 for one person; also whether an override raised it."""
        w, purpose, category = self.w, ask["purpose"], segment["category"]
        with_, without, plus = w.matrix[purpose, hat["role"], category]
        grantor = None
        if hat["role"] == "PA" and ask.get("delegation"):
            grantor = w.hat[w.relationship[ask["delegation"]]["grantor"]]
        records = Permissions(w, segment, hat, purpose, at, grantor)
        override = self.override_live(hat, person, purpose, category, at)
        answer = Answer(with_, "ALLOW-MATRIX" if with_ != "N" else "D-MATRIX")
        if with_ != without:
            verdict = records.judge(person)
            if category in ("EXP", "SXH") and not w.at_least(person, 13, at):
                answer.flags.add("cp-task")  # R27: never gated
            elif verdict.outcome == "permit":
                answer.reason = "ALLOW-PERMISSION"
            elif override == "EMG":
                answer.reason = "ALLOW-OVERRIDE"
                answer.hush = verdict.named
            else:
                answer = Answer(without, "ALLOW-MATRIX" if without != "N" else "D-PERMISSION", verdict.limit, verdict.flags)
                answer.hush = verdict.named
        if purpose == "LE":
            if plus and answer.level != "F":
                answer.limit = "CUSTODIAN-TASK"
        elif plus and override and answer.level != "F":
            answer.level, answer.reason, answer.limit = "F", "ALLOW-OVERRIDE", None
        noted = purpose == "CP" or (purpose == "MET" and category != "SXH") or override == "EMG"
        if noted and records.dissent(person):
            answer.flags.add("dissent-noted")
        return answer, plus

    def ordinary(self, ask, segment, hat, at):
        w, category, role = self.w, segment["category"], hat["role"]
        about, record_of = segment["about"], segment.get("record_of")
        main = record_of if record_of in about else about[0]
        answer, plus = self.cell(main, segment, ask, hat, at)
        if role == "VOL" and category == "MIS" and segment.get("kind") != "missing-episode":
            return Answer("N", "D-MATRIX")
        raised = answer.reason == "ALLOW-OVERRIDE"
        emg = any(self.override_live(hat, p, ask["purpose"], category, at, True) for p in about)
        beyond = role == "POL" and raised and (ask["purpose"] == "CP" or emg)
        if category in CAP_COLUMNS and role in ADULT_CAP and not beyond and any(w.at_least(p, 18, at) for p in about):
            level = ADULT_CAP[role][CAP_COLUMNS.index(category)]
            if level != "-":
                answer.cap(level, "CAP-ADULT")
        if role == "PA" and ask.get("delegation"):
            grantor = w.hat[w.relationship[ask["delegation"]]["grantor"]]
            answer.cap(self.for_hat(ask, segment, grantor, at).level, "CAP-DELEGATE")
        if role == "VOL":
            answer.cap(self.volunteer(ask, segment, hat, at), "CAP-VOLUNTEER")
        party = Permissions(w, segment, hat, ask["purpose"], at).party
        for control in segment.get("originator", []):
            if party(control["to"], hat["agency"], hat):
                answer.cap(control["max"], "CAP-ORIGINATOR")
        if "NOT-SCHOOL" in segment.get("markings", []) and (role in ("DSL", "SCH") or w.kind[hat["agency"]] in ("school", "nursery")):
            answer.cap("N", "CAP-ORIGINATOR")
        for person in about:
            if person != main:
                other, _ = self.cell(person, segment, ask, hat, at)
                answer.cap(other.level, "CAP-THIRD")
                answer.flags |= other.flags
                answer.hush = answer.hush or other.hush
        if answer.level == "S":
            self.summarise(answer, segment, at)
        if ask.get("override") and not plus and not raised and answer.limit is None:
            answer.limit = "OVERRIDE-NOT-AVAILABLE"
        return answer

    def summarise(self, answer, segment, at):
        """Step 12: an authored summary, or the indicator."""
        if segment["category"] == "LOC":
            answer.level = "I"
        elif segment["category"] not in FIXED and segment["form"] != "summary":
            summary = self.w.segment.get(segment.get("summary"))
            if summary is None or cal.parse(summary.get("recorded_at", "1970-01-01")) > at:
                answer.level, answer.limit = "I", "SUMMARY-MISSING"
                answer.flags.add("write-summary")

    def volunteer(self, ask, segment, hat, at):
        fixed = {"IDN": "S", "STS": "I", "RSK": "F"}
        if segment["category"] != "MIS":
            return fixed.get(segment["category"], "N")
        persons = self.persons({"segment": segment["id"]})
        interview = any(r["kind"] == "match" and r.get("role") == "return-interview"
                        and self.w.reaches(r, hat, p, ask["purpose"], at) for r in self.w.relationships for p in persons)
        return "S" if interview else "N"


def decide(facts, matrix):
    decider = Decider(World(facts, matrix))
    return [decider.answer(ask) for ask in facts["asks"]]
