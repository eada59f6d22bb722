//! Whether a time stamp counts.

use der::asn1::{AnyRef, ObjectIdentifier, OctetStringRef, Utf8StringRef};
use der::{Decode, Encode, Tag};
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::Offset;
use x509_cert::ext::pkix::SubjectKeyIdentifier;

use super::algorithms::{Hash, check, sha1};
use super::asn1::*;
use super::{Pin, Stamp};

/// What holds, or in words what does not.
type Result<T> = std::result::Result<T, String>;

/// What a time stamp of `message` says, if it counts.
pub fn judge(token: &[u8], message: &[u8], pin: &Pin) -> Result<Stamp> {
    let content = signed_data(token)?;
    let data = SignedData::from_der(&content).map_err(unreadable)?;
    let signers: Vec<SignerInfo<'_>> = data.signers.elements().map_err(unreadable)?;
    let [signer] = &signers[..] else { return Err(format!("it has {} signatures, not one", signers.len())) };
    ensure(data.version == 3 && data.content.content_type == TST_INFO, || {
        "it is signed data, but no time stamp".into()
    })?;
    let stamp = data.content.content.ok_or("it has a signature, but no time stamp")?.as_bytes();

    signed_by(signer, stamp, pin)?;
    announces(&data, signer)?;
    let stamp = TstInfo::from_der(stamp).map_err(unreadable)?;
    says(&stamp, message, pin)
}

/// The signature is by the pinned key over attributes that name the time stamp's digest and the
/// pinned certificate.
fn signed_by(signer: &SignerInfo<'_>, stamp: &[u8], pin: &Pin) -> Result<()> {
    let certificate = &pin.certificate.tbs_certificate;
    let (version, is_pinned, named) = match &signer.signer {
        SignerIdentifier::IssuerAndSerialNumber(IssuerAndSerialNumber { issuer, serial_number }) => {
            let is_pinned = *issuer == certificate.issuer && *serial_number == certificate.serial_number;
            (1, is_pinned, format!("number {serial_number} of {:?}", issuer.to_string()))
        }
        SignerIdentifier::SubjectKeyIdentifier(named) => {
            let own = certificate.get::<SubjectKeyIdentifier>().ok().flatten();
            let is_pinned = own.is_some_and(|(_, own)| own.0.as_bytes() == named.as_bytes());
            (3, is_pinned, format!("for the key {}", digits(named.as_bytes())))
        }
    };
    ensure(is_pinned, || format!("it names the certificate {named}, and another one is pinned"))?;
    ensure(signer.version == version, || format!("its signature has the version {}", signer.version))?;

    let hash = Hash::named(signer.digest_algorithm)?;
    let set = signer.signed_attributes.ok_or("its signature has no signed attributes")?;
    let attributes: Vec<Attribute<'_>> = set.elements().map_err(unreadable)?;
    let content_type: Option<ObjectIdentifier> = attribute(&attributes, CONTENT_TYPE)?;
    ensure(content_type == Some(TST_INFO), || "its signature is not of a time stamp".into())?;
    let digest: Option<OctetStringRef<'_>> = attribute(&attributes, MESSAGE_DIGEST)?;
    ensure(digest.is_some_and(|digest| digest.as_bytes() == hash.of(stamp)), || {
        "its signature is of another time stamp".into()
    })?;
    names_pinned(&attributes, pin)?;
    let signed = set.to_der().map_err(unreadable)?;
    let key = &certificate.subject_public_key_info;
    check(key, signer.signature_algorithm, hash, &signed, signer.signature.as_bytes())
}

/// RFC 3161 has the signature name its certificate by digest, so that no other one can be put in its place.
fn names_pinned(attributes: &[Attribute<'_>], pin: &Pin) -> Result<()> {
    let old: Option<SigningCertificate<'_>> = attribute(attributes, SIGNING_CERTIFICATE)?;
    let new: Option<SigningCertificate<'_>> = attribute(attributes, SIGNING_CERTIFICATE_V2)?;
    ensure(old.is_some() || new.is_some(), || "its signature does not name the certificate by digest".into())?;
    let first = |named: &SigningCertificate<'_>| -> Result<(Option<Hash>, Vec<u8>)> {
        let first = named.certificates.first().ok_or("its signature names no certificate")?;
        Ok((first.algorithm.map(Hash::named).transpose()?, first.digest.as_bytes().to_vec()))
    };
    if let Some(old) = &old {
        ensure(first(old)? == (None, sha1(&pin.der)), another)?;
    }
    if let Some(new) = &new {
        let (hash, digest) = first(new)?;
        ensure(hash.unwrap_or(Hash::Sha256).of(&pin.der) == digest, another)?;
    }
    Ok(())
}

