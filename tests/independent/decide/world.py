"""The facts of one file, by id, and the plain questions steps 1 to 7 put to them.

Written from the papers alone. Read `sharing-rules.md` section 5 and `facts-file.md` sections 1 to 3 first.
"""
import calendar_uk as cal

BANDS = {"0-4": 0, "5-10": 5, "11-13": 11, "14-15": 14, "16-17": 16, "adult": 18}
CASE_PURPOSES = ("CP", "CIN", "EH", "MET")
CLAIMANTS = ("SW", "MSH", "UHN", "CLN", "FMH", "FSM", "FDV", "POL")
SECTIONS = (
    "agencies teams accounts people households cases links conflicts parental_responsibility orders assessments "
    "protections strands seals openings relationships item_grants permissions overrides segments asks"
).split()
# R57: what locates a person or reveals their disclosures by its nature (facts-file section 8, 8).
REVEALING = set("ADR LOC EDU HLT MHL MHN SUB SXH DAB EXP PIN MIS CSN TPI".split())


def live(thing, at):
    """Half-open span; an absent end is open."""
    start, end = thing.get("from"), thing.get("to")
    return (start is None or cal.parse(start) <= at) and (end is None or at < cal.parse(end))


class World:
    def __init__(self, facts, matrix):
        self.facts, self.matrix = facts, matrix
        for name in SECTIONS:
            setattr(self, name, facts.get(name, []))
        self.config = facts.get("config", {})
        by_id = lambda things: {thing["id"]: thing for thing in things}
        self.person, self.segment, self.case = by_id(self.people), by_id(self.segments), by_id(self.cases)
        self.account, self.override = by_id(self.accounts), by_id(self.overrides)
        self.opening, self.relationship = by_id(self.openings), by_id(self.relationships)
        self.hat = {}
        for account in self.accounts:
            for hat in account["hats"]:
                self.hat[hat["id"]] = {**hat, "account": account["id"]}
        self.kind = {agency["id"]: agency["kind"] for agency in self.agencies}

    # --- people ---------------------------------------------------------------------------------
    def birthday(self, person, years):
        """Instant at which a person reaches an age, or None where only a band is known."""
        born = self.person[person].get("born")
        return born and cal.midnight(cal.anniversary(cal.dt.date.fromisoformat(born), years))

    def at_least(self, person, years, at):
        birthday = self.birthday(person, years)
        return BANDS[self.person[person]["age_band"]] >= years if birthday is None else birthday <= at

    def household(self, person, at):
        """The person and everyone who lives with them now."""
        found = {person}
        for home in self.households:
            here = {m if isinstance(m, str) else m["person"] for m in home["members"] if isinstance(m, str) or live(m, at)}
            if live(home, at) and person in here:
                found |= here
        return found

    def linked(self, one, other, at):
        return any({l["a"], l["b"]} == {one, other} and live(l, at) for l in self.links)

    def abusers(self, person, at):
        return {p["against"] for p in self.protections if p["person"] == person and live(p, at)}

    def sealed_former(self, person, at):
        return any(s["former"] == person and live(s, at) for s in self.seals)

    def latest(self, person, kind, category, at):
        """Outcome of the newest assessment of this kind for this category."""
        found = [a for a in self.assessments if a["person"] == person and a["kind"] == kind
                 and category in a["categories"] and cal.parse(a["at"]) <= at]
        return max(found, key=lambda a: (cal.parse(a["at"]), a["outcome"] not in ("yes", "has")))["outcome"] if found else None

    def competent(self, person, category, at):
        return self.latest(person, "competence", category, at) == "yes"

    # --- steps 1 and 2 --------------------------------------------------------------------------
    def active(self, account, hat, at):
        span = {"from": account.get("active_from"), "to": account.get("active_to")}
        return live(span, at) and live(hat, at)

    def own_person(self, account, at):
        linked_at = account.get("person_linked_at")
        return account.get("person") if linked_at is None or cal.parse(linked_at) <= at else None

    def ties(self, account, at):
        """Persons the account holder is, and persons declared as a conflict."""
        own, declared = self.own_person(account, at), set()
        selves = {own} if own else set()
        for conflict in self.conflicts:
            if conflict["account"] == account["id"] and live(conflict, at):
                (selves if conflict["kind"] == "self" else declared).add(conflict["person"])
        return selves, declared

    def conflict(self, account, persons, at):
        """None, "plain", or "perpetrator" (R9, R62; facts-file section 8, 2)."""
        around = set().union(*(self.household(p, at) for p in persons)) if persons else set()
        selves, declared = self.ties(account, at)
        if any(self.abusers(p, at) & selves for p in around):
            return "perpetrator"
        if (selves | declared) & around or any(self.linked(s, p, at) for s in selves for p in around):
            return "plain"
        return None

    # --- step 4 ---------------------------------------------------------------------------------
    def members(self, case, at):
        return {m if isinstance(m, str) else m["person"] for m in case["members"] if isinstance(m, str) or live(m, at)}

    def in_force(self, case, purpose, at):
        return any(p["purpose"] == purpose and live(p, at) for p in case["purposes"])

    def through(self, rel, person, purpose, at, cases=None):
        """Whether a relationship's subject or case reaches a person for a purpose."""
        if rel.get("purposes") and purpose not in rel["purposes"]:
            return False
        if rel.get("subject") not in (None, person):
            return False
        if "case" not in rel:
            return "subject" in rel and cases is None
        case = self.case[rel["case"]]
        if cases is not None and case["id"] not in cases:
            return False
        tied = purpose in CASE_PURPOSES
        return person in self.members(case, at) and (not tied or self.in_force(case, purpose, at))

    def reaches(self, rel, hat, person, purpose, at, cases=None):
        """Whether one relationship, not a delegation, is live for a hat, a person and a purpose (R5, R6)."""
        kind = rel["kind"]
        if rel["hat"] != hat["id"] or not live(rel, at):
            return False
        if kind == "supervisor":
            worker = self.hat[rel["of"]] if "of" in rel else None
            return worker is not None and any(
                r["kind"] == "allocated" and self.reaches(r, worker, person, purpose, at, cases) for r in self.relationships)
        if kind == "delegation" or (kind == "observation" and (hat["role"], purpose) != ("OBS", "QA")):
            return False
        if kind == "team-named" and ("case" not in rel or not hat.get("team") or self.case[rel["case"]].get("team") != hat["team"]):
            return False
        if kind == "self-claim":
            ends = cal.parse(rel["from"]) + cal.DAY
            if (hat["role"] not in CLAIMANTS or not (rel.get("reason") or "").strip() or at >= ends
                    or self.abusers(person, at) or self.sealed_former(person, at) or "subject" not in rel):
                return False
        if kind == "subject-access":
            return False
        return self.through(rel, person, purpose, at, cases)

    def delegation_live(self, rel, hat, at):
        """R48: granted by a social worker, at most 12 months, no long absence without cover."""
        if rel["kind"] != "delegation" or rel["hat"] != hat["id"] or not live(rel, at) or "to" not in rel:
            return False
        grantor = self.hat[rel["grantor"]] if "grantor" in rel else None
        if grantor is None or grantor["role"] != "SW" or cal.parse(rel["to"]) > cal.plus_year(cal.parse(rel["from"])):
            return False
        if not self.active(self.account[grantor["account"]], grantor, at):
            return False
        away = [(cal.parse(a["from"]), cal.parse(a["to"]) if "to" in a else None) for a in rel.get("absences", []) if "cover" not in a]
        away.sort(key=lambda span: span[0])
        start = end = None
        for leaves, back in away:
            if back is not None and back <= cal.parse(rel["from"]):
                continue
            if start is None or (end is not None and leaves > end):
                start, end = leaves, back
            elif end is not None:
                end = None if back is None else max(end, back)
            limit = cal.plus_days(start, 28)
            if at > limit and (end is None or end > limit):
                return False
        return True

    def related(self, ask, hat, person, at):
        """Whether step 4 passes for one person."""
        purpose = ask["purpose"]
        if purpose == "SA":
            return any(r["kind"] == "subject-access" and r["hat"] == hat["id"] and live(r, at)
                       and r.get("requester") == ask.get("requester") and self.through(r, person, purpose, at)
                       for r in self.relationships)
        if hat["role"] == "PA":
            rel = self.relationship.get(ask.get("delegation"))
            if rel is None or not self.delegation_live(rel, hat, at):
                return False
            if rel.get("subject") not in (None, person):
                return False
            cases = rel.get("cases")
            if "case" in rel:
                cases = [rel["case"]] if cases is None else [c for c in cases if c == rel["case"]]
            grantor = self.hat[rel["grantor"]]
            return any(self.reaches(r, grantor, person, purpose, at, cases) for r in self.relationships)
        return any(self.reaches(r, hat, person, purpose, at) for r in self.relationships)

    # --- step 6 ---------------------------------------------------------------------------------
    def blocked(self, segment, hat, account, requester, at):
        """R57, R58: the segment locates or reveals P, and the asker stands with X."""
        owner = {segment.get("record_of", segment["about"][0])}
        for person in set(segment["about"]) | owner | set(segment.get("voices", [])):
            revealed = person in segment.get("voices", []) or (
                segment["category"] in REVEALING and person in segment["about"] or bool(segment.get("places")))
            for abuser in self.abusers(person, at) if revealed else ():
                if hat["role"] == "FDP" or self.stands_with(hat, account, requester, abuser, at):
                    return True
        return False

    def stands_with(self, hat, account, requester, abuser, at):
        if any(s["hat"] == hat["id"] and s["linked_to"] == abuser and live(s, at) for s in self.strands):
            return True
        selves, declared = self.ties(account, at)
        near = self.household(abuser, at)
        if abuser in declared or any(s in near or self.linked(s, abuser, at) for s in selves):
            return True
        return requester is not None and (requester in near or self.linked(requester, abuser, at))
