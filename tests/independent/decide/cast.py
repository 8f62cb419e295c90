"""Who is in a generated facts file: moments, staff, people, homes, cases, relationships."""
import datetime as dt
import random

CATEGORIES = "IDN ADR LOC FAM EDU SND STS CSN HLT MHL MHN SUB SXH DAB EXP PIN CRM INT MIS TPI ADP CHR RSK".split()
LISTABLE = [c for c in CATEGORIES if c not in ("LOC", "MHN", "INT", "TPI", "ADP")]
GATED = "HLT MHL SUB SXH DAB EXP PIN CSN EDU STS FAM CHR".split()
AGENCIES = {"csc": "council", "csc2": "council", "mh": "nhs", "sm": "substance-misuse", "da": "domestic-abuse", "pol": "police",
            "prob": "probation", "prim": "school", "nurs": "nursery", "yjs": "youth-justice", "vols": "charity"}
TEAMS = {"cin-2": "csc", "fit": "csc", "edge": "csc", "met": "csc"}
STAFF = [
    ("ann", [("SW", "csc", "cin-2")]), ("boss", [("SW", "csc", "cin-2", True)]), ("far", [("SW", "csc2", None)]),
    ("aide", [("PA", "csc", "cin-2")]), ("edge1", [("EDG", "csc", "edge")]), ("vic", [("FDV", "da", "fit")]),
    ("harm", [("FDP", "prob", None)]), ("subst", [("FSM", "sm", "fit")]), ("dual", [("FMH", "mh", "fit"), ("CLN", "mh", None)]),
    ("home", [("CLN", "mh", None, True)]), ("nurse", [("UHN", "mh", None), ("LPR", "mh", None)]), ("cop", [("POL", "pol", "met")]),
    ("youth", [("YJW", "yjs", None)]), ("head", [("DSL", "prim", None), ("SCH", "prim", None)]), ("nest", [("DSL", "nurs", None)]),
    ("desk", [("SUR", "csc", None)]), ("coord", [("VCO", "vols", None)]), ("helper", [("VOL", "vols", None)]),
    ("adopt", [("ADO", "csc", None)]), ("figures", [("ANL", "csc", None)]), ("watch", [("OBS", "csc", None)]),
    ("audit", [("AUD", "csc", None)]), ("officer", [("PRV", "csc", None)]), ("door", [("MSH", "csc", None)]), ("sys", [("SYS", "csc", None)]),
]
PURPOSES = {"MSH": "CP", "SW": "CP CIN MET", "PA": "CP CIN MET", "EDG": "CP CIN EH MET", "FDV": "CP CIN EH DC", "FDP": "CP CIN",
            "FSM": "CP CIN EH DC", "FMH": "CP CIN EH DC", "CLN": "CP CIN EH DC", "UHN": "CP CIN EH DC MET", "POL": "CP CIN MET LE",
            "YJW": "CP CIN EH MET", "DSL": "CP CIN EH MET", "SUR": "EH", "LPR": "CP CIN EH", "VCO": "CP CIN EH MET", "VOL": "CP CIN EH MET",
            "OBS": "QA", "PRV": "SA", "ANL": "AN", "SCH": "CIN EH", "ADO": "CP CIN"}
RARE = set("AUD SYS ANL ADO SCH OBS".split())
ANSWERS = ("harm", "needed", "why_not_less", "proportionate", "telling_risk")


