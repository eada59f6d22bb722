//! The structures of RFC 3161 (time stamps), RFC 5652 (signed data) and RFC 5035 (which certificate
//! signed), in DER. What is signed is kept as the bytes that it was received in.

use der::asn1::{AnyRef, BitStringRef, IntRef, ObjectIdentifier, OctetStringRef};
use der::{
    Choice, Decode, DecodeValue, EncodeValue, FixedTag, Header, Length, Reader, Sequence, SliceReader, Tag, Writer,
};
use x509_cert::ext::Extensions;
use x509_cert::name::Name;
use x509_cert::serial_number::SerialNumber;
use x509_cert::spki::AlgorithmIdentifierRef;

pub const SIGNED_DATA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.7.2");
pub const TST_INFO: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.16.1.4");
pub const CONTENT_TYPE: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.3");
pub const MESSAGE_DIGEST: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.4");
pub const SIGNING_CERTIFICATE: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.16.2.12");
pub const SIGNING_CERTIFICATE_V2: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.16.2.47");

#[derive(Sequence)]
pub struct TimeStampReq<'a> {
    pub version: u8,
    pub imprint: MessageImprint<'a>,
    #[asn1(optional = "true")]
    pub policy: Option<ObjectIdentifier>,
    pub nonce: u64,
}

#[derive(Sequence)]
pub struct MessageImprint<'a> {
    pub algorithm: AlgorithmIdentifierRef<'a>,
    pub digest: OctetStringRef<'a>,
}

#[derive(Sequence)]
pub struct TimeStampResp<'a> {
    pub status: PkiStatusInfo<'a>,
    #[asn1(optional = "true")]
    pub token: Option<ContentInfo<'a>>,
}

#[derive(Sequence)]
pub struct PkiStatusInfo<'a> {
    pub status: u8,
    #[asn1(optional = "true")]
    pub words: Option<RawSequence<'a>>,
    #[asn1(optional = "true")]
    pub failure: Option<BitStringRef<'a>>,
}

#[derive(Sequence)]
pub struct ContentInfo<'a> {
    pub content_type: ObjectIdentifier,
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT")]
    pub content: AnyRef<'a>,
}

#[derive(Sequence)]
pub struct SignedData<'a> {
    pub version: u8,
    pub digest_algorithms: RawSet<'a>,
    pub content: EncapsulatedContentInfo<'a>,
    #[asn1(context_specific = "0", tag_mode = "IMPLICIT", optional = "true")]
    pub certificates: Option<RawSet<'a>>,
    #[asn1(context_specific = "1", tag_mode = "IMPLICIT", optional = "true")]
    pub revocations: Option<RawSet<'a>>,
    pub signers: RawSet<'a>,
}

#[derive(Sequence)]
pub struct EncapsulatedContentInfo<'a> {
    pub content_type: ObjectIdentifier,
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT", optional = "true")]
    pub content: Option<OctetStringRef<'a>>,
}

#[derive(Sequence)]
pub struct SignerInfo<'a> {
    pub version: u8,
    pub signer: SignerIdentifier<'a>,
    pub digest_algorithm: AlgorithmIdentifierRef<'a>,
    #[asn1(context_specific = "0", tag_mode = "IMPLICIT", optional = "true")]
    pub signed_attributes: Option<RawSet<'a>>,
    pub signature_algorithm: AlgorithmIdentifierRef<'a>,
    pub signature: OctetStringRef<'a>,
    #[asn1(context_specific = "1", tag_mode = "IMPLICIT", optional = "true")]
    pub unsigned_attributes: Option<RawSet<'a>>,
}

#[derive(Choice)]
pub enum SignerIdentifier<'a> {
    IssuerAndSerialNumber(IssuerAndSerialNumber),
    #[asn1(context_specific = "0", tag_mode = "IMPLICIT")]
    SubjectKeyIdentifier(OctetStringRef<'a>),
}

#[derive(Sequence)]
pub struct IssuerAndSerialNumber {
    pub issuer: Name,
    pub serial_number: SerialNumber,
}

#[derive(Sequence)]
pub struct Attribute<'a> {
    pub name: ObjectIdentifier,
    pub values: RawSet<'a>,
}

