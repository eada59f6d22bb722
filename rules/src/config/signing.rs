//! Who signs filings, and with what key.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Secret;

/// The key that signs filings.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Signing {
    /// OpenSSH Ed25519 private key, relative to this file; `cuadre keygen` makes one. With `agent`, its
    /// public key, or a private one with the public one beside it, as `.pub`.
    pub key: String,
    /// Where the passphrase is that the private key is encrypted with: the first line there.
    #[serde(default)]
    pub passphrase: Option<Secret>,
    /// Have the ssh-agent that `SSH_AUTH_SOCK` names sign; the private key need not be on this machine.
    #[serde(default)]
    pub agent: bool,
    /// Make the key at the first run of a new series where there is none yet.
    #[serde(default)]
    pub create: bool,
    /// Who signs, as the auditor's `allowed_signers` names them.
    pub principal: String,
    /// OpenSSH public key, relative to this file, that alone may vouch for changes of trust in a
    /// series: keys, the calendar, time stamping authorities. Its private half is best kept off this
    /// machine. Where absent, the key that founds a series may, and those that follow it.
    #[serde(default)]
    pub root: Option<String>,
}
