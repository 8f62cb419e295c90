//! The closed vocabularies of sharing: category, confidentiality, role, purpose, level.
//!
//! Owns the codes and nothing else: what they mean for a decision is in `sharing/` (files and module). A new code is a
//! new variant, so every `match` that must think about it stops compiling. Source: sharing rules §2, §3, §4.

use std::fmt;

macro_rules! vocabulary {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $code:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, serde::Serialize, serde::Deserialize)]
        pub enum $name { $($(#[$vdoc])* #[serde(rename = $code)] $variant),+ }
        impl $name {
            /// Every member, in order.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];
            /// The stable code.
            #[must_use]
            pub const fn code(self) -> &'static str { match self { $(Self::$variant => $code),+ } }
            /// The member with this code, exactly as written.
            #[must_use]
            pub fn parse(code: &str) -> Option<Self> { match code { $($code => Some(Self::$variant),)+ _ => None } }
            /// Position in [`Self::ALL`], for tables.
            #[must_use]
            pub const fn index(self) -> usize { self as usize }
        }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { f.write_str(self.code()) }
        }
    };
}

vocabulary! {
    /// What a segment is about: the 23 codes of sharing rules §3, in their order.
    Category {
        /// Core identity.
        Idn = "IDN",
        /// Home address and contact.
        Adr = "ADR",
        /// Protected location.
        Loc = "LOC",
        /// Household and relationships.
        Fam = "FAM",
        /// Education.
        Edu = "EDU",
        /// Special educational needs and disability.
        Snd = "SND",
        /// Social care status.
        Sts = "STS",
        /// Social care record.
        Csn = "CSN",
        /// General health.
        Hlt = "HLT",
        /// Mental health.
        Mhl = "MHL",
        /// Therapy process notes.
        Mhn = "MHN",
        /// Substance misuse.
        Sub = "SUB",
        /// Sexual and reproductive health.
        Sxh = "SXH",
        /// Domestic abuse.
        Dab = "DAB",
        /// Exploitation, child sexual abuse.
        Exp = "EXP",
        /// Police incidents.
        Pin = "PIN",
        /// Convictions and allegations.
        Crm = "CRM",
        /// Police intelligence.
        Int = "INT",
        /// Missing episodes, return interviews.
        Mis = "MIS",
        /// Third-party and referrer identity.
        Tpi = "TPI",
        /// Pre-adoption identity.
        Adp = "ADP",
        /// Protected characteristics.
        Chr = "CHR",
        /// Safety brief.
        Rsk = "RSK",
    }
}

vocabulary! {
    /// How sensitive a segment is (HL7 v3-Confidentiality): N < R < V. `sealed` is a flag beside it.
    Confidentiality {
        /// Normal.
        N = "N",
        /// Restricted.
        R = "R",
        /// Very restricted.
        V = "V",
    }
}

impl Category {
    /// The lowest confidentiality a segment of this category may carry (sharing rules §3, last column).
    #[must_use]
    pub const fn confidentiality_floor(self) -> Confidentiality {
        match self {
            Self::Idn | Self::Adr | Self::Fam | Self::Edu | Self::Rsk => Confidentiality::N,
            Self::Loc | Self::Mhn | Self::Sxh | Self::Int | Self::Tpi | Self::Adp => Confidentiality::V,
            Self::Snd
            | Self::Sts
            | Self::Csn
            | Self::Hlt
            | Self::Mhl
            | Self::Sub
            | Self::Dab
            | Self::Exp
            | Self::Pin
            | Self::Crm
            | Self::Mis
            | Self::Chr => Confidentiality::R,
        }
    }
}

vocabulary! {
    /// How much is shown: N < I < S < F.
    Level {
        /// Nothing.
        N = "N",
        /// Indicator.
        I = "I",
        /// Summary.
        S = "S",
        /// Full.
        F = "F",
    }
}

vocabulary! {
    /// The role of a hat (sharing rules §2).
    Role {
        /// Front door screener.
        Msh = "MSH",
        /// Social worker.
        Sw = "SW",
        /// Personal assistant, Social Work Co-ordinator.
        Pa = "PA",
        /// Edge-of-care key worker.
        Edg = "EDG",
        /// Domestic abuse specialist with the victim-survivor.
        Fdv = "FDV",
        /// Domestic abuse specialist with the person causing harm.
        Fdp = "FDP",
        /// Substance misuse specialist in the team.
        Fsm = "FSM",
        /// Mental health specialist in the team.
        Fmh = "FMH",
        /// Clinician in the home service.
        Cln = "CLN",
        /// Health visitor, school nurse, midwife, GP.
        Uhn = "UHN",
        /// Police.
        Pol = "POL",
        /// Youth justice worker.
        Yjw = "YJW",
        /// Designated safeguarding lead.
        Dsl = "DSL",
        /// Other school staff.
        Sch = "SCH",
        /// Surgery adviser.
        Sur = "SUR",
        /// Lead professional who is not a social worker.
        Lpr = "LPR",
        /// Volunteer co-ordinator.
        Vco = "VCO",
        /// Volunteer.
        Vol = "VOL",
        /// Adoption team officer.
        Ado = "ADO",
        /// Embedded analyst.
        Anl = "ANL",
        /// Practice observer.
        Obs = "OBS",
        /// Auditor.
        Aud = "AUD",
        /// Privacy officer.
        Prv = "PRV",
        /// Technical administrator.
        Sys = "SYS",
        /// The person.
        Subj = "SUBJ",
        /// Holder of parental responsibility.
        Prh = "PRH",
    }
}

vocabulary! {
    /// Why somebody asks (sharing rules §4).
    Purpose {
        /// Child protection.
        Cp = "CP",
        /// Child in need.
        Cin = "CIN",
        /// Early help.
        Eh = "EH",
        /// Direct care.
        Dc = "DC",
        /// Missing, exploited, trafficked.
        Met = "MET",
        /// Law enforcement.
        Le = "LE",
        /// Practice quality.
        Qa = "QA",
        /// Analytics.
        An = "AN",
        /// Audit and compliance.
        Au = "AU",
        /// Subject access.
        Sa = "SA",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_parses_back_to_its_member() {
        assert!(Category::ALL.iter().all(|c| Category::parse(c.code()) == Some(*c)));
        assert!(Role::ALL.iter().all(|c| Role::parse(c.code()) == Some(*c)));
        assert!(Purpose::ALL.iter().all(|c| Purpose::parse(c.code()) == Some(*c)));
        assert_eq!(Category::ALL.len(), 23);
    }

    #[test]
    fn levels_are_ordered_nothing_to_full() {
        assert!(Level::N < Level::I && Level::I < Level::S && Level::S < Level::F);
    }
}
