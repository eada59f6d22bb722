//! What a series trusts, as the configuration has it: who signs and who vouches, whose time stamps
//! count, and what the calendar is.

use std::path::Path;

use cuadre_audit::keys::TRUST_NAMESPACE;
use cuadre_audit::signers::Entry;
use cuadre_audit::trust::{Authority, Calendar, Closed, Founding};
use cuadre_audit::{PublicKey, SeriesWriter, Sha256Digest, Trust, TrustFiles};
use cuadre_rules::Config;
use jiff::Timestamp;

use crate::error::EngineError;
use crate::time_stamp;

/// In whose name the root vouches.
const ROOT: &str = "root";

/// Makes sure that the series trusts `key` at the time of issue. The first key founds the trust of a
/// new series, unless a root must vouch for that.
pub fn enrol(
    series: &SeriesWriter,
    config: &Config,
    folder: &Path,
    key: &PublicKey,
    issued_at: Timestamp,
) -> Result<(), EngineError> {
    if !series.is_new()? {
        return Ok(series.check_trusted(key, issued_at)?);
    }
    if config.signing.root.is_some() {
        let message = "the series is new, and its root must vouch for its first key";
        return Err(EngineError::Setup(format!("{message}; found it with `cuadre keys found`")));
    }
    series.install(&founding(config, folder, key, issued_at)?)?;
    Ok(())
}

/// The first generation of a new series; not yet signed where a root must.
pub fn founding(config: &Config, folder: &Path, key: &PublicKey, issued: Timestamp) -> Result<TrustFiles, EngineError> {
    let root_signers = root_signers(config, folder)?;
    let (authorities, certificates) = authorities(config, folder)?;
    let trust = Trust::found(Founding {
        principal: config.signing.principal.clone(),
        key: key.clone(),
        rooted: root_signers.is_some(),
        issued,
        calendar: calendar(config)?,
        authorities,
    });
    Ok(TrustFiles { signers: trust.to_text()?.into_bytes(), signature: None, root_signers, certificates })
}

/// The file of root signers that the configured root key makes.
pub fn root_signers(config: &Config, folder: &Path) -> Result<Option<Vec<u8>>, EngineError> {
    let Some(root) = &config.signing.root else { return Ok(None) };
    let entry = Entry {
        principal: ROOT.to_owned(),
        namespaces: Some(vec![TRUST_NAMESPACE.to_owned()]),
        valid_after: None,
        valid_before: None,
        key: PublicKey::load(&folder.join(root))?,
    };
    Ok(Some(entry.line()?.into_bytes()))
}

/// The configured calendar.
pub fn calendar(config: &Config) -> Result<Calendar, EngineError> {
    let bug = || EngineError::bug("the configuration has no calendar");
    let closed: Result<Vec<Closed>, ()> = config.closed.iter().map(|day| day.parse()).collect();
    let deadline = config.deadline().ok_or_else(bug)?;
    Calendar::new(deadline, &config.time_zone, closed.map_err(|()| bug())?).ok_or_else(bug)
}

/// Names and PEM files of time stamping authorities.
pub type Certificates = Vec<(String, Vec<u8>)>;

/// The configured time stamping authorities, and their certificates.
pub fn authorities(config: &Config, folder: &Path) -> Result<(Vec<Authority>, Certificates), EngineError> {
    let (mut authorities, mut certificates) = (Vec::new(), Vec::new());
    for found in time_stamp::authorities(config, folder)? {
        let (name, policy) = (found.settings.name.clone(), found.settings.policy.clone());
        authorities.push(Authority { name: name.clone(), policy, certificate: Sha256Digest::of(&found.pem) });
        certificates.push((name, found.pem));
    }
    Ok((authorities, certificates))
}

/// Does the series trust an authority as it is configured?
pub fn trusts(trust: &Trust, authority: &time_stamp::Authority<'_>) -> bool {
    let certificate = Sha256Digest::of(&authority.pem);
    let (name, policy) = (&authority.settings.name, &authority.settings.policy);
    trust.authorities.iter().any(|a| (&a.name, &a.policy, a.certificate) == (name, policy, certificate))
}

/// What the configuration has that the series does not trust yet, in words.
pub fn drift(trust: &Trust, config: &Config, folder: &Path) -> Result<Option<String>, EngineError> {
    let Some(calendar) = &trust.calendar else { return Ok(None) };
    let mut drifts = Vec::new();
    if *calendar != self::calendar(config)? {
        drifts.push("another calendar than the series trusts");
    }
    if trust.authorities != authorities(config, folder)?.0 {
        drifts.push("other time stamping authorities than the series trusts");
    }
    Ok((!drifts.is_empty()).then(|| drifts.join(" and ")))
}
