//! The name of one run of a night: what its log, its metrics and its events for other machines have in common.

use std::fmt;

use cuadre_audit::Sha256Digest;
use jiff::Timestamp;
use jiff::civil::Date;

/// A UUID of version 8 (RFC 9562: what an application makes as it likes): the begin of the SHA-256 of what makes the
/// run the one it is. No randomness, so that it can be told again from the log of who ran what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RunId([u8; 16]);

impl RunId {
    /// The run of the night of `business_date` for the series at `place` that process `pid` began at `start`.
    pub fn new(place: &str, business_date: Date, start: Timestamp, pid: u32) -> Self {
        let nanoseconds = start.as_nanosecond();
        let digest = Sha256Digest::of(format!("{place}\n{business_date}\n{nanoseconds}\n{pid}\n").as_bytes());
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&digest.as_bytes()[..16]);
        bytes[6] = bytes[6] & 0x0f | 0x80;
        bytes[8] = bytes[8] & 0x3f | 0x80;
        Self(bytes)
    }
}

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, byte) in self.0.iter().enumerate() {
            let dash = if matches!(n, 4 | 6 | 8 | 10) { "-" } else { "" };
            write!(f, "{dash}{byte:02x}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_has_an_id_of_its_own() {
        let start: Timestamp = "2026-11-21T11:40:00Z".parse().unwrap();
        let date = "2026-11-20".parse().unwrap();
        let id = RunId::new("filings", date, start, 7).to_string();
        // printf 'filings\n2026-11-20\n1795261200000000000\n7\n' | sha256sum, with version and variant put in.
        assert_eq!(id, "d5aad9a0-7c22-8f2a-b788-d24d77fa5ee0");
        for other in [
            RunId::new("other", date, start, 7),
            RunId::new("filings", "2026-11-21".parse().unwrap(), start, 7),
            RunId::new("filings", date, "2026-11-21T11:40:00.000000001Z".parse().unwrap(), 7),
            RunId::new("filings", date, start, 8),
        ] {
            assert_ne!(other.to_string(), id);
        }
    }
}