#[derive(Sequence)]
pub struct SigningCertificate<'a> {
    pub certificates: Vec<EssCertId<'a>>,
    #[asn1(optional = "true")]
    pub policies: Option<AnyRef<'a>>,
}

#[derive(Sequence)]
pub struct EssCertId<'a> {
    /// SHA-256 where absent. In the first version of the attribute it is always absent, and SHA-1.
    #[asn1(optional = "true")]
    pub algorithm: Option<AlgorithmIdentifierRef<'a>>,
    pub digest: OctetStringRef<'a>,
    #[asn1(optional = "true")]
    pub issuer_and_serial_number: Option<AnyRef<'a>>,
}

#[derive(Sequence)]
pub struct TstInfo<'a> {
    pub version: u8,
    pub policy: ObjectIdentifier,
    pub imprint: MessageImprint<'a>,
    pub serial_number: IntRef<'a>,
    pub time: GeneralizedTime<'a>,
    #[asn1(optional = "true")]
    pub accuracy: Option<Accuracy>,
    #[asn1(default = "Default::default")]
    pub ordering: bool,
    #[asn1(optional = "true")]
    pub nonce: Option<IntRef<'a>>,
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT", optional = "true")]
    pub authority: Option<AnyRef<'a>>,
    #[asn1(context_specific = "1", tag_mode = "IMPLICIT", optional = "true")]
    pub extensions: Option<Extensions>,
}

#[derive(Sequence)]
pub struct Accuracy {
    #[asn1(optional = "true")]
    pub seconds: Option<u64>,
    #[asn1(context_specific = "0", tag_mode = "IMPLICIT", optional = "true")]
    pub milliseconds: Option<u16>,
    #[asn1(context_specific = "1", tag_mode = "IMPLICIT", optional = "true")]
    pub microseconds: Option<u16>,
}

/// RFC 4055, without the defaults, which are SHA-1.
#[derive(Sequence)]
pub struct PssParameters<'a> {
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT")]
    pub digest: AlgorithmIdentifierRef<'a>,
    #[asn1(context_specific = "1", tag_mode = "EXPLICIT")]
    pub mask: AlgorithmIdentifierRef<'a>,
    #[asn1(context_specific = "2", tag_mode = "EXPLICIT")]
    pub salt_bytes: u8,
}

/// A set, its elements in the order and bytes in which they came: those that were signed.
#[derive(Clone, Copy)]
pub struct RawSet<'a>(&'a [u8]);

/// A sequence that need not be understood.
#[derive(Clone, Copy)]
pub struct RawSequence<'a>(&'a [u8]);

/// A time as its text, which may have fractions of seconds.
pub struct GeneralizedTime<'a>(pub &'a [u8]);

impl<'a> RawSet<'a> {
    pub fn elements<T: Decode<'a>>(self) -> der::Result<Vec<T>> {
        elements(self.0)
    }
}

impl<'a> RawSequence<'a> {
    pub fn elements<T: Decode<'a>>(self) -> der::Result<Vec<T>> {
        elements(self.0)
    }
}

fn elements<'a, T: Decode<'a>>(bytes: &'a [u8]) -> der::Result<Vec<T>> {
    let mut reader = SliceReader::new(bytes)?;
    let mut elements = Vec::new();
    while !reader.is_finished() {
        elements.push(T::decode(&mut reader)?);
    }
    Ok(elements)
}

macro_rules! raw {
    ($name:ident, $tag:expr) => {
        impl<'a> DecodeValue<'a> for $name<'a> {
            fn decode_value<R: Reader<'a>>(reader: &mut R, header: Header) -> der::Result<Self> {
                reader.read_slice(header.length).map(Self)
            }
        }

        impl EncodeValue for $name<'_> {
            fn value_len(&self) -> der::Result<Length> {
                self.0.len().try_into()
            }

            fn encode_value(&self, writer: &mut impl Writer) -> der::Result<()> {
                writer.write(self.0)
            }
        }

        impl FixedTag for $name<'_> {
            const TAG: Tag = $tag;
        }
    };
}

raw!(RawSet, Tag::Set);
raw!(RawSequence, Tag::Sequence);
raw!(GeneralizedTime, Tag::GeneralizedTime);
