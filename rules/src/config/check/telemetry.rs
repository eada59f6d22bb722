//! What a night tells other machines.

use super::{Checked, problem};
use crate::config::Telemetry;
use crate::config::database::{has_password, is_here};
use crate::config::error::Step;
use crate::config::http::{has_user, host};

pub(super) fn telemetry(telemetry: &Telemetry) -> Checked {
    for (name, path) in [("metrics", &telemetry.metrics), ("lineage", &telemetry.lineage)] {
        if path.as_ref().is_some_and(|path| path.trim().is_empty()) {
            return problem(path!["telemetry", name], "no file is named", "name one, or leave it out");
        }
    }
    if let Some(namespace) = &telemetry.lineage_namespace
        && (namespace.is_empty() || !namespace.chars().all(|c| c.is_ascii_alphanumeric() || "_@+-:=;/.".contains(c)))
    {
        let help = "write letters, digits and any of _ @ + - : = ; / .";
        return problem(path!["telemetry", "lineage_namespace"], format!("`{namespace}` is no namespace"), help);
    }
    let Some(url) = telemetry.lineage_url() else {
        return match telemetry.lineage_key {
            Some(_) => problem(path!["telemetry", "lineage_key"], "a file wants no API key", "leave it out"),
            None => Ok(()),
        };
    };
    if has_password(url) || has_user(url) {
        let help = "the configuration is archived with every filing: give lineage_key = { env = \"NAME\" } or \
                    { file = \"PATH\" }, and change the key if it was filed";
        return problem(path!["telemetry", "lineage"], "the URL has a user or a password", help);
    }
    match host(url) {
        Some(host) if telemetry.lineage_key.is_some() && url.starts_with("http://") && !is_here(host) => {
            problem(path!["telemetry", "lineage"], "the key would go over the network in the clear", "write https://")
        }
        Some(_) if !url.contains(['?', '#']) => Ok(()),
        _ => problem(path!["telemetry", "lineage"], format!("`{url}` cannot be told"), "write https://HOST"),
    }
}
