//! What a series trusts, as the configuration has it: who signs, and what the calendar is.

use cuadre_audit::trust::{Calendar, Closed, Founding};
use cuadre_audit::{PublicKey, SeriesWriter, Trust, TrustFiles};
use cuadre_rules::Config;
use jiff::Timestamp;

use crate::error::EngineError;

/// Makes sure that the series trusts `key` at the time of issue. The first key founds the trust of a
/// new series.
pub fn enrol(series: &SeriesWriter, config: &Config, key: &PublicKey, issued_at: Timestamp) -> Result<(), EngineError> {
    if !series.is_new()? {
        return Ok(series.check_trusted(key, issued_at)?);
    }
    let trust = Trust::found(Founding {
        principal: config.signing.principal.clone(),
        key: key.clone(),
        rooted: false,
        issued: issued_at,
        calendar: calendar(config)?,
        authorities: Vec::new(),
    });
    series.install(&TrustFiles { signers: trust.to_text()?.into_bytes(), ..TrustFiles::default() })?;
    Ok(())
}

/// The configured calendar.
pub fn calendar(config: &Config) -> Result<Calendar, EngineError> {
    let bug = || EngineError::bug("the configuration has no calendar");
    let closed: Result<Vec<Closed>, ()> = config.closed.iter().map(|day| day.parse()).collect();
    let deadline = config.deadline().ok_or_else(bug)?;
    Calendar::new(deadline, &config.time_zone, closed.map_err(|()| bug())?).ok_or_else(bug)
}
