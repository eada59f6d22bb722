//! Ed25519 keys in OpenSSH's own formats, and signatures that `ssh-keygen -Y verify` checks.
//!
//! The private half of a key lies in a file, encrypted or not, or ssh-agent holds it, as a
//! [`SigningKey`] of either kind. What it signs is the same, byte for byte.
//!
//! Zeroed when they are no longer needed: the text of a private key's file, the passphrase with all
//! that was read around it, the key that is derived from it, the decrypted private key, and what signing
//! unfolds it to. Out of reach are copies that the compiler leaves on the stack, the ciphers' own tables and
//! block buffers, the environment that the process was started with, what the kernel keeps of files
//! and pipes, and what it moves to swap. With an agent, none of it is in this process at all.

mod agent;
mod key_file;
mod passphrase;
mod public;
mod secret_file;
mod signing;

pub use passphrase::Passphrase;
pub use public::{PublicKey, public_path};
pub use signing::SigningKey;

/// What a signature over a manifest is for: a signature made for anything else does not count.
pub const MANIFEST_NAMESPACE: &str = "cuadre-manifest-v1";

/// What a signature over a list of allowed signers is for.
pub const TRUST_NAMESPACE: &str = "cuadre-trust-v1";
