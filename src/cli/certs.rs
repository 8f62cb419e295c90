//! `solent certs`: the authority of a development set-up or a small partnership, and keys.
//!
//! Holds no rule of its own: see `trust::ca`. Prints file names, serial numbers and public keys, never a secret.

use super::{Exit, Outcome, print};
use crate::clock::{Clock, Moment};
use crate::diagnostic::{Diagnostic, code};
use crate::ident::SystemId;
use crate::trust::ca::{Authority, Holder, Row, Validity};
use crate::trust::{self, Claims, SigningKey};
use std::fmt::Write as _;
use std::path::PathBuf;

/// Arguments of `solent certs`.
#[derive(clap::Args, Debug)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand, Debug)]
enum Command {
    /// Make a new authority in a folder
    Init(Init),
    /// Issue a certificate with a new key, for the gateway or for a connected system
    Issue(Issue),
    /// Revoke a certificate by serial number, or every certificate of a name, and sign the revocation list anew
    Revoke(Revoke),
    /// List the certificates and sign the revocation list anew
    List(Folder),
    /// Make an Ed25519 key (log, user assertions) and print its public half
    Key(Key),
    /// Sign a user assertion, as a connected system does for an enquiry
    Assert(Assert),
}

#[derive(clap::Args, Debug)]
struct Folder {
    /// Folder of the authority
    #[arg(long, default_value = "certs")]
    dir: PathBuf,
}

#[derive(clap::Args, Debug)]
struct Init {
    #[command(flatten)]
    folder: Folder,
    /// Name of the authority
    #[arg(long, default_value = "Solent partnership")]
    name: String,
    /// Life in days
    #[arg(long, default_value_t = 3650)]
    days: u32,
}

#[derive(clap::Args, Debug)]
#[command(group(clap::ArgGroup::new("holder").required(true).args(["server", "system"])))]
struct Issue {
    #[command(flatten)]
    folder: Folder,
    /// For the gateway: a DNS name or IP address; may be given more than once
    #[arg(long)]
    server: Vec<String>,
    /// For a connected system: its id in the configuration
    #[arg(long)]
    system: Option<String>,
    /// Life in days from now
    #[arg(long, default_value_t = 397, conflicts_with_all = ["from", "until"])]
    days: u32,
    /// First moment of validity (RFC 3339 with offset)
    #[arg(long, requires = "until", value_parser = moment)]
    from: Option<Moment>,
    /// Last moment of validity (RFC 3339 with offset)
    #[arg(long, requires = "from", value_parser = moment)]
    until: Option<Moment>,
}

#[derive(clap::Args, Debug)]
struct Revoke {
    #[command(flatten)]
    folder: Folder,
    /// Serial number, `server`, or a system's id
    which: String,
}

#[derive(clap::Args, Debug)]
struct Key {
    /// The new file; must not exist
    file: PathBuf,
}

#[derive(clap::Args, Debug)]
struct Assert {
    /// The system's assertion key
    #[arg(long)]
    key: PathBuf,
    /// The system's id (iss)
    #[arg(long)]
    system: String,
    /// The user's account (sub)
    #[arg(long)]
    account: String,
    /// The hat worn
    #[arg(long)]
    hat: String,
    /// The gateway's origin (aud)
    #[arg(long)]
    audience: String,
    /// Life in seconds
    #[arg(long, default_value_t = 120)]
    seconds: u32,
    /// When it is made (RFC 3339 with offset); now unless given
    #[arg(long, value_parser = moment)]
    now: Option<Moment>,
}

fn moment(text: &str) -> Result<Moment, String> {
    Moment::parse(text)
        .ok_or_else(|| "not a moment in RFC 3339 with an offset, such as 2026-10-06T10:00:00Z".to_owned())
}

impl From<trust::Error> for Exit {
    fn from(error: trust::Error) -> Self {
        Diagnostic::error(code::TRUST_FILE, error.to_string()).into()
    }
}

/// Runs the command.
pub fn run(args: Args) -> Outcome {
    let now = Clock::system().now();
    match args.command {
        Command::Init(init) => {
            Authority::create(&init.folder.dir, &init.name, Validity::days(now, init.days), now)?;
            print(&format!("{0}/ca.pem is the authority; keep {0}/ca.key to yourself\n", init.folder.dir.display()))
        }
        Command::Issue(issue) => issue_certificate(&issue, now),
        Command::Revoke(revoke) => {
            let count = Authority::open(&revoke.folder.dir)?.revoke(&revoke.which, now)?;
            print(&format!("{count} revoked; {}/ca.crl is signed anew\n", revoke.folder.dir.display()))
        }
        Command::List(folder) => {
            let authority = Authority::open(&folder.dir)?;
            authority.renew_list(now)?;
            print(&table(&authority.list()?, now))
        }
        Command::Key(key) => {
            let made = SigningKey::create(&key.file)?;
            print(&format!("{}\n", made.public_base64()))
        }
        Command::Assert(assert) => print(&assertion(&assert, now)?),
    }
}

fn issue_certificate(issue: &Issue, now: Moment) -> Outcome {
    let holder = match &issue.system {
        Some(id) => Holder::System(SystemId::new(id.clone())),
        None => Holder::Server(issue.server.clone()),
    };
    let validity = match (issue.from, issue.until) {
        (Some(from), Some(until)) => Validity { from, until },
        _ => Validity::days(now, issue.days),
    };
    let issued = Authority::open(&issue.folder.dir)?.issue(&holder, validity, now)?;
    print(&format!(
        "certificate {}\nkey         {}\nserial      {}\nfingerprint {}\nvalid until {}\n",
        issued.certificate.display(),
        issued.key.display(),
        issued.row.serial,
        issued.row.fingerprint,
        issued.row.until,
    ))
}

fn table(rows: &[Row], now: Moment) -> String {
    let mut out = format!("{:<32}  {:<24}  {:<24}  {:<24}  state\n", "serial", "name", "from", "until");
    for row in rows {
        let over = Moment::parse(&row.until).is_some_and(|until| until < now);
        let state = match (row.revoked.is_empty(), over) {
            (false, _) => format!("revoked {}", row.revoked),
            (true, true) => "expired".to_owned(),
            (true, false) => "valid".to_owned(),
        };
        let _ = writeln!(out, "{:<32}  {:<24}  {:<24}  {:<24}  {state}", row.serial, row.name, row.from, row.until);
    }
    out
}

fn assertion(assert: &Assert, now: Moment) -> Result<String, Exit> {
    let key = SigningKey::load(&assert.key)?;
    let iat = assert.now.unwrap_or(now).millis().div_euclid(1000);
    let claims = Claims {
        iss: SystemId::new(assert.system.clone()),
        sub: assert.account.as_str().into(),
        hat: assert.hat.as_str().into(),
        aud: assert.audience.clone(),
        iat,
        exp: iat.saturating_add(i64::from(assert.seconds)),
        jti: uuid::Uuid::now_v7().to_string(),
    };
    Ok(format!("{}\n", trust::sign(&claims, &key)))
}
