//! `solent accounts`: the means by which people sign in at the pages.
//!
//! Owns the first secrets: a password made here or read from standard input, and the secret of the one-time codes. They are
//! printed once, for whoever hands them over, and kept only hashed or sealed. Works on a gateway that is not running.

use super::serve::Offline;
use super::{Exit, Outcome, print, read_input, register::refused};
use crate::diagnostic::{Diagnostic, code};
use crate::exchange::{NewLink, NewMeans};
use crate::ident::AccountId;
use crate::trust::means;
use ring::rand::{SecureRandom as _, SystemRandom};
use std::path::PathBuf;

/// Bytes of a password made here: 20 letters and figures of it are shown.
const PASSWORD_BYTES: usize = 10;
/// Most bytes of a provider's name for a person that are read.
const SUBJECT_BYTES_MAX: usize = 1024;

/// Arguments of `solent accounts`.
#[derive(clap::Args, Debug)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand, Debug)]
enum Command {
    /// Give an account a name, a password and a secret for one-time codes, or replace them
    Give(Give),
    /// Let an account sign in at the configured provider
    Link(Link),
}

/// Arguments of `solent accounts link`.
#[derive(clap::Args, Debug)]
struct Link {
    /// The gateway's configuration; the gateway itself must not be running
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// The account, as in the registered facts
    #[arg(long)]
    account: String,
    /// How the pages greet the person
    #[arg(long)]
    shown: String,
    /// The account that answers for it in the log
    #[arg(long, value_name = "ACCOUNT")]
    by: String,
}

/// Arguments of `solent accounts give`.
#[derive(clap::Args, Debug)]
struct Give {
    /// The gateway's configuration; the gateway itself must not be running
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// The account, as in the registered facts
    #[arg(long)]
    account: String,
    /// The name typed at sign-in
    #[arg(long)]
    name: String,
    /// How the pages greet the person
    #[arg(long)]
    shown: String,
    /// The account that answers for it in the log
    #[arg(long, value_name = "ACCOUNT")]
    by: String,
    /// Read the password from standard input instead of making one
    #[arg(long)]
    password_stdin: bool,
}

/// Runs the command.
pub fn run(args: Args) -> Outcome {
    match args.command {
        Command::Give(args) => give(args),
        Command::Link(args) => link(&args),
    }
}

/// The issuer's name for the person comes from standard input: it may be a personal number, which arguments would show to
/// everybody on the machine.
fn link(args: &Link) -> Outcome {
    let bytes = read_input("-", SUBJECT_BYTES_MAX)?;
    let new = NewLink {
        account: AccountId::new(args.account.as_str()),
        subject: String::from_utf8_lossy(&bytes).trim_end_matches(['\r', '\n']).to_owned(),
        shown: args.shown.clone(),
    };
    Offline::run(&args.config, async |gateway| {
        gateway.link_provider(new, &AccountId::new(args.by.as_str())).await.map_err(refused)
    })
}

fn give(args: Give) -> Outcome {
    let made = random::<PASSWORD_BYTES>()?;
    let password = if args.password_stdin {
        let bytes = read_input("-", means::PASSWORD_BYTES_MAX.saturating_add(2))?;
        String::from_utf8_lossy(&bytes).trim_end_matches(['\r', '\n']).to_owned()
    } else {
        made.iter().map(|b| format!("{b:02x}")).collect()
    };
    if password.chars().count() < means::PASSWORD_CHARS_MIN {
        return Err(Diagnostic::error(code::CLI_USAGE, means::MeansError::PasswordLength.to_string()).into());
    }
    let secret = random::<{ means::SECRET_BYTES }>()?;
    let told = if args.password_stdin { String::new() } else { format!("password  {password}\n") };
    let new = NewMeans {
        account: AccountId::new(args.account.as_str()),
        name: args.name.clone(),
        shown: args.shown.clone(),
        password,
        secret: secret.to_vec(),
    };
    Offline::run(&args.config, async |gateway| {
        gateway.give_means(new, &AccountId::new(args.by.as_str())).await.map_err(refused)
    })?;
    let codes = means::secret_text(&secret);
    print(&format!("{told}codes     {codes} (authenticator app: SHA-1, 6 digits, 30 seconds)\n"))
}

fn random<const N: usize>() -> Result<[u8; N], Exit> {
    let mut bytes = [0_u8; N];
    SystemRandom::new().fill(&mut bytes).map_err(|_| Exit::Internal("the system gave no random bytes".to_owned()))?;
    Ok(bytes)
}