fn another() -> String {
    "its signature names another certificate by digest than the pinned one".to_owned()
}

/// The digest that is announced at the beginning is that of the signature.
fn announces(data: &SignedData<'_>, signer: &SignerInfo<'_>) -> Result<()> {
    let hash = Hash::named(signer.digest_algorithm)?;
    let announced = data.digest_algorithms.elements().map_err(unreadable)?;
    let announced: Vec<Hash> = announced.into_iter().map(Hash::named).collect::<Result<_>>()?;
    let agrees = !announced.is_empty() && announced.iter().all(|announced| *announced == hash);
    ensure(agrees, || "it announces another digest than its signature has".into())
}

/// What the time stamp says is about these bytes, and may be said by the pinned certificate.
fn says(stamp: &TstInfo<'_>, message: &[u8], pin: &Pin) -> Result<Stamp> {
    ensure(stamp.version == 1, || format!("the time stamp has the version {}", stamp.version))?;
    let hash = Hash::named(stamp.imprint.algorithm)?;
    ensure(stamp.imprint.digest.as_bytes() == hash.of(message), || "it is a time stamp of other bytes".into())?;
    if let Some(pinned) = pin.policy {
        let policy = stamp.policy;
        ensure(policy == pinned, || format!("it was issued under the policy {policy}, and {pinned} is pinned"))?;
    }
    let critical = stamp.extensions.iter().flatten().find(|extension| extension.critical);
    ensure(critical.is_none(), || "it is restricted by an extension that is not understood".into())?;

    let time = timestamp(stamp.time.0).ok_or("its time cannot be read")?;
    let validity = &pin.certificate.tbs_certificate.validity;
    let second = |time: x509_cert::time::Time| Timestamp::from_second(time.to_unix_duration().as_secs() as i64);
    let (from, to) = (second(validity.not_before), second(validity.not_after));
    let (Ok(from), Ok(to)) = (from, to) else {
        return Err("the validity of the pinned certificate cannot be read".into());
    };
    ensure(from <= time && time <= to, || {
        format!("it is of {time}, and the pinned certificate valid from {from} to {to}")
    })?;
    let accuracy_micros = stamp.accuracy.as_ref().map(micros).transpose()?;
    Ok(Stamp {
        time,
        accuracy_micros,
        serial: format!("0x{}", digits(stamp.serial_number.as_bytes())),
        policy: stamp.policy.to_string(),
    })
}

/// The SignedData in an answer, or in a token alone.
pub fn signed_data(token: &[u8]) -> Result<Vec<u8>> {
    let whole =
        AnyRef::from_der(token).map_err(|why| format!("it is no answer of a time stamping authority: {why}"))?;
    let is_response = whole.value().first() == Some(&Tag::Sequence.into());
    let info = match is_response {
        true => granted(TimeStampResp::from_der(token).map_err(unreadable)?)?,
        false => ContentInfo::from_der(token).map_err(unreadable)?,
    };
    ensure(info.content_type == SIGNED_DATA, || "it is no signed data".into())?;
    info.content.to_der().map_err(unreadable)
}

