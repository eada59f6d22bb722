//! What somebody may have meant by a name that is not known.

/// Most letters that may be other ones.
const MOST: usize = 3;

/// The candidate that is spelt most like `word`, letters of either case being the same; `None` where none is near: more
/// than a fourth of its letters would have to change, and it is not the only one that begins with `word`.
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let word = word.trim().to_lowercase();
    let length = word.chars().count();
    let candidates: Vec<&str> = candidates.into_iter().collect();
    let begins = |candidate: &&&str| length > 1 && candidate.to_lowercase().starts_with(&word);
    let alone = candidates.iter().filter(begins).count() == 1;
    let distance = |candidate: &'a str| {
        let known = candidate.to_lowercase();
        let far = (length.max(known.chars().count()) / 4).min(MOST);
        let distance = strsim::damerau_levenshtein(&word, &known);
        (distance <= far || alone && begins(&&candidate)).then_some((distance, candidate))
    };
    candidates.into_iter().filter_map(distance).min_by_key(|(distance, _)| *distance).map(|(_, candidate)| candidate)
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
            ("curr", Some("currency")),
            ("c", None),
            ("clients", None),
            ("i", None),
            ("", None),
            ("branch", None),
        ] {
            assert_eq!(nearest(word, fields), near, "{word}");
        }
        assert_eq!(did_you_mean("acount", fields, "see there"), "did you mean `account`? see there");
        assert_eq!(did_you_mean("x", [], "see there"), "see there");
    }
}
