//! The authorities that say when a filing was signed.

use super::http::{asked, cannot_name};
use super::{Checked, problem};
use crate::config::Config;
use crate::config::database::is_here;
use crate::config::error::{Problem, Step};
use crate::config::time_stamp::TimeStamp;

pub(super) fn time_stamps(config: &Config) -> Checked {
    if config.time_stamps.answer_seconds == 0 {
        return problem(path!["time_stamps", "answer_seconds"], "no time at all is given", "write 1 or more");
    }
    for (n, authority) in config.authorities.iter().enumerate() {
        let at = |rest: Vec<Step>| [path!["time_stamp", n], rest].concat();
        time_stamp(authority).map_err(|p| Problem { path: at(p.path), ..p })?;
        if config.authorities[..n].iter().any(|other| other.name == authority.name) {
            let message = format!("two authorities are called `{}`", authority.name);
            return problem(at(path!["name"]), message, "give each its own name");
        }
    }
    Ok(())
}

fn time_stamp(authority: &TimeStamp) -> Checked {
    let TimeStamp { name, url, certificate, policy, user, password } = authority;
    if cannot_name(name) {
        let help = "write it as psc-1, of small letters, digits and -";
        return problem(path!["name"], format!("`{name}` cannot name an authority"), help);
    }
    let help = "the configuration is archived with every filing: give `user`, and password = { env = \"NAME\" } or \
                { file = \"PATH\" }, and change the password if it was filed";
    let host = asked(url, help)?;
    if certificate.is_empty() {
        return problem(path!["certificate"], "no file is named", "name the authority's certificate in PEM");
    }
    if let Some(policy) = policy
        && !is_object_identifier(policy)
    {
        return problem(path!["policy"], format!("`{policy}` is no object identifier"), "write it as 1.2.3.4.1");
    }
    match (user, password) {
        (None, None) => Ok(()),
        (Some(user), Some(_)) if user.contains(':') => {
            problem(path!["user"], "a user of HTTP has no colon", "leave the password out of it")
        }
        (Some(_), Some(_)) if url.starts_with("http://") && !is_here(host) => {
            problem(path!["url"], "the password would go over the network in the clear", "write https://")
        }
        (Some(_), Some(_)) => Ok(()),
        (Some(_), None) => problem(path!["user"], "a user has a password", "give password = { env = \"NAME\" }"),
        (None, Some(_)) => problem(path!["password"], "a password is of a user", "name the `user`"),
    }
}

/// Whether this is a path in the tree of object identifiers: its first number 0 to 2, and below 0 and
/// 1 a second one up to 39.
fn is_object_identifier(text: &str) -> bool {
    let number = |arc: &str| -> Option<u32> {
        let canonical = arc.bytes().all(|byte| byte.is_ascii_digit()) && (arc == "0" || !arc.starts_with('0'));
        arc.parse().ok().filter(|_| canonical)
    };
    let arcs: Option<Vec<u32>> = text.split('.').map(number).collect();
    matches!(arcs.as_deref(), Some([0 | 1, 0..40, ..] | [2, _, ..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn object_identifiers_are_numbers_with_dots() {
        for text in ["1.2.3.4.1", "0.4.0.2023.1.1", "2.999", "2.16.484.101.10.316.2.1.1.2.1"] {
            assert!(is_object_identifier(text), "{text}");
        }
        for text in ["", "1", "3.1", "1.40", "1..2", "1.2.", "1.02", "1.2.x", "1.+2", "1.2.4294967296", " 1.2"] {
            assert!(!is_object_identifier(text), "{text}");
        }
    }
}
