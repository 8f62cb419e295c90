"""Requests that read no segment: acts, searches, tables (`facts-file.md` section 8, 5 and 6)."""
import calendar_uk as cal
from world import live

RANK = "NISF"
CARRIERS = set("PA VOL SCH ANL OBS AUD SYS".split())  # they prepare and carry; they approve and record nothing (R49)
IDENTIFYING = set("name date-of-birth full-postcode address free-text person-key exact-date".split())


def lower(one, other):
    return min(one, other, key=RANK.index)


class Answer:
    def __init__(self, level, reason, limit=None, flags=()):
        self.level, self.reason, self.limit, self.flags = level, reason, limit, set(flags)
        self.hush = False  # silent whatever the category says

    def cap(self, level, limit):
        """A minimum of step 11: names itself only when it lowers."""
        if RANK.index(level) < RANK.index(self.level):
            self.level, self.limit = level, limit
            if level == "N":
                self.reason = "D-CAP"


class Acts:
    """Mixed into the procedure; needs its `w`, `coi`, `column`, `supervises`, `hushed`."""

    def table(self, ask, hat):
        if (ask["purpose"], hat["role"]) != ("AN", "ANL"):
            return Answer("N", "D-PURPOSE")
        table, least = ask["analytics"], self.w.config.get("small_number", 5)
        declared = {(c["category"], c["form"]) for c in table["declared"]}
        if any((c["category"], c["form"]) not in declared or c["form"] in IDENTIFYING for c in table["columns"]):
            return Answer("N", "D-MINIMISE")
        if any(table.get(k, least) < least for k in ("rows", "smallest_cell", "difference_from_previous")):
            return Answer("N", "D-SMALL")
        return Answer("I", "ALLOW-DEIDENT")

    def act(self, ask, hat, account, at):
        w, act, role, purpose = self.w, ask["act"], hat["role"], ask["purpose"]
        do, persons = act["do"], self.persons(ask)
        if "case" in act:
            persons = w.members(w.case[act["case"]], at)
        refused = persons and self.coi(account, persons, at)
        if refused:
            return refused
        if do == "read-segmentation-label" or purpose in ("AN", "AU", "SA") or role in ("ADO", "SCH") or not self.column(purpose, role):
            return Answer("N", "D-PURPOSE")
        if do == "search":
            return self.search(act["query"], hat, account, purpose, at)
        if self.role_refuses(act, hat, at):
            return Answer("N", "D-DELEGATE")
        if do == "read-practice-scores":
            return self.scores(act, hat, purpose, at)
        if persons is not None and not any(w.related(ask, hat, p, at) for p in persons):
            return Answer("N", "D-REL")
        if do == "forward" and w.segment[act["segment"]]["custodian"] != hat["agency"]:
            return Answer("N", "D-CAP", "CAP-ORIGINATOR")
        if do == "assign-lead" and self.has_lead(act["case"], persons, at):
            return Answer("N", "D-LEAD-EXISTS")
        if do == "confirm-draft":
            mine = [r for r in w.relationships if r["kind"] == "supervisor" or (r["kind"] == "allocated" and role == "SW")]
            if not any(w.reaches(r, hat, act["person"], purpose, at) for r in mine):
                return Answer("N", "D-DELEGATE")
        return Answer("F", "ALLOW-MATRIX")

    def role_refuses(self, act, hat, at):
        w, do, role = self.w, act["do"], hat["role"]
        if role in CARRIERS and do not in ("forward", "approve-override", "read-practice-scores"):
            return True
        if do == "approve-override":
            override = w.override[act["override"]]
            return cal.parse(override["requested_at"]) > at or not self.supervises(hat["id"], w.hat[override["hat"]], at)
        if do == "delegate":
            helper = w.account[act["account"]]
            return role != "SW" or not any(h["role"] == "PA" and w.active(helper, h, at) for h in helper["hats"])
        if do == "assign-worker":
            return self.both_sides(act, at)
        return False

    def has_lead(self, case, persons, at):
        w = self.w
        return any(r["kind"] == "lead" and live(r, at) and w.active(w.account[w.hat[r["hat"]]["account"]], w.hat[r["hat"]], at)
                   and (r.get("case") == case or ("case" not in r and r.get("subject") in persons)) for r in w.relationships)

    def both_sides(self, act, at):
        """R61: one practitioner never on both sides of a family."""
        w, new = self.w, self.w.hat[act["hat"]]
        opposite = {"FDV": "FDP", "FDP": "FDV"}.get(new["role"])
        family = {m if isinstance(m, str) else m["person"] for m in w.case[act["case"]]["members"]}
        shared = {c["id"] for c in w.cases if family & {m if isinstance(m, str) else m["person"] for m in c["members"]}}
        return opposite is not None and any(
            w.hat[r["hat"]]["account"] == new["account"] and w.hat[r["hat"]]["role"] == opposite and cal.parse(r["from"]) <= at
            and (r.get("case") in shared or r.get("subject") in family) for r in w.relationships)

    def scores(self, act, hat, purpose, at):
        """An observer of a case or person the worker has; under QA only."""
        if purpose != "QA":
            return Answer("N", "D-PURPOSE")
        theirs = [r for r in self.w.relationships if live(r, at) and self.w.hat[r["hat"]]["account"] == act["account"]]
        mine = [r for r in self.w.relationships if live(r, at) and r["hat"] == hat["id"] and r["kind"] == "observation"]
        same = lambda a, b: any(k in a and a[k] == b.get(k) for k in ("case", "subject"))
        return Answer("F", "ALLOW-MATRIX") if any(same(a, b) for a in mine for b in theirs) else Answer("N", "D-REL")

    def search(self, query, hat, account, purpose, at):
        w = self.w
        if hat["role"] == "VOL":
            return Answer("N", "D-REL")
        bare = lambda text: "".join(c for c in text if c.isalnum()).casefold()
        named = "family_name" in query and "born" in query and ("given_name" in query or "postcode" in query)
        if not named and "identifier" not in query:
            return Answer("N", "D-REL")
        hits = []
        for person in w.people:
            if any(k in query and bare(person.get(k, "")) != bare(query[k]) for k in ("family_name", "given_name", "postcode")):
                continue
            if "born" in query and person.get("born") != query["born"]:
                continue
            wanted = query.get("identifier")
            if wanted and not any(i["kind"] == wanted["kind"] and bare(i["value"]) == bare(wanted["value"]) and live(i, at)
                                  for i in person.get("identifiers", [])):
                continue
            hidden = person.get("nameless") or w.abusers(person["id"], at) or w.sealed_former(person["id"], at)
            if not hidden and not w.conflict(account, {person["id"]}, at):
                hits.append(person["id"])
        if not hits:
            return self.hushed("D-REL")
        if len(hits) > 5:
            return Answer("N", "D-REL")
        level = lower("S", w.matrix[purpose, hat["role"], "IDN"][1])
        return Answer(level, "ALLOW-MATRIX" if level != "N" else "D-MATRIX")