fn granted(response: TimeStampResp<'_>) -> Result<ContentInfo<'_>> {
    let PkiStatusInfo { status, words, failure } = response.status;
    let reasons: Vec<&str> = FAILURES
        .into_iter()
        .filter(|(bit, _)| failure.is_some_and(|set| set.bits().nth(*bit) == Some(true)))
        .map(|(_, name)| name)
        .collect();
    let words: Vec<Utf8StringRef<'_>> = words.and_then(|words| words.elements().ok()).unwrap_or_default();
    let words: Vec<String> = words.into_iter().map(|words| format!("{:?}", words.as_str())).collect();
    let all = reasons.into_iter().map(str::to_owned).chain(words).collect::<Vec<_>>().join(", ");
    let granted = status <= 1 && failure.is_none();
    let stated = if all.is_empty() { "without a reason".to_owned() } else { all };
    ensure(granted, || format!("the authority refused (status {status}): {stated}"))?;
    response.token.ok_or_else(|| "the authority granted it, but it is not there".to_owned())
}

/// The bits of a failure (RFC 3161, 2.4.2).
const FAILURES: [(usize, &str); 8] = [
    (0, "badAlg"),
    (2, "badRequest"),
    (5, "badDataFormat"),
    (14, "timeNotAvailable"),
    (15, "unacceptedPolicy"),
    (16, "unacceptedExtension"),
    (17, "addInfoNotAvailable"),
    (25, "systemFailure"),
];

/// The one value of an attribute.
fn attribute<'a, T: Decode<'a>>(attributes: &[Attribute<'a>], name: ObjectIdentifier) -> Result<Option<T>> {
    let mut named = attributes.iter().filter(|attribute| attribute.name == name);
    let Some(attribute) = named.next() else { return Ok(None) };
    let mut values: Vec<T> = attribute.values.elements().map_err(unreadable)?;
    ensure(values.len() == 1 && named.next().is_none(), || format!("its signature states {name} more than once"))?;
    Ok(values.pop())
}

/// `YYYYMMDDhhmmss`, perhaps a fraction, and `Z`.
fn timestamp(text: &[u8]) -> Option<Timestamp> {
    let text = std::str::from_utf8(text).ok()?.strip_suffix('Z')?;
    let (whole, fraction) = text.split_once('.').map_or((text, None), |(whole, fraction)| (whole, Some(fraction)));
    let fraction = fraction.map_or(Some("0"), |digits| (!digits.is_empty()).then_some(digits))?;
    let decimal = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.len() != 14 || fraction.len() > 9 || !decimal(whole) || !decimal(fraction) {
        return None;
    }
    let part = |range: std::ops::Range<usize>| whole[range].parse::<i8>().ok();
    let nanoseconds: i32 = format!("{fraction:0<9}").parse().ok()?;
    let year = whole[..4].parse().ok()?;
    let (month, day, hour) = (part(4..6)?, part(6..8)?, part(8..10)?);
    let time = DateTime::new(year, month, day, hour, part(10..12)?, part(12..14)?, nanoseconds).ok()?;
    Offset::UTC.to_timestamp(time).ok()
}

fn micros(accuracy: &Accuracy) -> Result<u64> {
    let part = |part: Option<u16>| u64::from(part.unwrap_or(0));
    let small = part(accuracy.milliseconds) * 1000 + part(accuracy.microseconds);
    let seconds = accuracy.seconds.unwrap_or(0).checked_mul(1_000_000);
    seconds.and_then(|micros| micros.checked_add(small)).ok_or_else(|| "its accuracy is no accuracy".to_owned())
}

fn digits(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02X}")).collect()
}

pub fn ensure(holds: bool, otherwise: impl FnOnce() -> String) -> Result<()> {
    if holds { Ok(()) } else { Err(otherwise()) }
}

fn unreadable(why: der::Error) -> String {
    format!("it is not written as RFC 3161 demands: {why}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_keep_their_fractions_and_nothing_else_is_a_time() {
        for (text, time) in [
            ("20261121114000Z", "2026-11-21T11:40:00Z"),
            ("20261121114000.25Z", "2026-11-21T11:40:00.25Z"),
            ("20261121114000.123456789Z", "2026-11-21T11:40:00.123456789Z"),
        ] {
            assert_eq!(timestamp(text.as_bytes()).unwrap().to_string(), time);
        }
        for text in [
            "",
            "Z",
            "20261121114000",
            "20261121114000+0600",
            "202611211140Z",
            "20261121114000.Z",
            "20261121114000.1234567890Z",
            "20261121114000,5Z",
            "20261121114000.-5Z",
            "+0261121114000Z",
            "20261131114000Z",
            "20261121114060Z",
            "\u{661}261121114000Z",
        ] {
            assert_eq!(timestamp(text.as_bytes()), None, "{text}");
        }
    }
}