class Cast:
    """Moments, staff, people, homes, cases and relationships; the generator's first half."""

    def __init__(self, seed):
        self.r = random.Random(seed)
        days = ["2026-10-06", "2026-03-29", "2026-10-25", "2028-02-29", "2028-03-01", "2027-02-28", "2026-10-26", "2026-06-30"]
        self.day = dt.date.fromisoformat(self.r.choice(days)) + dt.timedelta(self.r.choice([0, 0, 0, 1, -1]))
        self.now = self.stamp(dt.datetime.combine(self.day, dt.time(self.r.choice([0, 0, 9, 10, 12, 23]), self.r.choice([0, 0, 30]))))
        self.n = 0

    # --- time -------------------------------------------------------------------------------------
    def stamp(self, utc):
        shape = self.r.random()
        if shape < 0.6:
            return utc.strftime("%Y-%m-%dT%H:%M:%SZ")
        return (utc + dt.timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%S+01:00")

    def moment(self, low, high):
        """A time so many days around the day of the file; often 00:00 London, often a bare date."""
        day = self.day + dt.timedelta(self.r.randint(low, high))
        if self.r.random() < 0.3:
            return day.isoformat()
        hour = self.r.choice([0, 0, 9, 10, 12, 22, 23])
        return self.stamp(dt.datetime.combine(day, dt.time(hour, self.r.choice([0, 0, 30, 59]), self.r.choice([0, 0, 59]))))

    def near(self):
        """A time close to now: the hours around it."""
        base = dt.datetime.combine(self.day, dt.time(10))
        return self.stamp(base + dt.timedelta(minutes=self.r.choice([-4300, -2880, -2879, -1441, -1440, -1439, -700, -480, -480, -90, -90, -60, -30, 0, 30])))

    def chance(self, share):
        return self.r.random() < share

    def span(self, thing, start=0.5, end=0.3, low=-500):
        if self.chance(start):
            thing["from"] = self.moment(low, 1)
        if self.chance(end):
            thing["to"] = self.moment(-3, 40) if self.chance(0.7) else self.moment(-30, 0)
        return thing

    def name(self, stem):
        self.n += 1
        return f"{stem}{self.n}"

    def some(self, things, least=1, most=2):
        things = list(things)
        return self.r.sample(things, min(len(things), self.r.randint(least, most)))

    def maybe(self, thing, key, value, share):
        if self.chance(share):
            thing[key] = value() if callable(value) else value
        return thing

    # --- people and staff ---------------------------------------------------------------------------
    def born(self, years):
        """A birthday so many years before the file's day, give or take a day."""
        day = self.day + dt.timedelta(self.r.choice([-1, 0, 0, 1, -100, 100]))
        try:
            return day.replace(year=day.year - years).isoformat()
        except ValueError:
            return dt.date(day.year - years, 3, 1).isoformat()

    def people(self):
        ages = {"k1": self.r.choice([12, 13]), "k2": self.r.choice([9, 14, 15]), "k3": self.r.choice([15, 16]), "k4": self.r.choice([16, 17, 18]),
                "mum": 34, "dad": 36, "ray": 38, "gran": 61, "off1": 40, "off2": 30, "birth": 6}
        out = []
        for pid, age in ages.items():
            p = {"id": pid, "born": self.born(age)}
            if self.chance(0.1) and pid[0] == "k":
                p = {"id": pid, "age_band": self.r.choice(["5-10", "11-13", "14-15", "16-17"])}
            if self.chance(0.1) and pid == "k3":
                p = {"id": pid, "born": self.r.choice(["2012-02-29", "2008-02-29"])}
            p["family_name"] = self.r.choice(["Alder", "Alder", "Birch"])
            p["given_name"] = self.r.choice(["Ann", "Bo"])
            self.maybe(p, "postcode", lambda: self.r.choice(["ZZ1 1ZZ", "ZZ2 2ZZ"]), 0.4)
            self.maybe(p, "identifiers", lambda: [self.span({"kind": "nhs", "value": self.r.choice(["9990007411", "9990007438", "9990007446"])}, 0.2, 0.2)], 0.5)
            self.maybe(p, "died", lambda: self.moment(-400, 5), 0.04)
            self.maybe(p, "nameless", True, 0.04)
            out.append(p)
        return out

    def accounts(self):
        out, self.hats = [], {}
        for aid, hats in STAFF:
            account = {"id": aid, "hats": []}
            for role, agency, team, *boss in hats:
                hat = {"id": f"{aid}-{role.lower()}", "role": role, "agency": agency}
                if team:
                    hat["team"] = team
                if boss:
                    hat["supervisor"] = True
                if self.chance(0.04):
                    self.span(hat)
                account["hats"].append(hat)
                self.hats[hat["id"]] = (role, agency, team, aid)
            self.maybe(account, "active_to", lambda: self.moment(-1, 300), 0.03)
            if self.chance(0.06):
                account["person"] = self.r.choice(["off1", "off2", "ray", "gran"])
                self.maybe(account, "person_linked_at", lambda: self.moment(-5, 3), 0.3)
            out.append(account)
        return out

    def member(self, pid):
        return self.span({"person": pid}, 0.3, 0.4) if self.chance(0.15) else pid

    def homes(self):
        pools = [["mum", "k1", "k2"], ["dad", "k3"], ["k4", "gran", "off1"], ["ray", "off2"], ["ray", "mum", "k2"]]
        return [self.span({"id": self.name("h"), "members": [self.member(m) for m in pool]}, 0.2, 0.15)
                for pool in pools if self.chance(0.35)]

    def cases(self):
        out = []
        for cid, members in (("c1", ["k1", "k2", "k3", "mum", "ray", "dad"]), ("c2", ["k4", "dad", "birth", "k2", "mum", "k3"])):
            purposes = [{"purpose": p, "from": self.moment(-500, -1)} for p in ("CIN", "CP", "EH", "MET") if self.chance(0.94)]
            for p in purposes:
                self.maybe(p, "to", lambda: self.moment(-20, 60), 0.12)
            out.append({"id": cid, "agency": "csc", "team": self.r.choice(["cin-2", "fit"]),
                        "members": [self.member(m) for m in members], "purposes": purposes})
        return out

    # --- relationships ------------------------------------------------------------------------------
    def relationships(self):
        out, kinds = [], ("allocated", "plan-named", "allocated", "plan-named", "referral", "lead", "contact", "team-named")
        for hid, (role, _, _, _) in self.hats.items():
            if role in ("AUD", "SYS", "ANL", "ADO"):
                continue
            for cid in ("c1", "c2"):
                if not self.chance(0.92):
                    continue
                rel = {"id": self.name("r"), "kind": self.r.choice(kinds), "hat": hid, "from": self.moment(-400, -1)}
                if role == "OBS":
                    rel["kind"] = "observation"
                if role == "VOL":
                    rel.update(kind="match", role=self.r.choice(["mentor", "return-interview"]))
                if role == "PA":
                    rel = self.delegation(hid)
                elif role == "PRV":
                    rel.update(kind="subject-access", requester=self.r.choice(["mum", "dad", "ray", "k4"]))
                if role != "PA":
                    self.maybe(rel, "case", cid, 0.85 if rel["kind"] != "team-named" else 1)
                    if "case" not in rel or self.chance(0.05):
                        rel["subject"] = self.r.choice(["k1", "k2", "k3", "k4", "mum", "dad"])
                    if "case" not in rel:
                        self.maybe(rel, "purposes", lambda: self.some(["CIN", "CP", "EH", "DC"], 1, 3), 0.2)
                self.maybe(rel, "to", lambda: self.moment(-1, 100), 0.12 if role != "PA" else 0)
                out.append(rel)
        out.append({"id": "sup", "kind": "supervisor", "hat": "boss-sw", "of": "ann-sw", "from": self.moment(-30, 0)})
        for _ in range(3):
            rel = {"id": self.name("r"), "kind": "self-claim", "hat": self.r.choice(list(self.hats)), "subject": self.r.choice(["gran", "k4", "birth"]),
                   "from": self.near()}
            out.append(self.maybe(rel, "reason", lambda: self.r.choice(["seen", "seen", " "]), 0.9))
        return out

    def delegation(self, hid):
        start = dt.date(self.day.year, self.day.month, 1) - dt.timedelta(self.r.choice([10, 40, 200]))
        end = start.replace(year=start.year + 1) if (start.month, start.day) != (2, 29) else dt.date(start.year + 1, 3, 1)
        rel = {"id": self.name("d"), "kind": "delegation", "hat": hid, "grantor": self.r.choice(["ann-sw"] * 6 + ["boss-sw", "edge1-edg"]),
               "from": start.isoformat(), "to": (end + dt.timedelta(self.r.choice([0, 0, 0, -20, -20, 1]))).isoformat()}
        self.maybe(rel, "cases", lambda: self.some(["c1", "c2"], 1, 2), 0.25)
        self.maybe(rel, self.r.choice(["case", "case", "subject"]), "c1", 0.06)
        if "subject" in rel:
            rel["subject"] = "k2"
        if self.chance(0.1):
            away = {"from": self.moment(-32, -20)}
            self.maybe(away, "to", lambda: self.moment(-5, 20), 0.4)
            rel["absences"] = [self.maybe(away, "cover", "far-sw", 0.3)]
        return rel
