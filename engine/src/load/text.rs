//! Texts of the declared encodings.

use cuadre_reports::cp850;
use cuadre_rules::config::source::Encoding;
use cuadre_rules::said;
use cuadre_rules::said::Said;

use super::record::Record;

/// What some writers put at the start of UTF-8 files.
pub const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// Why a record is refused that no declared encoding reads.
pub fn other_encoding() -> Said {
    said!(
        "it has bytes that the declared encoding does not have; declare the file's own",
        "tiene bytes que la codificación declarada no admite; declare la del archivo"
    )
}

/// Fills `record` with `fields`, in the first of `encodings` that reads all of them; `false`
/// where none does.
pub fn decode_fields<'a, I>(fields: I, encodings: &[Encoding], record: &mut Record) -> bool
where
    I: Iterator<Item = &'a [u8]> + Clone,
{
    encodings.iter().any(|&encoding| {
        record.clear();
        let mut readable = true;
        for field in fields.clone() {
            record.push_with(|text| {
                readable &= decode(field, encoding, text);
                true
            });
        }
        readable
    })
}

/// One text in the first of `encodings` that reads it.
pub fn decode_text(bytes: &[u8], encodings: &[Encoding]) -> Option<String> {
    encodings.iter().find_map(|&encoding| {
        let mut text = String::new();
        decode(bytes, encoding, &mut text).then_some(text)
    })
}

fn decode(bytes: &[u8], encoding: Encoding, out: &mut String) -> bool {
    match (encoding, std::str::from_utf8(bytes)) {
        (Encoding::Utf8, Ok(text)) => out.push_str(text),
        (Encoding::Utf8, Err(_)) => return false,
        (_, Ok(text)) if bytes.is_ascii() => out.push_str(text),
        (Encoding::Windows1252, _) => {
            out.push_str(&encoding_rs::WINDOWS_1252.decode_without_bom_handling(bytes).0);
        }
        (Encoding::Latin1, _) => out.push_str(&encoding_rs::mem::decode_latin1(bytes)),
        (Encoding::Cp850, _) => out.push_str(&cp850::decode(bytes)),
    }
    true
}

/// A header name without what spreadsheets and careless conversions put in front of the first
/// one: a byte order mark, or what becomes of it when its bytes are read as windows-1252 (once
/// or twice).
pub fn clean_header(name: &str) -> &str {
    const MARKS: [&str; 4] = ["\u{feff}", "ï»¿", "Ã¯»¿", "Ã¯Â»Â¿"];
    let mut name = name.trim();
    while let Some(rest) = MARKS.iter().find_map(|mark| name.strip_prefix(mark)) {
        name = rest.trim();
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_encoding_that_reads_a_record_is_taken_for_all_of_it() {
        let mut record = Record::default();
        let utf8 = ["Ñandú".as_bytes(), b"x"];
        let ansi = [&b"\xd1and\xfa"[..], "Ñ".as_bytes()];
        let both = [Encoding::Utf8, Encoding::Windows1252];
        assert!(decode_fields(utf8.into_iter(), &both, &mut record));
        assert_eq!(record.get(0), Some("Ñandú"));
        assert!(decode_fields(ansi.into_iter(), &both, &mut record));
        assert_eq!((record.get(0), record.get(1)), (Some("Ñandú"), Some("Ã‘")));
        assert!(!decode_fields(ansi.into_iter(), &both[..1], &mut record));
        assert_eq!(decode_text(b"\x9c5", &[Encoding::Cp850]).as_deref(), Some("£5"));
        assert_eq!(decode_text(b"\x80", &[Encoding::Windows1252]).as_deref(), Some("€"));
        assert_eq!(decode_text(b"\x80", &[Encoding::Latin1]).as_deref(), Some("\u{80}"));
    }

    #[test]
    fn garbled_byte_order_marks() {
        let bytes: [&[u8]; 3] =
            [b"\xef\xbb\xbfDate", b"\xc3\xaf\xc2\xbb\xc2\xbfDate", b"\xc3\x83\xc2\xaf\xc2\xbb\xc2\xbfDate"];
        for header in bytes {
            assert_eq!(clean_header(std::str::from_utf8(header).unwrap()), "Date");
        }
        assert_eq!(clean_header(" Net Amount "), "Net Amount");
    }
}
