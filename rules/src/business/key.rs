//! Values of several fields in one key.

use std::borrow::Cow;

use arrow_array::{Array, StringArray};

use crate::movement::Values;

/// Behind every value of a key.
const END: &str = "\0\0";
/// A NUL within one.
const ESCAPED: &str = "\0\u{1}";

/// Appends a value so that keys sort as their values do and neighbours stay apart: it ends in two
/// NULs, and a NUL within it becomes NUL, 1.
pub(super) fn push(key: &mut String, value: &str) {
    match value.contains('\0') {
        true => key.push_str(&value.replace('\0', ESCAPED)),
        false => key.push_str(value),
    }
    key.push_str(END);
}

/// The values of a key that [`push`] has made.
pub(super) fn values(mut key: &str) -> impl Iterator<Item = Cow<'_, str>> {
    std::iter::from_fn(move || {
        let mut from = 0;
        loop {
            let nul = from + key[from..].find('\0')?;
            from = nul + END.len();
            if key[nul..].starts_with(END) {
                let value = &key[..nul];
                key = &key[from..];
                return Some(if value.contains('\0') { value.replace(ESCAPED, "\0").into() } else { value.into() });
            }
        }
    })
}

/// What a field adds to keys.
pub(super) struct Part<'a, 'c> {
    values: Values<'a, 'c>,
    /// The texts, where none of them is null or has a NUL.
    plain: Option<&'a StringArray>,
}

impl<'a, 'c> Part<'a, 'c> {
    /// What the field of these values adds.
    pub fn of(values: Values<'a, 'c>) -> Self {
        let bytes = |texts: &'a StringArray| {
            let offsets = texts.value_offsets();
            &texts.value_data()[offsets[0] as usize..offsets[texts.len()] as usize]
        };
        let is_plain = |texts: &&'a StringArray| texts.null_count() == 0 && !bytes(texts).contains(&0);
        Self { plain: values.texts.filter(is_plain), values }
    }

    /// Appends the value of a row, as [`push`] does.
    pub fn push(&self, key: &mut String, row: usize) {
        match self.plain {
            Some(texts) => {
                key.push_str(texts.value(row));
                key.push_str(END);
            }
            None => push(key, &self.values.at(row).unwrap_or_default()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_keep_their_values_apart_and_in_order() {
        let texts = ["", "\0", "\0\0", "\0\u{1}", "a", "a\0", "a\0b", "aa", "ab", "b", "é"];
        let mut keys = Vec::new();
        for left in texts {
            for right in texts {
                let mut key = String::new();
                push(&mut key, left);
                push(&mut key, right);
                assert_eq!(values(&key).collect::<Vec<_>>(), [left, right]);
                keys.push(key);
            }
        }
        assert!(keys.is_sorted_by(|left, right| left < right));
    }
}
