//! Time stamps of RFC 3161: what a time stamping authority signs to say that some bytes existed at a
//! time. No network and no clock: what is asked and answered are bytes.
//!
//! # What is trusted
//! One certificate of the authority, the one whose key signs its time stamps, is [pinned](Pin). So no
//! chain is built, no revocation is looked up, and the purposes (extended key usages) that the
//! certificate names do not matter: those who issue the conservation certificates of Mexico's
//! NOM-151, for one, sign them with certificates for e-mail and client authentication. That the
//! certificate is the authority's is for the person to know who pins it.
//!
//! # What is checked
//! The signature is by the pinned key, over a time stamp that says so of these very bytes; RSA or
//! ECDSA with SHA-2. The time lies within the certificate's validity. All else that is signed
//! agrees with it. What is kept is in DER, to the last byte; answers with indefinite lengths, as some
//! authorities write them, are brought into that form first ([`to_der`]).
//!
//! # What is not signed
//! and may therefore differ without being noticed, in an otherwise valid answer: whether the status is
//! granted or granted with modifications, and its words; the name of an RSA signature, which may
//! mention the digest or not; whether the parameters of a digest are absent or null; which of two equal forms an
//! ECDSA signature has; certificates, revocation lists, and unsigned attributes. Nothing is read from any of them.

mod algorithms;
mod asn1;
mod definite;
mod judge;

use base64ct::{Base64, Encoding};
use der::asn1::{AnyRef, ObjectIdentifier, OctetStringRef};
use der::{Decode, Encode};
use jiff::Timestamp;
use serde::Serialize;
use x509_cert::Certificate;
use x509_cert::spki::AlgorithmIdentifierRef;

use crate::error::{Error, ErrorKind, Result};
use algorithms::Hash;
use asn1::{MessageImprint, SignedData, TimeStampReq, TstInfo};
use judge::{ensure, judge, signed_data};

/// What is trusted of an authority: the certificate that its time stamps are signed with, and the policy
/// under which it issues them.
#[derive(Clone, Debug)]
pub struct Pin {
    certificate: Certificate,
    der: Vec<u8>,
    policy: Option<ObjectIdentifier>,
}

/// What an authority has said of some bytes: that it saw their digest at a time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Stamp {
    /// When, by the authority's clock; to the nanosecond at most.
    pub time: Timestamp,
    /// How far off the clock may have been, either way; `None` where the authority does not say.
    pub accuracy_micros: Option<u64>,
    /// The authority's number for it, `0x` and hexadecimal digits, as `openssl ts -reply -text` shows it.
    pub serial: String,
    /// The policy that it was issued under: an object identifier, such as `1.2.3.4.1`.
    pub policy: String,
}

impl Pin {
    /// Reads a certificate in PEM; text around it does not count. With a `policy` (an object
    /// identifier), time stamps under any other are refused.
    ///
    /// # Errors
    /// [`ErrorKind::Key`] where there is no certificate or more than one, or no such policy.
    pub fn parse(pem: &[u8], policy: Option<&str>) -> Result<Self> {
        let unusable = |why: String| {
            let remedy = "give the one certificate that the authority signs its time stamps with, in PEM \
                          (`openssl x509 -inform DER` makes PEM of DER), and its policy as numbers, such as 1.2.3.4.1";
            Error::new(ErrorKind::Key, "cannot pin the time stamping authority", why, remedy)
        };
        let der = in_pem(pem).map_err(unusable)?;
        let certificate =
            Certificate::from_der(&der).map_err(|why| unusable(format!("the certificate cannot be read: {why}")))?;
        let policy = policy
            .map(|text| ObjectIdentifier::new(text).map_err(|_| unusable(format!("{text:?} is no object identifier"))));
        Ok(Self { certificate, der, policy: policy.transpose()? })
    }
}

/// What is sent to an authority to have it stamp `message`: a TimeStampReq over its SHA-256. The
/// authority copies the `nonce` into its answer ([`is_reply_to`]). It is asked for no certificate, since
/// that is pinned; an answer is then small.
///
/// # Errors
/// [`ErrorKind::Invalid`] for a policy that is no object identifier.
pub fn request(message: &[u8], policy: Option<&str>, nonce: u64) -> Result<Vec<u8>> {
    let failed = |why: der::Error| {
        let remedy = "write the policy as numbers, such as 1.2.3.4.1";
        Error::new(ErrorKind::Invalid, "cannot ask for a time stamp", why.to_string(), remedy)
    };
    let ask = || -> der::Result<Vec<u8>> {
        let digest = Hash::Sha256.of(message);
        let algorithm = AlgorithmIdentifierRef { oid: Hash::Sha256.name(), parameters: Some(AnyRef::NULL) };
        let imprint = MessageImprint { algorithm, digest: OctetStringRef::new(&digest)? };
        let policy = policy.map(ObjectIdentifier::new).transpose()?;
        TimeStampReq { version: 1, imprint, policy, nonce }.to_der()
    };
    ask().map_err(failed)
}

/// An answer with lengths that are definite and octet strings in one piece, as it is kept; one in DER stays
/// as it is. What is signed in it is not touched.
///
/// # Errors
/// [`ErrorKind::Damaged`] for what is no ASN.1.
pub fn to_der(answer: &[u8]) -> Result<Vec<u8>> {
    definite::definite(answer).map_err(|why| {
        let remedy = "check the address of the authority";
        Error::new(ErrorKind::Damaged, "no answer of a time stamping authority", why, remedy)
    })
}

/// Whether an answer carries the nonce of the request: whether it is the answer to it, and not an
/// older one. Checks nothing else.
pub fn is_reply_to(token: &[u8], nonce: u64) -> bool {
    let says = || {
        let signed = SignedData::from_der(&signed_data(token).ok()?).ok()?.content.content?.as_bytes().to_vec();
        let nonce_of_token = TstInfo::from_der(&signed).ok()?.nonce?.to_der().ok()?;
        Some(nonce_of_token == nonce.to_der().ok()?)
    };
    says() == Some(true)
}

/// Checks that `token` is a time stamp of `message` by the pinned authority. A token is what an authority
/// answers: all of it (a TimeStampResp), or the time stamp alone (a TimeStampToken).
///
/// # Errors
/// [`ErrorKind::Damaged`] with the first thing that is wrong.
pub fn verify(token: &[u8], message: &[u8], pin: &Pin) -> Result<Stamp> {
    judge(token, message, pin).map_err(|why| {
        let remedy = "compare the pinned certificate and policy with those that the authority publishes";
        Error::new(ErrorKind::Damaged, "the time stamp does not count", why, remedy)
    })
}

/// What is in the one certificate of a PEM text.
fn in_pem(text: &[u8]) -> std::result::Result<Vec<u8>, String> {
    let text = String::from_utf8_lossy(text);
    let mut blocks = text.split("-----BEGIN CERTIFICATE-----").skip(1);
    let block = blocks.next().ok_or("there is no certificate in it (-----BEGIN CERTIFICATE-----)")?;
    ensure(blocks.next().is_none(), || "there is more than one certificate in it".into())?;
    let (inside, _) = block.split_once("-----END CERTIFICATE-----").ok_or("its certificate has no end")?;
    let inside: String = inside.split_ascii_whitespace().collect();
    Base64::decode_vec(&inside).map_err(|why| format!("its certificate is not in base64: {why}"))
}
