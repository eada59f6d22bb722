//! Code page 850, the DOS encoding of western Europe and Latin America.
//!
//! Bytes below 0x80 are ASCII. The table is that of the Unicode consortium,
//! `MAPPINGS/VENDORS/MICSFT/PC/CP850.TXT`.

/// The characters of the bytes 0x80 to 0xFF, each of which has its own.
pub(crate) const HIGH: [char; 128] = [
    'Ç', 'ü', 'é', 'â', 'ä', 'à', 'å', 'ç', 'ê', 'ë', 'è', 'ï', 'î', 'ì', 'Ä', 'Å', // 0x80
    'É', 'æ', 'Æ', 'ô', 'ö', 'ò', 'û', 'ù', 'ÿ', 'Ö', 'Ü', 'ø', '£', 'Ø', '×', 'ƒ', // 0x90
    'á', 'í', 'ó', 'ú', 'ñ', 'Ñ', 'ª', 'º', '¿', '®', '¬', '½', '¼', '¡', '«', '»', // 0xA0
    '░', '▒', '▓', '│', '┤', 'Á', 'Â', 'À', '©', '╣', '║', '╗', '╝', '¢', '¥', '┐', // 0xB0
    '└', '┴', '┬', '├', '─', '┼', 'ã', 'Ã', '╚', '╔', '╩', '╦', '╠', '═', '╬', '¤', // 0xC0
    'ð', 'Ð', 'Ê', 'Ë', 'È', 'ı', 'Í', 'Î', 'Ï', '┘', '┌', '█', '▄', '¦', 'Ì', '▀', // 0xD0
    'Ó', 'ß', 'Ô', 'Ò', 'õ', 'Õ', 'µ', 'þ', 'Þ', 'Ú', 'Û', 'Ù', 'ý', 'Ý', '¯', '´', // 0xE0
    '\u{AD}', '±', '‗', '¾', '¶', '§', '÷', '¸', '°', '¨', '·', '¹', '³', '²', '■', '\u{A0}', // 0xF0
];

/// The text of the bytes; every byte has a character.
pub fn decode(bytes: &[u8]) -> String {
    bytes.iter().map(|&byte| decode_byte(byte)).collect()
}

/// The byte of a character, or `None` where the code page lacks it.
pub fn encode_char(c: char) -> Option<u8> {
    if c.is_ascii() {
        return u8::try_from(c).ok();
    }
    let at = HIGH.iter().position(|&high| high == c)?;
    u8::try_from(0x80 + at).ok()
}

fn decode_byte(byte: u8) -> char {
    match byte.checked_sub(0x80) {
        None => char::from(byte),
        Some(at) => HIGH[usize::from(at)],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_round_trips() {
        for byte in 0..=u8::MAX {
            let text = decode(&[byte]);
            assert_eq!(text.chars().map(encode_char).collect::<Vec<_>>(), [Some(byte)], "{byte:#04X}");
        }
    }

    #[test]
    fn known_bytes() {
        let bytes = [b'A', 0xA4, 0xA5, 0x82, 0xB5, 0xD5, 0x9E, 0xE7, 0xF0, 0xF2, 0xFE, 0xFF];
        assert_eq!(decode(&bytes), "AñÑéÁı×þ\u{AD}‗■\u{A0}");
        for absent in ['€', 'ő', '—', '\u{80}'] {
            assert_eq!(encode_char(absent), None, "{absent:?}");
        }
    }
}
