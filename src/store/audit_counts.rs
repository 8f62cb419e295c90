//! Counting entries by agency, for the charts: over the index, never over payloads.
//!
//! Owns the statements. Decides nothing about what may be shown: small numbers leave here as they are.

use super::Error;
use super::db::{Arg, Db, statements};
use super::entry_index::{IndexKeys, Kind};
use crate::audit::Event;
use crate::clock::Moment;
use std::collections::BTreeMap;

statements! {
    BY_AGENCY = "SELECT agency, COUNT(*), SUM(CASE WHEN (flags & 1) <> 0 THEN 1 ELSE 0 END) FROM log_index WHERE +time >= $1 AND +time < $2 AND event IN ($3, $4, $5, $6) AND (shown_full | shown_part) <> 0 GROUP BY agency",
        "SELECT agency, COUNT(*), SUM(CASE WHEN (flags & 1) <> 0 THEN 1 ELSE 0 END)::BIGINT FROM log_index WHERE time >= $1 AND time < $2 AND event IN ($3, $4, $5, $6) AND (shown_full | shown_part) <> 0 GROUP BY agency";
    FROM_AGENCY = "SELECT i.agency, COUNT(*) FROM log_index_ref r JOIN log_index i ON i.origin = r.origin AND i.idx = r.idx WHERE r.ref = $1 AND i.time >= $2 AND i.time < $3 AND i.event IN ($4, $5, $6, $7) GROUP BY i.agency";
}

/// The events that are disclosures.
const DISCLOSURES: [Event; 4] = [Event::View, Event::OvrUse, Event::Collect, Event::Export];

impl Db {
    /// Disclosures that showed something, and how many of them an override opened, by the agency that received.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub async fn disclosures_by_agency(
        &self,
        names: &IndexKeys,
        (from, to): (Moment, Moment),
        agencies: &[String],
    ) -> Result<BTreeMap<String, (i64, i64)>, Error> {
        let [a, b, c, d] = events(names);
        let args = [from.millis(), to.millis(), a, b, c, d].map(Arg::Int);
        let mut found = BTreeMap::new();
        for row in self.fetch(&BY_AGENCY, &args).await? {
            let (name, count, opened) = (row.int(0, "agency")?, row.int(1, "count")?, row.int(2, "overrides")?);
            let agency = agencies.iter().find(|a| names.name(Kind::Agency, a) == name);
            found.extend(agency.map(|a| (a.clone(), (count, opened))));
        }
        Ok(found)
    }

    /// Disclosures in which something of this agency was shown, by the agency that received.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub async fn disclosures_from(
        &self,
        names: &IndexKeys,
        (from, to): (Moment, Moment),
        holder: &str,
        agencies: &[String],
    ) -> Result<BTreeMap<String, i64>, Error> {
        let [a, b, c, d] = events(names);
        let holder = names.name(Kind::Ref, &format!("from/{holder}"));
        let args = [holder, from.millis(), to.millis(), a, b, c, d].map(Arg::Int);
        let mut found = BTreeMap::new();
        for row in self.fetch(&FROM_AGENCY, &args).await? {
            let (name, count) = (row.int(0, "agency")?, row.int(1, "count")?);
            let agency = agencies.iter().find(|a| names.name(Kind::Agency, a) == name);
            found.extend(agency.map(|a| (a.clone(), count)));
        }
        Ok(found)
    }
}

fn events(names: &IndexKeys) -> [i64; 4] {
    DISCLOSURES.map(|e| names.name(Kind::Event, e.name()))
}
