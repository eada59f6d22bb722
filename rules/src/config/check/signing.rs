//! Who may sign, and with what key.

use super::super::Signing;
use super::super::error::Step;
use super::{Checked, problem};

pub(super) fn signing(signing: &Signing) -> Checked {
    let Signing { principal, passphrase, agent, create, .. } = signing;
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-@+".contains(&byte);
    if !(1..=255).contains(&principal.len()) || !principal.bytes().all(plain) {
        let message = format!("`{principal}` cannot name a signer");
        let help = "write it as filings@bank.example, of the characters A-Z a-z 0-9 . _ - @ +";
        return problem(path!["signing", "principal"], message, help);
    }
    if *agent && passphrase.is_some() {
        let help = "leave out `passphrase`: `ssh-add` asks for it once";
        return problem(path!["signing", "passphrase"], "ssh-agent signs without the passphrase", help);
    }
    if *agent && *create {
        let help = "make it with `cuadre keygen`, add it with `ssh-add`, and leave out `create`";
        return problem(path!["signing", "create"], "no key is made in ssh-agent", help);
    }
    Ok(())
}
