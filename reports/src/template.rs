//! Header and trailer records: `H|{institution}|{date:%Y%m%d}|{records}|{amount:MXN}`.
//!
//! A value that makes up a whole field is quoted where needed; within other text it stands as it is.

use cuadre_rules::money::Currency;
use jiff::fmt::strtime::BrokenDownTime;

use crate::amount::push_total;
use crate::error::Place;
use crate::line::{Lines, Style};
use crate::{Header, ReportError};

const TOKENS: &str = "use {institution}, {series}, {date}, {date:%Y%m%d}, {records} or {amount:MXN}";

/// The bytes of one record, its line end included; `name` is the setting that holds the template.
pub(crate) fn render(
    name: &'static str,
    template: &str,
    header: &Header<'_>,
    decimal: char,
    style: &Style,
) -> Result<Vec<u8>, ReportError> {
    let mut lines = Lines::new(style.clone());
    let unencodable =
        |character| ReportError::Unencodable { place: Place::Record(name), character, encoding: style.charset.name() };
    let wrong = |why: String| ReportError::Layout { setting: name.to_owned(), why, remedy: TOKENS };
    let mut rest = template;
    let mut at_start = true;
    while let Some((before, after)) = rest.split_once('{') {
        let (token, after) = after.split_once('}').ok_or_else(|| wrong(format!("`{{{after}` is not closed")))?;
        let value = value(token, header, decimal).map_err(wrong)?;
        let delimiter = char::from(style.delimiter);
        let opens = before.ends_with([delimiter, '\n']) || (at_start && before.is_empty());
        let closes = after.is_empty() || after.starts_with([delimiter, '\r', '\n']);
        lines.raw(before).map_err(unencodable)?;
        match opens && closes {
            true => lines.content("", &value).map_err(unencodable)?,
            false => lines.raw(&value).map_err(unencodable)?,
        }
        rest = after;
        at_start = false;
    }
    lines.raw(rest).map_err(unencodable)?;
    lines.end();
    let mut bytes = Vec::new();
    lines.drain(&mut bytes)?;
    Ok(bytes)
}

/// The value of a token, or why there is none.
fn value(token: &str, header: &Header<'_>, decimal: char) -> Result<String, String> {
    match token.split_once(':').unwrap_or((token, "")) {
        ("institution", "") => Ok(header.institution.to_owned()),
        ("series", "") => Ok(header.series.to_owned()),
        ("records", "") => Ok(header.records.to_string()),
        ("date", "") => Ok(header.business_date.to_string()),
        ("date", format) => BrokenDownTime::from(header.business_date)
            .to_string(format)
            .map_err(|e| format!("`{format}` cannot show a date: {e}")),
        ("amount", code) if !code.is_empty() => amount(code, header, decimal),
        _ => Err(format!("`{{{token}}}` stands for nothing")),
    }
}

fn amount(code: &str, header: &Header<'_>, decimal: char) -> Result<String, String> {
    let currency: Currency = code.parse().map_err(|e| format!("`{code}` is {e}"))?;
    let (_, total) = header
        .amount
        .iter()
        .find(|(other, _)| *other == currency)
        .ok_or_else(|| format!("{code} is not a currency of this institution"))?;
    let mut text = String::new();
    push_total(&mut text, total, decimal);
    Ok(text)
}

#[cfg(test)]
mod tests {
    use cuadre_rules::config::source::Encoding;
    use cuadre_rules::money::Totals;
    use jiff::civil::date;

    use super::*;
    use crate::charset::Charset;

    fn rendered(template: &str, decimal: char, style: &Style) -> Result<Vec<u8>, String> {
        let mut amount = Totals::with(2, "JPY".parse().unwrap());
        amount.add("MXN".parse().unwrap(), i128::MAX).unwrap();
        let header = Header {
            institution: "Caja \"Peña\", S.A.",
            series: "daily",
            business_date: date(2026, 11, 21),
            records: 1_234,
            amount: &amount,
        };
        render("header_record", template, &header, decimal, style).map_err(|e| e.to_string())
    }

    #[test]
    fn tokens() {
        let most = "1701411834604692317316873037158841057";
        let cases = [
            ("", '.', "\n"),
            ("H", '.', "H\n"),
            ("T,{records},{series}", '.', "T,1234,daily\n"),
            ("{date},{date:%Y%m%d},{date:%d/%m/%y}", '.', "2026-11-21,20261121,21/11/26\n"),
            ("H,{institution}", '.', "H,\"Caja \"\"Peña\"\", S.A.\"\n"),
            ("H:{institution}", '.', "H:Caja \"Peña\", S.A.\n"),
            ("{amount:JPY}", '.', "0\n"),
            ("{amount:MXN}|", '.', &format!("{most}.27|\n")),
            ("{amount:MXN}|", ',', &format!("{most},27|\n")),
            ("T,{amount:MXN}", ',', &format!("T,\"{most},27\"\n")),
            ("a}b{records}{records}", '.', "a}b12341234\n"),
        ];
        for (template, decimal, expected) in cases {
            let found = rendered(template, decimal, &Style::PLAIN).map(|bytes| String::from_utf8(bytes).unwrap());
            assert_eq!(found.as_deref(), Ok(expected), "{template}");
        }
    }

    #[test]
    fn what_cannot_be_shown_is_refused() {
        let cases = [
            ("{count}", "`{count}` stands for nothing"),
            ("{}", "`{}` stands for nothing"),
            ("{records:5}", "`{records:5}` stands for nothing"),
            ("{amount}", "`{amount}` stands for nothing"),
            ("{amount:USD}", "USD is not a currency of this institution"),
            ("{amount:PESO}", "`PESO` is not an ISO 4217 currency code"),
            ("{date:%H}", "`%H` cannot show a date"),
            ("{date:%!}", "`%!` cannot show a date"),
            ("H|{records", "`{records` is not closed"),
        ];
        for (template, why) in cases {
            let error = rendered(template, '.', &Style::PLAIN).unwrap_err();
            assert!(error.starts_with("[report] header_record: ") && error.contains(why), "{template}: {error}");
        }
    }

    #[test]
    fn records_have_the_encoding_and_line_end_of_the_report() {
        let style = Style { delimiter: b'|', crlf: true, charset: Charset::of(Encoding::Cp850) };
        assert_eq!(rendered("Ñ|{institution}x", '.', &style).unwrap(), b"\xA5|Caja \"Pe\xA4a\", S.A.x\r\n");
        let error = rendered("€", '.', &style).unwrap_err();
        assert!(error.starts_with("[report] header_record: the character '€' (U+20AC) does not exist in cp850"));
    }
}
