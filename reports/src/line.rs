//! Lines of delimited text, quoted where RFC 4180 needs it.

use std::io::{self, Write};

use crate::charset::Charset;

/// Lines are handed on once they fill this many bytes.
const BUFFER_BYTES: usize = 64 << 10;

/// How lines are written.
#[derive(Debug, Clone)]
pub(crate) struct Style {
    pub(crate) delimiter: u8,
    pub(crate) crlf: bool,
    pub(crate) charset: Charset,
}

impl Style {
    /// UTF-8, commas, LF.
    pub(crate) const PLAIN: Self = Self { delimiter: b',', crlf: false, charset: Charset::UTF_8 };

    fn special(&self, text: &str) -> bool {
        text.bytes().any(|byte| matches!(byte, b'"' | b'\r' | b'\n') || byte == self.delimiter)
    }
}

/// Finished lines that wait to be written, and the one in the making.
#[derive(Debug)]
pub(crate) struct Lines {
    style: Style,
    bytes: Vec<u8>,
    /// Where the line in the making starts.
    start: usize,
    fields: usize,
}

impl Lines {
    pub(crate) fn new(style: Style) -> Self {
        Self { style, bytes: Vec::with_capacity(BUFFER_BYTES * 5 / 4), start: 0, fields: 0 }
    }

    pub(crate) fn style(&self) -> &Style {
        &self.style
    }

    /// Adds a field; `Err` names a character that the encoding lacks.
    pub(crate) fn cell(&mut self, text: &str) -> Result<(), char> {
        self.prefixed_cell("", text)
    }

    /// Adds a field that no spreadsheet executes.
    pub(crate) fn inert_cell(&mut self, text: &str) -> Result<(), char> {
        self.prefixed_cell(if executes(text) { "'" } else { "" }, text)
    }

    /// Adds text as it is, outside any field.
    pub(crate) fn raw(&mut self, text: &str) -> Result<(), char> {
        self.style.charset.encode(text, &mut self.bytes)
    }

    /// Adds the content of a field, quoted where needed, without a delimiter.
    pub(crate) fn content(&mut self, prefix: &str, text: &str) -> Result<(), char> {
        if !self.style.special(text) && !self.style.special(prefix) {
            self.raw(prefix)?;
            return self.raw(text);
        }
        self.bytes.push(b'"');
        self.raw(prefix)?;
        for (n, part) in text.split('"').enumerate() {
            if n > 0 {
                self.bytes.extend_from_slice(b"\"\"");
            }
            self.raw(part)?;
        }
        self.bytes.push(b'"');
        Ok(())
    }

    /// Ends the line. A line of one empty field is `""`: a blank line would be no record.
    pub(crate) fn end(&mut self) {
        if self.fields == 1 && self.bytes.len() == self.start {
            self.bytes.extend_from_slice(b"\"\"");
        }
        self.bytes.extend_from_slice(if self.style.crlf { b"\r\n" } else { b"\n" });
        self.start = self.bytes.len();
        self.fields = 0;
    }

    /// Writes the finished lines once they fill the buffer.
    pub(crate) fn pass_on(&mut self, out: &mut impl Write) -> io::Result<()> {
        if self.bytes.len() >= BUFFER_BYTES { self.drain(out) } else { Ok(()) }
    }

    /// Writes the finished lines.
    pub(crate) fn drain(&mut self, out: &mut impl Write) -> io::Result<()> {
        out.write_all(&self.bytes[..self.start])?;
        self.bytes.drain(..self.start);
        self.start = 0;
        Ok(())
    }

    fn prefixed_cell(&mut self, prefix: &str, text: &str) -> Result<(), char> {
        if self.fields > 0 {
            self.bytes.push(self.style.delimiter);
        }
        self.fields += 1;
        self.content(prefix, text)
    }
}

/// Whether a spreadsheet may take the text for a formula
/// (<https://owasp.org/www-community/attacks/CSV_Injection>).
pub(crate) fn executes(text: &str) -> bool {
    text.starts_with(['=', '+', '-', '@', '\t', '\r'])
}

/// Whether the text is a plain decimal such as `-12.50`, which no spreadsheet executes.
pub(crate) fn is_plain_decimal(text: &str) -> bool {
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let unsigned = text.strip_prefix('-').unwrap_or(text);
    let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, "0"));
    digits(whole) && digits(fraction)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(style: Style, cells: &[&str]) -> String {
        let mut lines = Lines::new(style);
        for text in cells {
            lines.cell(text).unwrap();
        }
        lines.end();
        let mut out = Vec::new();
        lines.drain(&mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn quotes_only_where_needed() {
        let semicolon = Style { delimiter: b';', crlf: true, ..Style::PLAIN };
        let cases: [(&Style, &[&str], &str); 9] = [
            (&Style::PLAIN, &["a", "b c", ""], "a,b c,\n"),
            (&Style::PLAIN, &["a,b", "c;d"], "\"a,b\",c;d\n"),
            (&semicolon, &["a,b", "c;d"], "a,b;\"c;d\"\r\n"),
            (&Style::PLAIN, &["say \"no\"", "\""], "\"say \"\"no\"\"\",\"\"\"\"\n"),
            (&Style::PLAIN, &["two\nlines", "cr\r", " x "], "\"two\nlines\",\"cr\r\", x \n"),
            (&Style::PLAIN, &[""], "\"\"\n"),
            (&Style::PLAIN, &["", ""], ",\n"),
            (&Style::PLAIN, &["'", "ñ"], "',ñ\n"),
            (&Style::PLAIN, &[], "\n"),
        ];
        for (style, cells, expected) in cases {
            assert_eq!(line(style.clone(), cells), expected);
        }
    }

    #[test]
    fn what_a_spreadsheet_executes() {
        let cases = [
            ("=1+1", "'=1+1"),
            ("+52 55", "'+52 55"),
            ("-12.50", "'-12.50"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("\tx", "'\tx"),
            ("\r=x", "\"'\r=x\""),
            ("=\"a\",1", "\"'=\"\"a\"\",1\""),
            ("a=1", "a=1"),
            (" =1", " =1"),
            ("'=1", "'=1"),
            ("", "\"\""),
        ];
        for (text, expected) in cases {
            let mut lines = Lines::new(Style::PLAIN);
            lines.inert_cell(text).unwrap();
            lines.end();
            let mut out = Vec::new();
            lines.drain(&mut out).unwrap();
            assert_eq!(String::from_utf8(out).unwrap(), format!("{expected}\n"), "{text:?}");
        }
    }

    #[test]
    fn plain_decimals() {
        for text in ["0", "12", "-12", "-12.50", "0.05", "170141183460469231731687303715884105727"] {
            assert!(is_plain_decimal(text), "{text:?}");
        }
        for text in ["", "-", "--1", "+1", "1.", ".5", "-.5", "1e5", "1,50", "-1+2", "- 1", "1.2.3", "١"] {
            assert!(!is_plain_decimal(text), "{text:?}");
        }
    }
}
