"""Random but plausible facts, the same for the same seed: every section and every edge the papers name turns up.

All people are invented; their numbers come from the test range.
"""
from cast import AGENCIES, ANSWERS, CATEGORIES, Cast, GATED, LISTABLE, PURPOSES, RARE, STAFF, TEAMS


class Maker(Cast):
    """One facts file."""

    # --- permissions --------------------------------------------------------------------------------
    def party(self, refusal, to):
        if refusal and self.chance(0.25):
            return {"anyone": True}
        if not to:
            return self.r.choice([{"agency": a} for a in ("csc", "mh", "sm", "prim", "pol", "da")] + [{"role": "CLN", "agency": "mh"}])
        hid = self.r.choice(list(self.hats))
        role, agency, team, account = self.hats[hid]
        shapes = [{"role": role}, {"agency": agency}, {"role": role, "agency": agency}, {"account": account}, {"team": team or "fit"}]
        return self.r.choice(shapes)

    def scope(self, refusal, part):
        out = {}
        if self.chance(part):
            out["categories"] = self.some(LISTABLE if self.chance(0.3) else GATED, 1, 5)
        if self.chance(0.05):
            out["labels"] = self.some(["SUD", "BH", "SPI", "ETHUD", "MH", "R", "N", "V"], 1, 2)
        if self.chance(part):
            out["from"] = [self.party(refusal, False) for _ in range(self.r.randint(2, 4))]
        if self.chance(part):
            out["to"] = [self.party(refusal, True) for _ in range(self.r.randint(1, 6))]
        if self.chance(part):
            out["purposes"] = self.some(["CIN", "EH", "DC", "MET"], 1, 4)
        if self.chance(0.06):
            out["data_period"] = {"from": "2025-01-01"} if self.chance(0.5) else {"to": "2025-12-31"}
        if self.chance(0.04):
            out["segments"] = self.some(self.segment_ids, 2, 8)
        return out

    def aim(self, p, ask, segment):
        """Lets a scope fit a question in most elements."""
        role, agency, team, account = self.hats[ask["hat"]]
        if role == "PA" and self.chance(0.8):
            role, agency, team, account = "SW", "csc", "cin-2", "ann"
        named = self.r.choice([{"role": role}, {"agency": agency}, {"role": role, "agency": agency}, {"account": account}, {"team": team or "fit"}])
        if self.chance(0.92) and segment["category"] in LISTABLE and "categories" in p:
            p["categories"] = sorted({segment["category"], *p["categories"]})
        if self.chance(0.92) and "from" in p and not any("anyone" in q for q in p["from"]):
            p["from"] = p["from"] + [{"agency": segment["custodian"]}]
        if self.chance(0.92) and "to" in p:
            p["to"] = p["to"] + [named] if self.chance(0.5) else [named]
        if self.chance(0.92) and "purposes" in p and ask["purpose"] in ("CIN", "EH", "DC", "MET"):
            p["purposes"] = sorted({ask["purpose"], *p["purposes"]})

    def permission(self, questions):
        ask, segment = self.r.choice(questions)
        subject = self.r.choice([q for q in segment["about"] if q != "ray"] or ["k2"])
        refusal = self.chance(0.4)
        roll = self.r.random()
        decider, capacity = subject, "self-adult" if subject in ("mum", "dad") else "self-16-17" if subject == "k4" else "self-competent-child"
        if subject in ("k1", "k2", "k3") and roll < 0.65:
            decider, capacity = self.r.choice(["mum"] * 5 + ["dad"] * 3 + ["ray"]), "parent-pr"
        elif roll > 0.97:
            decider, capacity = "csc", "la-care-order"
        elif roll > 0.94:
            decider, capacity = ("gran", "attorney-or-deputy") if self.chance(0.5) else ("mh", "best-interests")
        p = {"id": self.name("p"), "subject": subject, "decider": decider, "capacity": capacity, "decision": "refuse" if refusal else "permit",
             "recorded_at": self.moment(-400, 1) if self.chance(0.4) else self.moment(-30, 0), "told_limits": not self.chance(0.04)}
        p.update(self.scope(refusal, 1))
        self.aim(p, ask, segment)
        self.maybe(p, "kind", lambda: self.r.choice(["confidence"] * 9 + ["service"]), 0.5)
        if self.chance(0.05) and p.get("kind") != "service":
            p["imported"] = True
            p.pop(self.r.choice(["from", "to"]))
        if self.chance(0.3):
            p["exceptions"] = [{"decision": self.r.choice(["permit", "refuse"]), **self.scope(True, 0.4)} for _ in range(self.r.randint(1, 2))]
            for e in p["exceptions"]:
                if self.chance(0.6):
                    self.aim(e, ask, segment)
                if e["decision"] == "permit":
                    for side in ("from", "to"):
                        if side in e and any("anyone" in q for q in e[side]):
                            e[side] = [{"agency": "csc"}]
        if capacity == "self-competent-child" and self.chance(0.7):
            self.competent.append({"id": self.name("a"), "person": subject, "kind": "competence", "categories": [segment["category"]] if segment["category"] in LISTABLE else ["MHL"],
                                   "outcome": "yes", "at": p["recorded_at"]})
        self.maybe(p, "valid_from", lambda: self.moment(-10, 3), 0.1)
        self.maybe(p, "valid_to", lambda: self.moment(-4, 60), 0.15)
        self.maybe(p, "plan", lambda: self.r.choice(["c1", "c2"]), 0.08)
        if self.chance(0.7):
            p["young_person_asked"] = {"asked": not self.chance(0.15)}
            self.maybe(p["young_person_asked"], "at", lambda: self.moment(-5, 2), 0.1)
        self.maybe(p, "recorded_by", lambda: self.r.choice(["ann-sw", "aide-pa", "helper-vol", "head-sch", "edge1-edg", "edge1-edg"]), 0.12)
        if self.chance(0.25):
            p["events"] = [self.event(p) for _ in range(self.r.randint(1, 3))]
        return p

    def event(self, p):
        kind = self.r.choice(["withdraw", "object", "object", "resolve", "entered-in-error"])
        e = {"event": kind, "at": self.moment(-8, 2)}
        if kind in ("withdraw", "object"):
            e["by"] = self.r.choice([p["decider"], p["subject"], "mum", "dad", "ray", "csc"])
        if kind == "resolve":
            e["outcome"] = self.r.choice(["active", "active", "withdrawn"])
        if kind == "entered-in-error" and self.chance(0.6):
            e["at"] = self.moment(3, 9)
        return e

    def permissions(self, f):
        known = {s["id"]: s for s in f["segments"]}
        asked = [(a, known[a["segment"]]) for a in f["asks"] if "segment" in a]
        gated = [q for q in asked if q[1]["category"] in GATED and q[0]["purpose"] in ("CIN", "EH", "DC", "MET", "CP")]
        out = [self.permission(gated or asked) for _ in range(self.r.randint(15, 60))]
        for p in out:
            if self.chance(0.08):
                twin = {**p, "id": self.name("p"), "decision": self.r.choice(["permit", "refuse"]), "recorded_at": self.r.choice([p["recorded_at"], self.moment(-20, 0)])}
                if not any("anyone" in q for side in ("from", "to") for q in twin.get(side, [])):
                    self.maybe(twin, "supersedes", p["id"], 0.4)
                    out = out + [twin]
        return out

    # --- segments -----------------------------------------------------------------------------------
    def segments(self):
        out = []
        for sid in self.segment_ids:
            category = self.r.choice(CATEGORIES + GATED + GATED + [None])
            about = self.some(["k1", "k2", "k3", "k4", "mum", "dad", "ray"], 1, 1 if self.chance(0.75) else 3)
            s = {"id": sid, "category": category, "about": about, "custodian": self.r.choice(["csc", "mh", "sm", "pol", "prim", "da", "vols"]),
                 "form": "summary" if self.chance(0.12) else "full"}
            if category == "INT":
                s["handling"] = "P1"
            if s["form"] == "full" and self.chance(0.85):
                s["summary"] = sid + "-sum"
                summary = {"id": sid + "-sum", "category": category, "about": about, "custodian": s["custodian"], "form": "summary"}
                if category == "INT":
                    summary["handling"] = "P1"
                out.append(self.maybe(summary, "recorded_at", lambda: self.moment(-5, 3), 0.15))
            self.maybe(s, "record_of", lambda: self.r.choice(["k1", "k2", "k3", "k4", "birth"]), 0.15)
            self.maybe(s, "author", lambda: self.r.choice(list(self.hats)), 0.3)
            self.maybe(s, "caseload", lambda: self.some(self.hats, 1, 3), 0.15)
            self.maybe(s, "observed", lambda: self.r.choice(["2024-06-01", "2025-12-31", "2026-01-01"]), 0.6)
            self.maybe(s, "labels", lambda: self.some(["SUD", "ETHUD", "MH", "PSY", "SDV", "R"], 1, 2), 0.3)
            self.maybe(s, "markings", lambda: self.some(["NOPAT", "NOT-SCHOOL", "TELL-POLICE"], 1, 2), 0.1)
            self.maybe(s, "originator", lambda: [{"to": self.party(True, True), "max": self.r.choice("FSIN")} for _ in range(2)], 0.15)
            self.maybe(s, "places", ["school"], 0.1)
            self.maybe(s, "voices", lambda: self.some(["k2", "mum", "ray"], 1, 1), 0.08)
            self.maybe(s, "sealed", lambda: self.span({"from": self.moment(-5, 2)}, 0, 0.4), 0.03)
            if category == "MIS":
                self.maybe(s, "kind", lambda: self.r.choice(["missing-episode", "missing-episode", "return-interview"]), 0.8)
            out.append(s)
        return out

    def override(self):
        hid = self.r.choice([h for h, v in self.hats.items() if v[0] in "SW POL CLN FMH FSM UHN SUR MSH DSL VOL".split()])
        o = {"id": self.name("o"), "kind": self.r.choice(["ordinary", "EMG"]), "hat": hid, "subject": self.r.choice(["k1", "k2", "k3", "mum", "dad", "gran"]),
             "categories": self.some(CATEGORIES, 6, 18), "purpose": self.r.choice(PURPOSES[self.hats[hid][0]].replace("LE", "CP").split()),
             "requested_at": self.near(), "answers": {a: "yes" for a in ANSWERS}}
        if self.chance(0.07):
            o["answers"][self.r.choice(ANSWERS)] = self.r.choice(["", " "])
        if o["kind"] == "ordinary" and self.chance(0.95):
            o.update(approved_by=self.r.choice(["boss-sw", "boss-sw", "home-cln", hid, "far-sw"]), approved_at=o["requested_at"] if self.chance(0.6) else self.near())
        self.maybe(o, "renewals", lambda: [{"at": self.near(), "approved_by": self.r.choice(["boss-sw", "boss-sw", "far-sw"])} for _ in range(self.r.randint(1, 3))], 0.4)
        return o

    # --- the file -----------------------------------------------------------------------------------
    def facts(self):
        self.segment_ids = [f"s{i}" for i in range(24)]
        kids, r = ["k1", "k2", "k3", "k4"], self.r
        f = {"facts": 1, "now": self.now, "agencies": [{"id": a, "kind": k} for a, k in AGENCIES.items()],
             "teams": [{"id": t, "agency": a} for t, a in TEAMS.items()], "accounts": self.accounts(), "people": self.people(),
             "households": self.homes(), "cases": self.cases()}
        self.maybe(f, "config", lambda: r.choice([{"clock_skew_seconds": 61}, {"clock_skew_seconds": 60}, {"log_available": False}]), 0.03)
        f["links"] = [self.span({"a": a, "b": b, "kind": r.choice(["relative", "partner", "friend", "neighbour"])})
                      for a, b in (("off1", "k2"), ("ray", "off2"), ("gran", "mum"), ("gran", "ray")) if self.chance(0.25)]
        f["conflicts"] = [self.span({"account": r.choice(STAFF)[0], "person": r.choice(["k1", "mum", "gran", "ray"]),
                                     "kind": r.choice(["relative", "friend", "neighbour", "partner"])}) for _ in range(2) if self.chance(0.5)]
        f["parental_responsibility"] = [self.span({"holder": "mum", "child": k, "basis": "mother"}, 0.1, 0.06) for k in kids if self.chance(0.95)]
        f["parental_responsibility"] += [
            self.maybe(self.span({"holder": "dad", "child": k, "basis": r.choice(["marriage", "registered-father", "order"])}, 0.1, 0.1), "evidence", "seen", 0.9)
            for k in kids if self.chance(0.8)]
        f["orders"] = [self.span({"kind": r.choice(["care-order", "interim-care-order", "special-guardianship"]), "child": k, "agency": "csc", "from": self.moment(-40, 2)}, 0, 0.3)
                       for k in kids if self.chance(0.08)]
        f["assessments"] = [{"id": self.name("a"), "person": r.choice(kids), "kind": "competence", "categories": self.some(GATED, 2, 7),
                             "outcome": r.choice(["yes", "yes", "no", "unsure"]), "at": self.moment(-60, 1)} for _ in range(r.randint(0, 5))]
        f["assessments"] += [{"id": self.name("a"), "person": r.choice(["mum", "dad", "k4"]), "kind": "capacity", "categories": self.some(GATED, 2, 7),
                              "outcome": r.choice(["has", "lacks", "lacks"]), "at": self.moment(-60, 1)} for _ in range(r.randint(0, 2))]
        f["protections"] = [self.span({"person": p, "against": x, "from": self.moment(-40, 1)}, 0, 0.15)
                            for p, x in (("mum", "ray"), ("k1", "ray"), ("k2", "ray"), ("k3", "dad"), ("mum", "dad")) if self.chance(0.18)]
        for i, p in enumerate(f["protections"]):
            p["id"] = f"prot{i}"
        f["strands"] = [self.span({"hat": r.choice(list(self.hats)), "linked_to": r.choice(["ray", "dad"]), "marked_by": "ann-sw", "from": self.moment(-9, 1)}, 0, 0.2) for _ in range(2) if self.chance(0.4)]
        f["seals"] = [{"id": "seal", "kind": r.choice(["adoption", "gender-recognition"]), "former": "birth", "current": "k2", "from": self.moment(-9, 1)}] if self.chance(0.3) else []
        f["relationships"], f["segments"] = self.relationships(), self.segments()
        f["overrides"] = [self.override() for _ in range(r.randint(2, 10))]
        open_ids = [s["id"] for s in f["segments"]]
        f["openings"] = [{"id": self.name("op"), "hat": "adopt-ado", "segment": r.choice([s["id"] for s in f["segments"] if s["category"] == "ADP"] or open_ids),
                          "reason": "court", "from": self.moment(-2, 0), "to": self.moment(0, 3)} for _ in range(2)]
        places = [s["id"] for s in f["segments"] if s["category"] in ("ADR", "LOC")] or open_ids
        f["item_grants"] = [{"id": self.name("g"), "segment": r.choice(places), "by": by, "to": to, "from": f"{self.day}T{h}:00:00Z", "until": f"{self.day}T{h + e:02}:00:00Z"}
                            for by, to in (("ann-sw", "aide-pa"), ("boss-sw", "aide-pa"), ("coord-vco", "helper-vol"), ("ann-sw", "helper-vol")) for h in (10,) for e in (r.choice([8, 7, 9]),)]
        f["asks"] = [self.ask(f, i) for i in range(70)]
        self.competent = []
        f["permissions"] = self.permissions(f)
        f["assessments"] += self.competent
        return f

    def ask(self, f, i):
        r, hid = self.r, self.r.choice(list(self.hats))
        if self.hats[hid][0] in RARE and self.chance(0.6):
            hid = r.choice(["aide-pa", "helper-vol", "ann-sw", "officer-prv", "desk-sur", "head-dsl", "nurse-lpr"])
        role, _, _, account = self.hats[hid]
        a = {"id": f"q{i}", "account": account, "hat": hid, "purpose": r.choice(PURPOSES.get(role, "CP CIN AU").split())}
        if self.chance(0.45):
            a["purpose"] = r.choice([p for p in PURPOSES.get(role, "CP").split() if p in ("CIN", "EH", "DC")] or [a["purpose"]])
        if self.chance(0.03):
            a["purpose"] = r.choice("CP CIN EH DC MET LE QA AN AU SA".split())
        if self.chance(0.4):
            a["at"] = r.choice([self.moment(-2, 2), self.near(), self.day.isoformat()])
        self.maybe(a, "strong_auth", False, 0.01)
        delegations = [d["id"] for d in f["relationships"] if d["kind"] == "delegation"]
        if role == "PA" and delegations and self.chance(0.95):
            a["delegation"] = r.choice(delegations)
        if role == "ANL" and self.chance(0.8):
            return {**a, "analytics": self.table()}
        if self.chance(0.1):
            return {**a, "act": self.do(f)}
        gated = [s for s in f["segments"] if s["category"] in GATED and s["form"] == "full"]
        a["segment"] = r.choice(gated if gated and self.chance(0.5) else f["segments"])["id"]
        mine = [o for o in f["overrides"] if o["hat"] == hid]
        if mine and self.chance(0.7):
            o = r.choice(mine)
            a["purpose"] = o["purpose"]
            self.maybe(a, "override", o["id"], 0.7)
            if self.chance(0.7):
                a.pop("at", None)
            fit = [s["id"] for s in f["segments"] if s["category"] in o["categories"] and o["subject"] in s["about"]]
            if fit and self.chance(0.8):
                a["segment"] = r.choice(fit)
        if role == "ADO" and self.chance(0.8):
            opening = r.choice(f["openings"])
            a.update(opening=opening["id"], segment=opening["segment"])
        if role == "PRV" and self.chance(0.95):
            sar = [x["requester"] for x in f["relationships"] if "requester" in x]
            a["requester"] = r.choice(sar if sar and self.chance(0.85) else ["mum", "dad", "ray", "k4"])
        grants = [g["segment"] for g in f["item_grants"] if g["to"] == hid]
        if grants and self.chance(0.25):
            a["segment"] = r.choice(grants)
        return a

    def do(self, f):
        r = self.r
        do = r.choice(["search"] * 5 + ["approve-override", "delegate", "assign-lead", "assign-worker", "forward", "confirm-draft", "record-permission",
                                        "sign-off", "threshold-decision", "read-segmentation-label"])
        if do == "search":
            p, q = r.choice(f["people"]), {}
            for key in ("family_name", "given_name", "born", "postcode"):
                if key in p and self.chance(0.75):
                    q[key] = p[key]
            if p.get("identifiers") and self.chance(0.4):
                q["identifier"] = {"kind": "nhs", "value": r.choice(["999 000 7411", p["identifiers"][0]["value"]])}
            return {"do": do, "query": q}
        if do == "approve-override":
            return {"do": do, "override": r.choice(f["overrides"])["id"]}
        if do in ("assign-lead", "assign-worker"):
            return {"do": do, "case": r.choice(["c1", "c2"]), "hat": r.choice(list(self.hats))}
        if do == "forward":
            return {"do": do, "segment": r.choice(f["segments"])["id"], "to": r.choice(list(self.hats))}
        act = {"do": do, "person": r.choice(["k1", "k2", "mum", "gran"])}
        return {**act, "account": r.choice(["aide", "helper", "aide"])} if do == "delegate" else act

    def table(self):
        r = self.r
        pick = lambda: {"category": r.choice(["EDU", "MHL", "ADR"]), "form": r.choice(["yes-no", "count", "band", "full-postcode", "free-text", "quartile"])}
        columns = [pick() for _ in range(r.randint(1, 2))]
        t = {"table": "t", "columns": columns, "declared": columns if self.chance(0.8) else [pick()]}
        for key in ("rows", "smallest_cell", "difference_from_previous"):
            self.maybe(t, key, lambda: r.choice([0, 3, 4, 5, 6, 640]), 0.4)
        return t
