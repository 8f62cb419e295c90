"""Which permissions and refusals count for one person, and what they say about a gated cell.

Written from `consent.md` sections 3, 4, 7 and `facts-file.md` section 8, 10 to 16.
"""
import calendar_uk as cal
from world import live

HEALTH = set("HLT MHL MHN SUB SXH".split())
ASK_FIRST = set("SXH MHL SUB EXP".split())
NOT_RECORDERS = set("PA VOL SCH ANL OBS AUD SYS".split())
NORMAL, VERY = set("IDN ADR FAM EDU RSK".split()), set("LOC MHN SXH INT TPI ADP".split())
SUD = {"SUD", "ETH", "ETHUD", "OPIOIDUD"}
BH = {"BH", "MH", "PSY"} | SUD
COVERS = {"SUD": SUD, "BH": BH, "SPI": BH | {"SPI"}}
ELEMENTS = ("categories", "labels", "from", "to", "purposes", "data_period", "segments")


class Verdict:
    """What the records say: `permit`, `refuse` or `absent`, the limit, flags, and whether a refusal names the asker."""

    def __init__(self, outcome, limit=None, flag=None, named=False):
        self.outcome, self.limit, self.flags, self.named = outcome, limit, {flag} if flag else set(), named


class Permissions:
    def __init__(self, world, segment, hat, purpose, at, grantor=None):
        self.w, self.segment, self.purpose, self.at = world, segment, purpose, at
        self.hats = {"permit": [grantor or hat], "refuse": [hat, grantor] if grantor else [hat]}
        self.author = world.hat.get(segment.get("author"))

    # --- scope ----------------------------------------------------------------------------------
    def party(self, party, agency, hat):
        if party.get("anyone"):
            return True
        if "agency" in party and party["agency"] != agency:
            return False
        return all(k not in party or (hat is not None and hat.get(k) == party[k]) for k in ("role", "team", "account"))

    def to_fits(self, parties, decision):
        """A personal assistant is met through the social worker's hat; a refusal also through their own."""
        return any(self.party(p, hat["agency"], hat) for p in parties for hat in self.hats[decision])

    def labelled(self, labels):
        carried = set(self.segment.get("labels", [])) | {{"MHL": "MH", "SUB": "SUD"}.get(self.segment["category"])}
        floor = 2 if self.segment["category"] in VERY else 0 if self.segment["category"] in NORMAL else 1
        level = max([floor] + ["NRV".index(label) for label in carried if label in ("N", "R", "V")])
        return any(level <= "NRV".index(label) if label in ("N", "R", "V") else COVERS.get(label, {label}) & carried for label in labels)

    def matches(self, scope, decision, any_purpose):
        segment = self.segment
        if "categories" in scope and segment["category"] not in scope["categories"]:
            return False
        if "labels" in scope and not self.labelled(scope["labels"]):
            return False
        if "from" in scope and not any(self.party(p, segment["custodian"], self.author) for p in scope["from"]):
            return False
        if "to" in scope and not self.to_fits(scope["to"], decision):
            return False
        if "purposes" in scope and not any_purpose and self.purpose not in scope["purposes"]:
            return False
        if "segments" in scope and segment["id"] not in scope["segments"] and not (
                decision == "refuse" and any(self.w.segment[s].get("summary") == segment["id"] for s in scope["segments"])):
            return False
        if "data_period" in scope:
            day, period = segment.get("observed"), scope["data_period"]
            if day is None and decision == "refuse" and "recorded_at" in segment:
                day = cal.local(cal.parse(segment["recorded_at"])).date().isoformat()
            return day is not None and period.get("from", day) <= day <= period.get("to", day)
        return True

    def decision(self, record, any_purpose):
        """Permit, refuse or None of one record: the base, replaced by an exception that matches."""
        if not self.matches(record, record["decision"], any_purpose):
            return None
        inside = [e for e in record.get("exceptions", []) if self.matches(e, e["decision"], any_purpose)]
        if any(e["decision"] == "refuse" for e in inside):
            return "refuse"
        return "permit" if inside else record["decision"]

    def names_asker(self, record):
        """Whether a party of a refusal's `to` names the asker's agency, role, team or person (not: anyone)."""
        refusing = [e for e in record.get("exceptions", []) if e["decision"] == "refuse" and self.matches(e, "refuse", False)]
        parties = (refusing or [record])[0].get("to", record.get("to", []))
        return self.to_fits([p for p in parties if not p.get("anyone")], "refuse")

    # --- who may decide -------------------------------------------------------------------------
    def care_order(self, child, at, agency=None):
        orders = [o for o in self.w.orders if o["child"] == child and live(o, at) and "care-order" in o["kind"]]
        return any(agency is None or o.get("agency") == agency for o in orders)

    def holder(self, person, child, at):
        """Parental responsibility with its evidence, while no care order is in force (R30)."""
        unborn = self.w.birthday(child, 0) is not None and at < self.w.birthday(child, 0)
        return not self.care_order(child, at) and any(
            not (unborn and r["basis"] != "mother") and r["holder"] == person and r["child"] == child and live(r, at) and r["basis"] != "care-order"
            and (r["basis"] == "mother" or (r.get("evidence") or "").strip()) for r in self.w.parental_responsibility)

    def standing(self, record):
        """"own", "proxy", "parent" or None, judged at `recorded_at`; responsibility and orders also now."""
        w, child, decider, then = self.w, record["subject"], record["decider"], cal.parse(record["recorded_at"])
        category, recorder = self.segment["category"], w.hat.get(record.get("recorded_by"), {})
        died = [w.person[p]["died"] for p in (child, decider) if "died" in w.person.get(p, {})]
        if (record.get("kind", "confidence") != "confidence" or not record["told_limits"] or then > self.at
                or recorder.get("role") in NOT_RECORDERS or any(cal.parse(d) <= then for d in died)):
            return None
        if decider in w.abusers(child, self.at):
            return None
        lacks = w.latest(child, "capacity", category, then) == "lacks"
        capacity = record["capacity"]
        if decider == child:
            if not capacity.startswith("self-"):
                return None
            if w.at_least(child, 16, then):
                return None if lacks else "own"
            return "own" if w.competent(child, category, then) else None
        if capacity in ("attorney-or-deputy", "best-interests"):
            right = capacity == "attorney-or-deputy" or decider == self.segment["custodian"]
            return "proxy" if lacks and right and w.at_least(child, 16, then) else None
        if w.at_least(child, 16, then) or w.competent(child, category, then):
            return None
        if capacity == "la-care-order" and decider not in w.person:
            return "parent" if all(self.care_order(child, t, decider) for t in (then, self.at)) else None
        if capacity == "parent-pr" and decider in w.person:
            return "parent" if all(self.holder(decider, child, t) for t in (then, self.at)) else None
        return None

    # --- how a record ends ----------------------------------------------------------------------
    def events(self, record):
        seen = [e for e in record.get("events", []) if cal.parse(e["at"]) <= self.at]
        return sorted(seen, key=lambda e: cal.parse(e["at"]))

    def may_withdraw(self, record, event):
        child, when = record["subject"], cal.parse(event["at"])
        if event["by"] == record["decider"]:
            return True
        if event["by"] == child:
            return self.w.at_least(child, 16, when) or self.w.competent(child, self.segment["category"], when)
        return event["by"] not in self.w.person and self.care_order(child, when, event["by"])

    def manager(self, event):
        """A dispute is a manager's to decide: a supervisor's hat or account, or nobody named."""
        if "by" not in event:
            return True
        return any(h.get("supervisor") and event["by"] in (h["id"], h["account"]) for h in self.w.hat.values())

    def plan_closed(self, record, start):
        """First moment from which the plan's case has no purpose in force, or None."""
        case = self.w.case[record["plan"]]
        ends = sorted(cal.parse(p["to"]) for p in case["purposes"] if "to" in p)
        for end in ends:
            begun = any(cal.parse(p["from"]) < end for p in case["purposes"])
            if begun and not any(live(p, end) for p in case["purposes"]):
                return max(end, start)
        return None

    def expiry(self, record, standing, decision):
        """Instant at which a record runs out (R36), or None."""
        w, child, start = self.w, record["subject"], cal.parse(record["recorded_at"])
        ends = [cal.parse(record["valid_to"])] if "valid_to" in record else []
        if record["decision"] == "permit":
            ends.append(cal.midnight(cal.anniversary(cal.local(start).date(), 1)))
            if "plan" in record:
                ends.append(self.plan_closed(record, start))
        if standing == "parent":
            years = 16 if self.segment["category"] in HEALTH else 18
            ends.append(w.birthday(child, years))
            if w.birthday(child, years) is None and w.at_least(child, years, self.at):
                ends.append(start)
        return min((e for e in ends if e is not None), default=None)

    def status(self, record, standing, decision):
        """"live", "disputed", "later", "void", or ("expired" | "withdrawn", when)."""
        start = max(cal.parse(record["recorded_at"]), cal.parse(record.get("valid_from", record["recorded_at"])))
        if self.at < start:
            return "later"
        expires, state, over = self.expiry(record, standing, decision), "live", None
        for event in self.events(record):
            what, when = event["event"], cal.parse(event["at"])
            if what == "entered-in-error":
                return "void"
            settled = what == "resolve" and self.manager(event)
            if (what == "withdraw" and self.may_withdraw(record, event)) or (settled and event["outcome"] == "withdrawn"):
                over = over or ("withdrawn", when)
            elif settled:
                state = "live"
            elif what == "object" and record["decision"] == "permit" and self.may_object(record, event["by"], when):
                state = "disputed"
        if expires is not None and expires <= self.at and (over is None or expires <= over[1]):
            over = ("expired", expires)
        if over:
            return over if over[1] > start else "void"
        return state

    def may_object(self, record, by, when):
        """Another holder of responsibility, or the council under an order, from whom the child is not protected (R29)."""
        child = record["subject"]
        if by in (record["decider"], child) or by in self.w.abusers(child, self.at):
            return False
        right = self.holder if by in self.w.person else lambda who, whose, at: self.care_order(whose, at, who)
        return all(right(by, child, t) for t in (when, self.at))

    # --- several records ------------------------------------------------------------------------
    def replaces(self, new, old):
        """Whether a newer version with standing took a record's place: the same decider's, or the person's own."""
        if new.get("supersedes") != old["id"] or cal.parse(new.get("valid_from", new["recorded_at"])) > self.at:
            return False
        standing = self.standing(new)
        return standing in ("own", "proxy") or (standing is not None and new["decider"] == old["decider"])

    def records(self, person, any_purpose):
        """Every record that could count: (record, standing, decision, status)."""
        found, self.unasked, self.any_purpose = [], False, any_purpose
        gone = {old["id"] for old in self.w.permissions for new in self.w.permissions if self.replaces(new, old)}
        for record in self.w.permissions:
            if record["subject"] != person or record["id"] in gone:
                continue
            decision, standing = self.decision(record, any_purpose), self.standing(record)
            if decision is None or standing is None:
                continue
            asked = record.get("young_person_asked", {})
            was_asked = asked.get("asked") and ("at" not in asked or cal.parse(asked["at"]) <= self.at)
            teen = self.w.at_least(person, 13, self.at) and not self.w.at_least(person, 18, self.at)
            status = self.status(record, standing, decision)
            if standing == "parent" and decision == "permit" and teen and self.segment["category"] in ASK_FIRST and not was_asked:
                counted = isinstance(status, tuple) and not self.w.at_least(person, 13, cal.parse(record["recorded_at"]))
                self.unasked = self.unasked or status in ("live", "disputed")
                if not counted:
                    continue
            found.append((record, standing, decision, status))
        return found

    def party_within(self, one, other):
        if other.get("anyone"):
            return True
        if one.get("anyone"):
            return False
        hats = [h for h in self.w.hat.values() if h["account"] == one.get("account")]
        for key, value in other.items():
            if key in one and one[key] == value:
                continue
            break
        else:
            return True
        return any(all(h.get(key) == value for key, value in other.items()) for h in hats)

    def element_within(self, name, one, other):
        if name not in other:
            return True
        if name not in one:
            return False
        a, b = one[name], other[name]
        if name in ("from", "to"):
            return all(any(self.party_within(p, q) for q in b) for p in a)
        if name == "data_period":
            return b.get("from", "") <= a.get("from", "") and a.get("to", "9999") <= b.get("to", "9999")
        if name == "labels":
            return all(any(label in COVERS.get(wide, {wide}) for wide in b) for label in a)
        return set(a) <= set(b)

    def scope_left(self, record, decision):
        """The scope a record speaks in here: the base, narrowed by the first exception that gave the decision."""
        inside = [e for e in record.get("exceptions", []) if e["decision"] == decision and self.matches(e, decision, self.any_purpose)]
        left = {name: record[name] for name in ELEMENTS if name in record}
        for name in ELEMENTS if inside else ():
            if name in inside[0]:
                both = name in ("categories", "purposes") and name in left
                left[name] = [v for v in inside[0][name] if v in left[name]] if both else inside[0][name]
        return {n: v for n, v in left.items() if n not in ("from", "to") or not any(p.get("anyone") for p in v)}

    def within(self, one, other):
        return all(self.element_within(name, one, other) for name in ELEMENTS)

    def beaten(self, item, others):
        record, _, decision, _ = item
        when, mine = cal.parse(record["recorded_at"]), self.scope_left(record, decision)
        for rival, _, say, _ in others:
            theirs = self.scope_left(rival, say)
            inner, outer = self.within(theirs, mine), self.within(mine, theirs)
            if rival is record or not inner:
                continue
            then = cal.parse(rival["recorded_at"])
            if not outer or then > when or (then == when and say == "refuse" and decision == "permit"):
                return True
        return False

    def effective(self, items):
        """What stands of each decider: narrower first, then newest, then refusal."""
        stands = []
        for decider in {i[0]["decider"] for i in items}:
            mine = [i for i in items if i[0]["decider"] == decider]
            left = [i for i in mine if not self.beaten(i, mine)]
            stands += [i for i in left if i[2] == "refuse"] or left
        return stands

    # --- the rows P3 to P15 -----------------------------------------------------------------------
    def judge(self, person):
        items = self.records(person, False)
        force = [i for i in items if i[3] in ("live", "disputed")]
        ended = [i for i in items if isinstance(i[3], tuple) and i[2] == "permit"]
        adult16 = self.w.at_least(person, 16, self.at)
        own = self.effective([i for i in force if i[1] in ("own", "proxy")])
        if own:
            return self.single(own)
        competent = not adult16 and self.w.competent(person, self.segment["category"], self.at)
        own_ended = [i for i in ended if i[1] == "own"]
        if adult16 and any(i[1] in ("own", "proxy") and i[3] not in ("later", "void") for i in items):
            return self.past([i for i in own_ended + ended if i[1] in ("own", "proxy")])
        if competent:
            return self.past(own_ended) if own_ended else Verdict("absent", "PERMISSION-ABSENT", "ask-young-person")
        parents = self.effective([i for i in force if i[1] == "parent"])
        if parents:
            return self.parents(parents)
        if self.unasked:
            return Verdict("absent", "PERMISSION-ABSENT", "ask-young-person")
        return self.past(ended)

    def dissent(self, person):
        """A refusal in force that fits by everything but purpose, not replaced by a newer permit of the same scope."""
        items = [i for i in self.records(person, True) if i[3] in ("live", "disputed")]
        young = not self.w.at_least(person, 16, self.at) and self.w.competent(person, self.segment["category"], self.at)
        counting = [i for i in items if i[1] != "parent" or not young]
        when = lambda item: cal.parse(item[0]["recorded_at"])

        def same(one, other):
            a, b = self.scope_left(one[0], one[2]), self.scope_left(other[0], other[2])
            return one[0]["decider"] == other[0]["decider"] and self.within(a, b) and self.within(b, a)

        return any(i[2] == "refuse" and not any(o[2] == "permit" and when(o) > when(i) and same(o, i) for o in counting) for i in counting)

    def past(self, ended):
        if not ended:
            return Verdict("absent", "PERMISSION-ABSENT")
        newest = max(ended, key=lambda i: i[3][1])
        return Verdict("absent", "PERMISSION-" + newest[3][0].upper())

    def refusal(self, items, limit="PERMISSION-REFUSED", flag=None):
        return Verdict("refuse", limit, flag, any(self.names_asker(i[0]) for i in items))

    def single(self, chosen):
        refusals = [i for i in chosen if i[2] == "refuse"]
        return self.refusal(refusals) if refusals else Verdict("permit")

    def parents(self, chosen):
        permits = [i for i in chosen if i[2] == "permit"]
        refusals = [i for i in chosen if i[2] == "refuse"]
        if not permits:
            return self.refusal(refusals)
        settled = lambda item, other: any(
            e["event"] == "resolve" and e["outcome"] == "active" and self.manager(e) and cal.parse(e["at"]) >= cal.parse(other[0]["recorded_at"])
            for e in self.events(item[0]))
        if any(i[3] == "disputed" for i in permits):
            return self.refusal(refusals, "PERMISSION-DISPUTED", "decide-dispute")
        open_refusals = [r for r in refusals if not any(settled(p, r) for p in permits)]
        if not open_refusals:
            return Verdict("permit")
        if all(settled(r, p) for r in open_refusals for p in permits):
            return self.refusal(open_refusals)
        return self.refusal(open_refusals, "PERMISSION-DISPUTED", "decide-dispute")
