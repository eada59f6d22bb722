//! Text of others as people are shown it: nothing in it acts, and nothing is hidden.

use std::borrow::Cow;

/// The text with a sign in the place of every character that has no shape of its own: control characters, those
/// that XML forbids, and those that turn the direction of writing round. The characters of `kept` stay.
pub fn visible<'a>(text: &'a str, kept: &[char]) -> Cow<'a, str> {
    let is_plain = |c: char| kept.contains(&c) || sign(c).is_none();
    if text.chars().all(is_plain) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.chars().map(|c| if kept.contains(&c) { c } else { sign(c).unwrap_or(c) }).collect())
}

/// The sign of a character that is not shown as it is: of ASCII's control characters their picture.
fn sign(c: char) -> Option<char> {
    match c {
        '\u{00}'..='\u{1f}' => char::from_u32(0x2400 + u32::from(c)),
        '\u{7f}' => Some('\u{2421}'),
        '\u{80}'..='\u{9f}' | '\u{2028}' | '\u{2029}' => Some(char::REPLACEMENT_CHARACTER),
        '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {
            Some(char::REPLACEMENT_CHARACTER)
        }
        '\u{fffe}' | '\u{ffff}' => Some(char::REPLACEMENT_CHARACTER),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_no_shape_gets_one() {
        let text = "año\u{1b}[2J\u{0}\n\u{9b}\u{202e}gpj.exe\u{ffff}";
        assert_eq!(visible(text, &[]), "año␛[2J␀␊\u{fffd}\u{fffd}gpj.exe\u{fffd}");
        assert_eq!(visible("a\nb\tc", &['\n', '\t']), "a\nb\tc");
        assert!(matches!(visible("Depósito, 1°", &[]), Cow::Borrowed(_)));
    }
}
