//! What somebody may have meant by a name that is not known.

/// The candidate that is spelt most like `word`, letters of either case being the same; `None` where none is near: more
/// than a third of its letters would have to change.
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let word = word.trim().to_lowercase();
    let distance = |candidate: &str| strsim::damerau_levenshtein(&word, &candidate.to_lowercase());
    let far = |candidate: &str| word.chars().count().max(candidate.chars().count()).div_ceil(3);
    let near = candidates.into_iter().map(|candidate| (distance(candidate), candidate));
    near.filter(|(distance, candidate)| *distance <= far(candidate))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, c)| c)
}

/// `did you mean ...?`, in front of what else can be done.
pub fn did_you_mean<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>, help: &str) -> String {
    match nearest(word, candidates) {
        Some(name) => format!("did you mean `{name}`? {help}"),
        None => help.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_near_is_suggested_and_nothing_else() {
        let fields = ["customer", "currency", "account", "amount", "id"];
        for (word, near) in [
            ("custmer", Some("customer")),
            ("Customer ", Some("customer")),
            ("acount", Some("account")),
            ("amuont", Some("amount")),
            ("clients", None),
            ("", None),
            ("branch", None),
        ] {
            assert_eq!(nearest(word, fields), near, "{word}");
        }
        assert_eq!(did_you_mean("acount", fields, "see there"), "did you mean `account`? see there");
        assert_eq!(did_you_mean("x", [], "see there"), "see there");
    }
}
