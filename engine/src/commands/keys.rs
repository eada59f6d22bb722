//! `cuadre keys`: whom a series trusts, and changes of it.

use std::fs;
use std::path::{Path, PathBuf};

use cuadre_audit::keys::{PublicKey, SigningKey, TRUST_NAMESPACE, public_path};
use cuadre_audit::{Series, Standing, Trust, TrustFiles};
use jiff::Timestamp;
use serde_json::json;

use super::{Configured, clock, issued_at, print_json};
use crate::error::{EngineError, exit};
use crate::signing::{passphrase, place_of};
use crate::store::Working;
use crate::trust;

/// Show whom a series trusts, or change it
#[derive(clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand)]
enum Command {
    /// Show the keys, time stamping authorities and calendar that the series trusts
    List(List),
    /// Found a new series: it trusts the configured signing key, calendar and time stamping authorities
    Found(Change),
    /// Let another key sign filings from now on
    Add(Add),
    /// Let another key sign filings from now on in place of the configured one
    Rotate(Add),
    /// Let signatures of a key count no longer than until an instant
    Revoke(Revoke),
    /// Take over calendar and time stamping authorities from the configuration
    Update(Change),
    /// Install a change that was prepared with --out, and that FILE.sig vouches for
    Install(Install),
}

#[derive(clap::Args)]
struct List {
    #[command(flatten)]
    series: Where,
    /// Print it as JSON on stdout
    #[arg(long)]
    json: bool,
}

#[derive(clap::Args)]
struct Where {
    /// Configuration file
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// Folder or s3:// URL of the series of filings [default: the configuration's]
    #[arg(long, value_name = "DIR")]
    filings: Option<PathBuf>,
}

