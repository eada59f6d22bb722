//! RFC 8785 canonical JSON: one value, one sequence of bytes.
//!
//! The set of values is narrower than JSON's: integers within ±(2^53 - 1), which every JSON reader
//! holds exactly, and no fractions at all. Amounts travel as strings.

use std::fmt::Write as _;

use serde::Serialize;
use serde_json::{Number, Value};

use crate::error::{Error, ErrorKind, Result};

/// The largest integer that a JSON reader with IEEE 754 numbers holds exactly: 2^53 - 1.
pub const MAX_INTEGER: u64 = (1 << 53) - 1;

/// `value` as RFC 8785 canonical JSON and one newline.
///
/// # Errors
/// [`ErrorKind::Invalid`] for a fraction, an integer beyond ±[`MAX_INTEGER`], or a value that JSON
/// cannot hold. (A floating-point NaN or infinity becomes `null` before this function sees it.)
pub fn to_line<T: Serialize + ?Sized>(value: &T) -> Result<Vec<u8>> {
    let value = serde_json::to_value(value).map_err(|e| refused(&e.to_string()))?;
    let mut line = String::new();
    write_value(&mut line, &value)?;
    line.push('\n');
    Ok(line.into_bytes())
}

/// Reads a value from bytes that are exactly what [`to_line`] writes for it.
///
/// # Errors
/// [`ErrorKind::Invalid`] for anything else: other white space, key order, repeated keys, escapes.
pub fn from_line(bytes: &[u8]) -> Result<Value> {
    let value: Value = serde_json::from_slice(bytes).map_err(|e| refused(&e.to_string()))?;
    let line = to_line(&value)?;
    if line != bytes {
        let same = line.iter().zip(bytes).take_while(|(a, b)| a == b).count();
        return Err(refused(&format!(
            "it is not canonical JSON (RFC 8785): byte {same}, counted from 0, should be another"
        )));
    }
    Ok(value)
}

fn write_value(out: &mut String, value: &Value) -> Result<()> {
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(true) => out.push_str("true"),
        Value::Bool(false) => out.push_str("false"),
        Value::Number(number) => write_integer(out, number)?,
        Value::String(text) => write_string(out, text),
        Value::Array(items) => {
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                write_value(out, item)?;
            }
            out.push(']');
        }
        Value::Object(members) => {
            let mut members: Vec<_> = members.iter().collect();
            members.sort_by(|(a, _), (b, _)| a.encode_utf16().cmp(b.encode_utf16()));
            out.push('{');
            for (index, (key, item)) in members.into_iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                write_string(out, key);
                out.push(':');
                write_value(out, item)?;
            }
            out.push('}');
        }
    }
    Ok(())
}

fn write_integer(out: &mut String, number: &Number) -> Result<()> {
    let magnitude = match (number.as_u64(), number.as_i64()) {
        (Some(value), _) => value,
        (None, Some(value)) => value.unsigned_abs(),
        (None, None) => {
            return Err(refused(&format!("{number} is not an integer")));
        }
    };
    if magnitude > MAX_INTEGER {
        return Err(refused(&format!("{number} lies beyond ±(2^53 - 1)")));
    }
    let sign = if number.as_u64().is_none() { "-" } else { "" };
    let _ = write!(out, "{sign}{magnitude}");
    Ok(())
}

fn write_string(out: &mut String, text: &str) {
    out.push('"');
    for character in text.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\u{8}' => out.push_str("\\b"),
            '\t' => out.push_str("\\t"),
            '\n' => out.push_str("\\n"),
            '\u{c}' => out.push_str("\\f"),
            '\r' => out.push_str("\\r"),
            '\0'..='\u{1f}' => {
                let _ = write!(out, "\\u{:04x}", u32::from(character));
            }
            _ => out.push(character),
        }
    }
    out.push('"');
}

fn refused(why: &str) -> Error {
    Error::new(
        ErrorKind::Invalid,
        "cannot use the JSON",
        why,
        "write amounts as strings and counts as integers, and keep the bytes as they were written",
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn line(value: &Value) -> String {
        String::from_utf8(to_line(value).unwrap()).unwrap()
    }

    #[test]
    fn keys_sort_by_utf16_code_units_as_in_rfc_8785_section_3_2_3() {
        let value = json!({
            "\u{20ac}": "Euro Sign",
            "\r": "Carriage Return",
            "\u{fb33}": "Hebrew Letter Dalet With Dagesh",
            "1": "One",
            "\u{1f600}": "Emoji: Grinning Face",
            "\u{80}": "Control",
            "\u{f6}": "Latin Small Letter O With Diaeresis"
        });
        assert_eq!(
            line(&value),
            "{\"\\r\":\"Carriage Return\",\"1\":\"One\",\"\u{80}\":\"Control\",\
             \"\u{f6}\":\"Latin Small Letter O With Diaeresis\",\"\u{20ac}\":\"Euro Sign\",\
             \"\u{1f600}\":\"Emoji: Grinning Face\",\
             \"\u{fb33}\":\"Hebrew Letter Dalet With Dagesh\"}\n"
        );
    }

    #[test]
    fn strings_and_literals_are_those_of_rfc_8785_section_3_2_2() {
        let value: Value = serde_json::from_str(
            r#"{"string":"\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/",
                "literals":[null,true,false]}"#,
        )
        .unwrap();
        let expected = concat!(r#"{"literals":[null,true,false],"string":"€$\u000f\nA'B\"\\\\\"/"}"#, "\n");
        assert_eq!(line(&value), expected);
    }

    #[test]
    fn integers_end_where_exactness_ends() {
        assert_eq!(
            line(&json!([9007199254740991_i64, -9007199254740991_i64, 0])),
            "[9007199254740991,-9007199254740991,0]\n"
        );
        for value in [
            json!(9007199254740992_u64),
            json!(-9007199254740992_i64),
            json!(u64::MAX),
            json!(i64::MIN),
            json!(1.5),
            json!(1.0),
        ] {
            let error = to_line(&value).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Invalid, "{value}");
        }
    }

    #[test]
    fn only_the_canonical_bytes_are_read_back() {
        assert_eq!(from_line(b"{\"a\":[1,-2]}\n").unwrap(), json!({"a": [1, -2]}));
        for bytes in [
            &b"{\"a\":[1,-2]}"[..],
            b"{\"a\":[1,-2]}\n\n",
            b"{\"a\": [1,-2]}\n",
            b"",
            b"{\"b\":1,\"a\":1}\n",
            b"{\"a\":1,\"a\":1}\n",
            b"{\"a\":-0}\n",
            b"{\"a\":1e0}\n",
            b"{\"a\":\"\\u0041\"}\n",
            b"{\"a\":\"\\/\"}\n",
            b"\xff\n",
            b"\xef\xbb\xbf{}\n",
            b"{\"a\":01}\n",
        ] {
            assert!(from_line(bytes).is_err(), "{}", String::from_utf8_lossy(bytes));
        }
        assert!(from_line(&[b'['; 100_000]).is_err(), "depth is limited");
    }
}
