//! `inputs.json`: what a filing was made from, in canonical JSON. Of its content only the digests matter here.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::canonical;
use crate::digest::Sha256Digest;
use crate::error::Result;

/// Every object of the archive that the JSON names: each string of 64 hexadecimal digits under a
/// key `sha256`, at any depth.
///
/// # Errors
/// [`crate::ErrorKind::Invalid`] for anything but canonical JSON and one newline.
pub(crate) fn named_objects(json: &[u8]) -> Result<BTreeSet<Sha256Digest>> {
    let mut found = BTreeSet::new();
    walk(&canonical::from_line(json)?, &mut found);
    Ok(found)
}

fn walk(value: &Value, found: &mut BTreeSet<Sha256Digest>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| walk(item, found)),
        Value::Object(members) => {
            for (key, item) in members {
                if let ("sha256", Value::String(text)) = (key.as_str(), item) {
                    found.extend(text.parse::<Sha256Digest>());
                }
                walk(item, found);
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digests_are_found_at_any_depth_and_nothing_else_is() {
        let [a, b] = [&b"a"[..], b"b"].map(Sha256Digest::of);
        let json = format!(
            r#"{{"config":{{"sha256":"{b}"}},"inputs":[{{"name":"x","sha256":"{a}"}}],"other":"{a}","sha256":"short"}}"#
        );
        assert_eq!(named_objects(format!("{json}\n").as_bytes()).unwrap(), BTreeSet::from([a, b]));
        assert!(named_objects(b"{").is_err() && named_objects(json.as_bytes()).is_err());
    }
}