#[derive(clap::Args)]
struct Change {
    #[command(flatten)]
    series: Where,
    /// Private key that vouches for the change [default: the configured signing key, where there is no root]
    #[arg(long, value_name = "KEY", conflicts_with = "out")]
    voucher: Option<PathBuf>,
    /// Where the voucher's passphrase is: env:NAME or file:PATH
    #[arg(long, value_name = "WHERE", requires = "voucher")]
    passphrase: Option<String>,
    /// Write the change to FILE instead, to have it signed elsewhere and installed then
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

#[derive(clap::Args)]
struct Add {
    /// Public key of the one that is added
    #[arg(value_name = "KEY.pub")]
    key: PathBuf,
    /// In whose name it signs [default: the configuration's principal]
    #[arg(long, value_name = "NAME")]
    principal: Option<String>,
    #[command(flatten)]
    change: Change,
}

#[derive(clap::Args)]
struct Revoke {
    /// The key: its .pub file, or its fingerprint SHA256:...
    #[arg(value_name = "KEY.pub")]
    key: PathBuf,
    /// The last instant at which its signatures count, such as 2026-11-25T12:00:00Z [default: now]
    #[arg(long, value_name = "INSTANT")]
    until: Option<Timestamp>,
    #[command(flatten)]
    change: Change,
}

#[derive(clap::Args)]
struct Install {
    /// The change, as --out wrote it; the signature is FILE.sig
    #[arg(value_name = "FILE")]
    file: PathBuf,
    #[command(flatten)]
    series: Where,
}

pub fn run(args: &Args) -> Result<u8, EngineError> {
    match &args.command {
        Command::List(args) => list(args),
        Command::Found(change) => found(change),
        Command::Add(args) => changed(&args.change, |next, configured| {
            let key = PublicKey::load(&args.key)?;
            let principal = args.principal.as_deref().unwrap_or(&configured.config.signing.principal);
            Ok(next.add(principal, &key)?)
        }),
        Command::Rotate(args) => rotate(args),
        Command::Revoke(args) => changed(&args.change, |next, _| {
            let key = revoked(&args.key, next)?;
            let until = args.until.or(next.issued).unwrap_or_default();
            Ok(next.retire(&key, until)?)
        }),
        Command::Update(change) => changed(change, |next, configured| {
            next.calendar = Some(trust::calendar(&configured.config)?);
            next.authorities = trust::authorities(&configured.config, &configured.folder)?.0;
            Ok(())
        }),
        Command::Install(args) => install(args),
    }
}

fn list(args: &List) -> Result<u8, EngineError> {
    let configured = Configured::read(&args.series.config)?;
    let working = Working::to_read(&configured.filings(&args.series.filings)?)?;
    let standing = working.standing()?;
    let Trust { generation, issued, calendar, authorities, signers, .. } = &standing.trust;
    if args.json {
        let signers = signers.entries().iter().map(|entry| {
            json!({
                "principal": entry.principal,
                "fingerprint": entry.key.fingerprint(),
                "validAfter": entry.valid_after,
                "validBefore": entry.valid_before,
                "vouches": standing.root.is_none() && entry.is_for(TRUST_NAMESPACE),
            })
        });
        let authorities = authorities.iter().map(|authority| {
            json!({ "name": authority.name, "policy": authority.policy, "certificateSha256": authority.certificate })
        });
        let closed = calendar.iter().flat_map(|calendar| calendar.closed()).map(ToString::to_string);
        print_json(&json!({
            "generation": generation,
            "issued": issued,
            "deadline": calendar.as_ref().map(|calendar| calendar.deadline_text()),
            "closed": closed.collect::<Vec<_>>(),
            "signers": signers.collect::<Vec<_>>(),
            "timeStamps": authorities.collect::<Vec<_>>(),
            "rooted": standing.root.is_some(),
        }))?;
    }
    show(&standing, issued_at(&clock()?)?);
    if let Some(drift) = trust::drift(&standing.trust, &configured.config, &configured.folder)? {
        eprintln!("note: the configuration has {drift}; `cuadre keys update` takes that over");
    }
    Ok(exit::DONE)
}

fn show(standing: &Standing, now: Timestamp) {
    let Trust { generation, issued, calendar, authorities, signers, .. } = &standing.trust;
    let issued = issued.map_or(String::new(), |issued| format!(", issued {issued}"));
    eprintln!("Generation {generation} of trust{issued}");
    for entry in signers.entries() {
        let counts = if entry.counts_at(now) { "signs" } else { "no longer" };
        eprintln!("  {counts:<10} {} {} {}", entry.principal, entry.key.fingerprint(), entry.window());
    }
    for entry in standing.root.iter().flat_map(|root| root.entries()) {
        eprintln!("  {:<10} {} {}", "root", entry.principal, entry.key.fingerprint());
    }
    for authority in authorities {
        let policy = authority.policy.as_deref().unwrap_or("any policy");
        eprintln!("  {:<10} {} ({policy}), certificate {}", "stamps", authority.name, authority.certificate);
    }
    if let Some(calendar) = calendar {
        let closed: Vec<String> = calendar.closed().map(ToString::to_string).collect();
        let closed = if closed.is_empty() { "none".to_owned() } else { closed.join(", ") };
        eprintln!("  {:<10} {} on the day after; closed: {closed}", "deadline", calendar.deadline_text());
    }
}

/// Founds a series whose first run shall not do it: one with a root.
fn found(change: &Change) -> Result<u8, EngineError> {
    let configured = Configured::read(&change.series.config)?;
    let mut working = Working::to_read(&configured.filings(&change.series.filings)?)?;
    let key = configured.public_signing_key()?;
    let files = trust::founding(&configured.config, &configured.folder, &key, issued_at(&clock()?)?)?;
    let vouches = configured.config.signing.root.is_some();
    vouched(change, &configured, &mut working, files, vouches)
}

fn rotate(args: &Add) -> Result<u8, EngineError> {
    changed(&args.change, |next, configured| {
        let key = PublicKey::load(&args.key)?;
        let principal = args.principal.as_deref().unwrap_or(&configured.config.signing.principal);
        let old = configured.public_signing_key()?;
        next.add(principal, &key)?;
        Ok(next.retire(&old, next.issued.unwrap_or_default())?)
    })?;
    if args.change.out.is_none() {
        let key = args.key.with_extension("");
        eprintln!("From now on sign with it: in the configuration, [signing] key = \"{}\"", key.display());
    }
    Ok(exit::DONE)
}

/// Prepares the next generation of trust, and installs it or writes it out.
fn changed(
    change: &Change,
    alter: impl FnOnce(&mut Trust, &Configured) -> Result<(), EngineError>,
) -> Result<u8, EngineError> {
    let configured = Configured::read(&change.series.config)?;
    let mut working = Working::to_read(&configured.filings(&change.series.filings)?)?;
    configured.last_signed(&working)?;
    let standing = working.standing()?;
    // The clocks of time stamping authorities may be ahead of ours.
    let issued = issued_at(&clock()?)?.max(working.last_signed()?.unwrap_or(Timestamp::MIN));
    let history = Series::at(working.folder()).history()?;
    let mut next = standing.trust.next(history, issued)?;
    alter(&mut next, &configured)?;
    let (_, certificates) = trust::authorities(&configured.config, &configured.folder)?;
    let files = TrustFiles { signers: next.to_text()?.into_bytes(), certificates, ..TrustFiles::default() };
    vouched(change, &configured, &mut working, files, true)
}

/// Has a generation signed, where somebody must vouch for it, and installs it; or writes it out.
fn vouched(
    change: &Change,
    configured: &Configured,
    working: &mut Working,
    mut files: TrustFiles,
    vouches: bool,
) -> Result<u8, EngineError> {
    if let Some(out) = &change.out {
        fs::write(out, &files.signers).map_err(|e| EngineError::io("writing", out, e))?;
        let out = out.display();
        eprintln!("The change is in {out}. Where the key that vouches is:");
        eprintln!("  ssh-keygen -Y sign -n {TRUST_NAMESPACE} -f ROOT_KEY {out}");
        eprintln!(
            "Then, with {out}.sig beside it: cuadre keys install {out} --config {}",
            change.series.config.display()
        );
        return Ok(exit::DONE);
    }
    if vouches {
        let key = voucher(change, configured, working)?;
        files.signature = Some(key.sign(TRUST_NAMESPACE, &files.signers)?.into_bytes());
    }
    installed(working, &files)
}

fn voucher(change: &Change, configured: &Configured, working: &Working) -> Result<SigningKey, EngineError> {
    let Some(path) = &change.voucher else {
        if configured.config.signing.root.is_some() {
            let message = "the root vouches for changes of trust, and this command has not its key";
            let remedy =
                "give the private key with --voucher, or write the change out with --out and sign it where the key is";
            return Err(EngineError::Usage(format!("{message}; {remedy}")));
        }
        return configured.signing_key(working.folder());
    };
    match &change.passphrase {
        None => Ok(SigningKey::load(path)?),
        Some(text) => Ok(SigningKey::load_encrypted(path, &passphrase(&place_of(text)?, Path::new(""))?)?),
    }
}

fn install(args: &Install) -> Result<u8, EngineError> {
    let configured = Configured::read(&args.series.config)?;
    let mut working = Working::to_read(&configured.filings(&args.series.filings)?)?;
    let read = |path: &Path| fs::read(path).map_err(|e| EngineError::io("reading", path, e));
    let mut signature = args.file.as_os_str().to_owned();
    signature.push(".sig");
    let is_first = working.is_new()?;
    let (_, certificates) = trust::authorities(&configured.config, &configured.folder)?;
    let files = TrustFiles {
        signers: read(&args.file)?,
        signature: Some(read(Path::new(&signature))?),
        root_signers: trust::root_signers(&configured.config, &configured.folder)?.filter(|_| is_first),
        certificates,
    };
    installed(&mut working, &files)
}

fn installed(working: &mut Working, files: &TrustFiles) -> Result<u8, EngineError> {
    working.install(files)?;
    show(&working.standing()?, issued_at(&clock()?)?);
    Ok(exit::DONE)
}

/// The key that is revoked: from its file, or by its fingerprint.
fn revoked(given: &Path, trust: &Trust) -> Result<PublicKey, EngineError> {
    let text = given.to_string_lossy();
    if !text.starts_with("SHA256:") {
        return Ok(PublicKey::load(given)?);
    }
    let known = trust.signers.entries().iter().find(|entry| entry.key.fingerprint() == text);
    known
        .map(|entry| entry.key.clone())
        .ok_or_else(|| EngineError::Usage(format!("the series trusts no key {text}; see `cuadre keys list`")))
}

impl Configured {
    /// The public half of the configured key, without its private one.
    fn public_signing_key(&self) -> Result<PublicKey, EngineError> {
        Ok(PublicKey::load(&public_path(&self.key()))?)
    }
}
