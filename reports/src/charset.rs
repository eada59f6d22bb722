//! From text to the bytes of an encoding; a character that it lacks is refused, never replaced.

use cuadre_rules::config::source::Encoding;

use crate::cp850;

/// An encoding whose bytes below 0x80 are ASCII.
#[derive(Debug, Clone)]
pub(crate) struct Charset {
    name: &'static str,
    /// The characters of the bytes from 0x80 on, sorted; `None` for UTF-8.
    high: Option<[(char, u8); 128]>,
}

impl Charset {
    pub(crate) const UTF_8: Self = Self { name: "utf-8", high: None };

    pub(crate) fn of(encoding: Encoding) -> Self {
        match encoding {
            Encoding::Utf8 => Self::UTF_8,
            Encoding::Windows1252 => Self::single_byte("windows-1252", |byte| {
                let bytes = [byte];
                let (text, _) = encoding_rs::WINDOWS_1252.decode_without_bom_handling(&bytes);
                text.chars().next().unwrap_or(char::REPLACEMENT_CHARACTER)
            }),
            Encoding::Latin1 => Self::single_byte("latin-1", char::from),
            Encoding::Cp850 => Self::single_byte("cp850", |byte| cp850::HIGH[usize::from(byte & 0x7F)]),
        }
    }

    /// The encoding, as the configuration calls it.
    pub(crate) fn name(&self) -> &'static str {
        self.name
    }

    /// Appends the bytes of `text`, or names its first character that the encoding lacks.
    pub(crate) fn encode(&self, text: &str, out: &mut Vec<u8>) -> Result<(), char> {
        let Some(high) = self.high.as_ref().filter(|_| !text.is_ascii()) else {
            out.extend_from_slice(text.as_bytes());
            return Ok(());
        };
        for character in text.chars() {
            let byte = match u8::try_from(character) {
                Ok(byte) if byte.is_ascii() => byte,
                _ => high.binary_search_by_key(&character, |&(c, _)| c).map(|at| high[at].1).map_err(|_| character)?,
            };
            out.push(byte);
        }
        Ok(())
    }

    fn single_byte(name: &'static str, character: impl Fn(u8) -> char) -> Self {
        let mut high = [('\0', 0); 128];
        for (entry, byte) in high.iter_mut().zip(0x80..=u8::MAX) {
            *entry = (character(byte), byte);
        }
        high.sort_unstable();
        Self { name, high: Some(high) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_of_every_encoding() {
        use Encoding::{Cp850, Latin1, Utf8, Windows1252};
        type Case = (Encoding, &'static str, Result<&'static [u8], char>);
        let cases: [Case; 13] = [
            (Utf8, "ñ€", Ok(b"\xC3\xB1\xE2\x82\xAC")),
            (Utf8, "漢", Ok(b"\xE6\xBC\xA2")),
            (Windows1252, "Peña", Ok(b"Pe\xF1a")),
            (Windows1252, "€“ÿ", Ok(b"\x80\x93\xFF")),
            (Windows1252, "\u{93}", Err('\u{93}')),
            (Windows1252, "aő", Err('ő')),
            (Latin1, "Peña", Ok(b"Pe\xF1a")),
            (Latin1, "\u{93}ÿ", Ok(b"\x93\xFF")),
            (Latin1, "€", Err('€')),
            (Cp850, "Peña Á", Ok(b"Pe\xA4a \xB5")),
            (Cp850, "€", Err('€')),
            (Cp850, "漢字", Err('漢')),
            (Cp850, "\r\n\0~\x7F", Ok(b"\r\n\0~\x7F")),
        ];
        for (encoding, text, expected) in cases {
            let mut out = Vec::new();
            let found = Charset::of(encoding).encode(text, &mut out).map(|()| out.as_slice());
            assert_eq!(found, expected, "{text:?} in {encoding:?}");
        }
    }
}
