//! The digests and signatures that count: SHA-2, with RSA of 2048 bits or more, or with ECDSA on P-256
//! or P-384.

use der::asn1::ObjectIdentifier;
use ring::digest::{self, SHA1_FOR_LEGACY_USE_ONLY, SHA256, SHA384, SHA512};
use ring::signature::{self, UnparsedPublicKey, VerificationAlgorithm};
use x509_cert::spki::{AlgorithmIdentifierRef, SubjectPublicKeyInfoOwned};

use super::asn1::PssParameters;

const RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
const MGF1: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.8");
const RSA_PSS: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.10");
const EC: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
const P256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7");
const P384: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.34");

/// A digest that counts.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Hash {
    Sha256,
    Sha384,
    Sha512,
}

impl Hash {
    /// The digest that an identifier names.
    pub fn named(algorithm: AlgorithmIdentifierRef<'_>) -> Result<Self, String> {
        let named = [Hash::Sha256, Hash::Sha384, Hash::Sha512].into_iter().find(|hash| hash.name() == algorithm.oid);
        named
            .filter(|_| is_plain(algorithm))
            .ok_or_else(|| format!("the digest {} is none of SHA-256, SHA-384 and SHA-512", algorithm.oid))
    }

    pub fn name(self) -> ObjectIdentifier {
        ObjectIdentifier::new_unwrap(match self {
            Hash::Sha256 => "2.16.840.1.101.3.4.2.1",
            Hash::Sha384 => "2.16.840.1.101.3.4.2.2",
            Hash::Sha512 => "2.16.840.1.101.3.4.2.3",
        })
    }

    pub fn of(self, bytes: &[u8]) -> Vec<u8> {
        let algorithm = match self {
            Hash::Sha256 => &SHA256,
            Hash::Sha384 => &SHA384,
            Hash::Sha512 => &SHA512,
        };
        digest::digest(algorithm, bytes).as_ref().to_vec()
    }

    fn with_rsa(self) -> ObjectIdentifier {
        ObjectIdentifier::new_unwrap(match self {
            Hash::Sha256 => "1.2.840.113549.1.1.11",
            Hash::Sha384 => "1.2.840.113549.1.1.12",
            Hash::Sha512 => "1.2.840.113549.1.1.13",
        })
    }

    fn with_ecdsa(self) -> ObjectIdentifier {
        ObjectIdentifier::new_unwrap(match self {
            Hash::Sha256 => "1.2.840.10045.4.3.2",
            Hash::Sha384 => "1.2.840.10045.4.3.3",
            Hash::Sha512 => "1.2.840.10045.4.3.4",
        })
    }
}

/// SHA-1, by which old authorities point at their certificate. Nothing rests on it here: the
/// certificate is pinned.
pub fn sha1(bytes: &[u8]) -> Vec<u8> {
    digest::digest(&SHA1_FOR_LEGACY_USE_ONLY, bytes).as_ref().to_vec()
}

/// Whether the holder of `key` made the signature over `message`.
pub fn check(
    key: &SubjectPublicKeyInfoOwned,
    algorithm: AlgorithmIdentifierRef<'_>,
    hash: Hash,
    message: &[u8],
    signature: &[u8],
) -> Result<(), String> {
    let unknown = || {
        let what = format!("signatures of the kind {} by a key of the kind {}", algorithm.oid, key.algorithm.oid);
        format!("{what} are not among those that count (RSA, or ECDSA on P-256 or P-384, with SHA-2)")
    };
    let way = match key.algorithm.oid {
        RSA if is_plain(algorithm) && [RSA, hash.with_rsa()].contains(&algorithm.oid) => rsa(hash),
        RSA | RSA_PSS if algorithm.oid == RSA_PSS && is_pss(algorithm, hash) => rsa_pss(hash),
        EC if algorithm.oid == hash.with_ecdsa() && algorithm.parameters.is_none() => {
            let curve = key.algorithm.parameters.as_ref().and_then(|curve| curve.decode_as().ok());
            ecdsa(curve.ok_or_else(unknown)?, hash).ok_or_else(unknown)?
        }
        _ => return Err(unknown()),
    };
    UnparsedPublicKey::new(way, key.subject_public_key.raw_bytes())
        .verify(message, signature)
        .map_err(|_| "its signature is not that of the pinned certificate's key".to_owned())
}

fn rsa(hash: Hash) -> &'static dyn VerificationAlgorithm {
    match hash {
        Hash::Sha256 => &signature::RSA_PKCS1_2048_8192_SHA256,
        Hash::Sha384 => &signature::RSA_PKCS1_2048_8192_SHA384,
        Hash::Sha512 => &signature::RSA_PKCS1_2048_8192_SHA512,
    }
}

fn rsa_pss(hash: Hash) -> &'static dyn VerificationAlgorithm {
    match hash {
        Hash::Sha256 => &signature::RSA_PSS_2048_8192_SHA256,
        Hash::Sha384 => &signature::RSA_PSS_2048_8192_SHA384,
        Hash::Sha512 => &signature::RSA_PSS_2048_8192_SHA512,
    }
}

fn ecdsa(curve: ObjectIdentifier, hash: Hash) -> Option<&'static dyn VerificationAlgorithm> {
    match (curve, hash) {
        (P256, Hash::Sha256) => Some(&signature::ECDSA_P256_SHA256_ASN1),
        (P256, Hash::Sha384) => Some(&signature::ECDSA_P256_SHA384_ASN1),
        (P384, Hash::Sha256) => Some(&signature::ECDSA_P384_SHA256_ASN1),
        (P384, Hash::Sha384) => Some(&signature::ECDSA_P384_SHA384_ASN1),
        _ => None,
    }
}

/// Whether an identifier has no parameters, or null, which is the same.
fn is_plain(algorithm: AlgorithmIdentifierRef<'_>) -> bool {
    algorithm.parameters.is_none_or(|parameters| parameters.is_null())
}

/// Whether the parameters of RSA-PSS are the usual ones: one digest throughout, and a salt as long.
fn is_pss(algorithm: AlgorithmIdentifierRef<'_>, hash: Hash) -> bool {
    let is_hash = |algorithm: AlgorithmIdentifierRef<'_>| Hash::named(algorithm) == Ok(hash);
    let Some(pss) = algorithm.parameters.and_then(|pss| pss.decode_as::<PssParameters<'_>>().ok()) else {
        return false;
    };
    let masks_by = pss.mask.parameters.and_then(|mask| mask.decode_as::<AlgorithmIdentifierRef<'_>>().ok());
    let salt = usize::from(pss.salt_bytes) == hash.of(b"").len();
    is_hash(pss.digest) && pss.mask.oid == MGF1 && masks_by.is_some_and(is_hash) && salt
}
