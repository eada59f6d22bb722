//! What a failure of the store means for whoever must act on it: try again, or repair the setup.

use std::error::Error as _;

use object_store::Error;
use object_store::client::{HttpError, HttpErrorKind};

use super::Url;
use crate::error::EngineError;

/// What failed at `name` below `url`. An answer of the store may repeat a key or a signature: only
/// its code is shown.
pub fn failure(url: &Url, name: &str, error: &Error) -> EngineError {
    let place = url.at(name);
    let text = error.to_string();
    let setup = |why: &str, remedy: &str| EngineError::Setup(format!("{place}: {why}; {remedy}"));
    let away = |why: &str| EngineError::Away(format!("{place}: {why}; run again"));
    if let Error::InvalidPath { source } = error {
        return setup(&format!("a name there cannot be that of a file: {source}"), "have it renamed");
    }
    let code = code(&text).unwrap_or_default();
    let status = status(&text).unwrap_or_default();
    match (code, status) {
        ("NoSuchBucket", _) => setup("there is no such bucket", "check its name, AWS_ENDPOINT and AWS_REGION"),
        (
            "InvalidAccessKeyId"
            | "NotSignedUp"
            | "SignatureDoesNotMatch"
            | "ExpiredToken"
            | "InvalidToken"
            | "TokenRefreshRequired",
            _,
        ) => setup(&format!("the credentials are refused ({code})"), CREDENTIALS),
        ("RequestTimeTooSkewed", _) => setup("the clocks of store and machine differ", "set the machine's clock"),
        ("PermanentRedirect" | "AuthorizationHeaderMalformed", _) | (_, 300..=399) => {
            setup("the bucket is in another region, or at another address", "check AWS_REGION and AWS_ENDPOINT")
        }
        ("", 401 | 403) => setup("access is denied, or the credentials are refused", RIGHTS),
        (_, 401 | 403) => setup(&format!("access is denied ({code})"), RIGHTS),
        ("NotImplemented", _) | (_, 501) => setup("the store cannot do this", NEEDED),
        (_, 412) => away("it has changed while it was read"),
        (_, 408 | 409 | 429) => away(&format!("the store answers {status} {code}")),
        (_, 404) => away("it was there and is gone"),
        (_, 400..=499) => {
            setup(&format!("the store refuses the request ({status} {code})"), "check the AWS_ variables")
        }
        (_, 500..) => away(&format!("the store answers {status} {code}")),
        _ => match error {
            Error::NotImplemented { .. } | Error::NotSupported { .. } => setup("the store cannot do this", NEEDED),
            Error::NotFound { .. } => away("it was there and is gone"),
            _ => match cause(error) {
                cause if cause.contains("certificate") => setup(
                    "the store's certificate is not trusted",
                    "check AWS_ENDPOINT; SSL_CERT_FILE may name a file with the store's own authority",
                ),
                cause => away(&format!("the store cannot be reached: {cause}")),
            },
        },
    }
}

/// What to do about refused credentials.
pub const CREDENTIALS: &str = "check AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN";
const RIGHTS: &str =
    "the credentials need s3:ListBucket, s3:GetObject and s3:PutObject there; to prune, s3:DeleteObject";
const NEEDED: &str = "it must support If-None-Match and If-Match on uploads, and AWS_CONDITIONAL_PUT must be unset";

/// Why the request did not come through: the innermost reason, which names no address.
fn cause(error: &Error) -> String {
    let mut timed_out = false;
    let mut last = error.source();
    while let Some(source) = last {
        timed_out |= source.downcast_ref::<HttpError>().is_some_and(|http| http.kind() == HttpErrorKind::Timeout);
        match source.source() {
            Some(inner) => last = Some(inner),
            None => break,
        }
    }
    match last {
        _ if timed_out => "it takes too long".to_owned(),
        Some(source) if source.is::<std::io::Error>() => source.to_string(),
        _ => "the connection failed".to_owned(),
    }
}

/// The code in the store's answer, such as `NoSuchKey`.
fn code(text: &str) -> Option<&str> {
    let (_, rest) = text.split_once("<Code>")?;
    let (code, _) = rest.split_once("</Code>")?;
    code.bytes().all(|b| b.is_ascii_alphanumeric()).then_some(code)
}

/// The status of the store's answer.
fn status(text: &str) -> Option<u16> {
    let (_, rest) = text.split_once("status code: ")?;
    rest.get(..3)?.parse().ok()
}
