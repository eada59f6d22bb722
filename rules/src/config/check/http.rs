//! What is asked by HTTP, and what it is called.

use super::problem;
use crate::config::database::has_password;
use crate::config::error::{Problem, Step};
use crate::config::http::{has_user, host};

/// The host of the setting `url`, which can be asked and has no user or password in it.
pub(super) fn asked<'a>(url: &'a str, without_password: &str) -> Result<&'a str, Problem> {
    if has_password(url) || has_user(url) {
        problem(path!["url"], "the URL has a user or a password", without_password)?;
    }
    if host(url).is_none() {
        problem(path!["url"], format!("`{url}` cannot be asked"), "write https://HOST/PATH")?;
    }
    Ok(host(url).unwrap_or_default())
}

/// Whether this cannot be a file's name everywhere.
pub(super) fn cannot_name(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    !(1..=64).contains(&name.len()) || !name.bytes().all(plain) || name.starts_with('-')
}
