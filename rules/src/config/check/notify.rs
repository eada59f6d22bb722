//! Whom a night tells.

use super::http::{asked, cannot_name};
use super::{Checked, problem};
use crate::config::Config;
use crate::config::database::is_here;
use crate::config::error::{Problem, Step};
use crate::config::notify::Notify;

pub(super) fn routes(config: &Config) -> Checked {
    for (n, route) in config.notify.iter().enumerate() {
        let at = |rest: Vec<Step>| [path!["notify", n], rest].concat();
        notify(route).map_err(|p| Problem { path: at(p.path), ..p })?;
        if config.notify[..n].iter().any(|other| other.name == route.name) {
            let message = format!("two routes are called `{}`", route.name);
            return problem(at(path!["name"]), message, "give each its own name");
        }
    }
    Ok(())
}

fn notify(route: &Notify) -> Checked {
    let Notify { name, url, command, secret, answer_seconds, .. } = route;
    if cannot_name(name) {
        let help = "write it as on-call, of small letters, digits and -";
        return problem(path!["name"], format!("`{name}` cannot name a route"), help);
    }
    match (url, command) {
        (Some(url), None) => {
            let help = "the configuration is archived with every filing: give `secret`, which signs what is sent, or \
                        a `command` that knows the password, and change the password if it was filed";
            let host = asked(url, help)?;
            if url.starts_with("http://") && !is_here(host) {
                let message = "what happens in a night would go over the network in the clear";
                return problem(path!["url"], message, "write https://");
            }
        }
        (None, Some(command)) => {
            if command.first().is_none_or(String::is_empty) {
                return problem(path!["command"], "no program is named", "write [\"/path/to/program\", \"argument\"]");
            }
            if secret.is_some() {
                return problem(path!["secret"], "only a webhook is signed", "leave it out; a command needs none");
            }
        }
        _ => {
            let message = format!("route `{name}` has {}", if url.is_some() { "two ways" } else { "no way" });
            return problem(path!["name"], message, "give it either a `url` or a `command`");
        }
    }
    match answer_seconds {
        0 => problem(path!["answer_seconds"], "no time at all is given", "write 1 or more"),
        _ => Ok(()),
    }
}
