//! `solent audit witness`: cosigns checkpoints of other people's logs, alone on its own machine.
//!
//! Owns the arguments and the two ways a checkpoint comes in: over HTTP (`--listen`) or as a file (`--in`, `--out`). The
//! checks are `audit::witness`, what is remembered is `store::WitnessState`. Needs no configuration and no database.

use super::read_vkey;
use crate::audit::witness::{AddCheckpoint, REQUEST_BYTES_MAX, Refusal};
use crate::audit::{Origin, Signer, Vkey};
use crate::cli::{Exit, Outcome, print, read_input, serve::until_told_to_stop};
use crate::clock::Clock;
use crate::diagnostic::{Diagnostic, code};
use crate::http::{Answering, witness_server};
use crate::store::{WitnessError, WitnessState};
use crate::trust::SigningKey;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Arguments of `solent audit witness`.
#[derive(clap::Args, Debug)]
#[command(group(clap::ArgGroup::new("how").required(true).args(["listen", "input", "new_key", "show_key"])))]
pub(super) struct Args {
    /// The witness's name: a URL without scheme, for example witness.example.net/w1
    #[arg(long, value_name = "NAME")]
    name: String,
    /// Its Ed25519 key, readable by the owner only
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
    /// Make the key and print the verifier key for the logs' operators
    #[arg(long)]
    new_key: bool,
    /// Print the verifier key
    #[arg(long)]
    show_key: bool,
    /// Its folder: what it cosigned last, one file for each log
    #[arg(long, value_name = "DIR", required_unless_present_any = ["new_key", "show_key"])]
    state: Option<PathBuf>,
    /// Verifier key of a log it watches, or a file with one; again for each log
    #[arg(long = "log", value_name = "KEY|FILE", required_unless_present_any = ["new_key", "show_key"])]
    logs: Vec<String>,
    /// Serve POST <prefix>/add-checkpoint at this address
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<SocketAddr>,
    /// With --listen: what stands before /add-checkpoint
    #[arg(long, value_name = "PATH", default_value = "", requires = "listen")]
    prefix: String,
    /// Read one request from this file
    #[arg(long = "in", value_name = "FILE", requires = "out")]
    input: Option<String>,
    /// With --in: write the answer here
    #[arg(long, value_name = "FILE", requires = "input")]
    out: Option<PathBuf>,
}

pub(super) fn run(args: &Args) -> Outcome {
    let signer = signer(args)?;
    if args.new_key || args.show_key {
        return print(&format!("{}\n", signer.vkey()));
    }
    let folder = args.state.as_deref().unwrap_or_else(|| Path::new("."));
    let logs = args.logs.iter().map(|text| read_vkey(text)).collect::<Result<Vec<Vkey>, _>>()?;
    let state = WitnessState::open(folder, signer, logs).map_err(|e| refused(&e, folder))?;
    match (&args.listen, &args.input, &args.out) {
        (Some(address), _, _) => listen(state, *address, &args.prefix),
        (None, Some(input), Some(out)) => answer_file(&state, input, out),
        _ => Err(Exit::Internal("neither --listen nor --in".to_owned())),
    }
}

fn signer(args: &Args) -> Result<Signer, Exit> {
    let unusable = |text: String| Exit::from(Diagnostic::error(code::TRUST_FILE, text));
    let key = if args.new_key { SigningKey::create(&args.key) } else { SigningKey::load(&args.key) };
    let seed = key.map_err(|e| unusable(e.to_string()))?.seed();
    let wrong = |e: crate::audit::note::NoteError| {
        Exit::Usage(
            Diagnostic::error(code::CLI_USAGE, format!("--name: {e}")).with_expected("host/path, no space, no +"),
        )
    };
    Signer::witness(Origin::parse(&args.name).map_err(wrong)?, &seed).map_err(wrong)
}

fn refused(error: &WitnessError, at: &Path) -> Exit {
    let code = match error {
        WitnessError::Refused(_) => code::AUDIT_PROOF,
        _ => code::AUDIT_SOURCE,
    };
    Exit::from(Diagnostic::error(code, error.to_string()).with_file(at.display().to_string()))
}

fn listen(state: WitnessState, address: SocketAddr, prefix: &str) -> Outcome {
    let unusable = |e: std::io::Error| Exit::from(Diagnostic::error(code::CLI_FILE, format!("{address}: {e}")));
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|e| Exit::Internal(format!("the runtime did not start: {}", e.kind())))?;
    runtime.block_on(async {
        let listener = TcpListener::bind(address).map_err(unusable)?;
        let bound = listener.local_addr().map_err(unusable)?;
        let vkey = state.vkey().to_string();
        let answering: Answering = Arc::new(move |request| state.answer(request, Clock::system().now()));
        let server = witness_server(answering, listener, prefix).map_err(unusable)?;
        let handle = server.handle();
        let serving = tokio::spawn(server);
        print(&format!("witness {vkey}\nserving http://{bound}{}/add-checkpoint\n", prefix.trim_end_matches('/')))?;
        until_told_to_stop().await;
        handle.stop(true).await;
        let _ = serving.await;
        Ok(())
    })
}

/// One request from a file. The answer file holds cosignature lines; or, when the log asked from another size than this
/// witness cosigned last, `old <size>`: the size to ask from.
fn answer_file(state: &WitnessState, input: &str, out: &Path) -> Outcome {
    let bytes = read_input(input, REQUEST_BYTES_MAX)?;
    let answered = AddCheckpoint::parse(&bytes)
        .map_err(WitnessError::Refused)
        .and_then(|asked| state.add(&asked, Clock::system().now()));
    let text = match &answered {
        Ok(lines) => lines.clone(),
        Err(WitnessError::Refused(Refusal::Conflict { latest })) => format!("old {latest}\n"),
        Err(error) => return Err(refused(error, Path::new(input))),
    };
    std::fs::write(out, text).map_err(|e| {
        Diagnostic::error(code::CLI_FILE, format!("cannot be written: {e}")).with_file(out.display().to_string())
    })?;
    answered.map(drop).map_err(|e| refused(&e, Path::new(input)))
}
