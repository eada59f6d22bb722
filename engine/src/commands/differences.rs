//! `cuadre run --only end-to-end`: what both sides differ in, for a machine.

use cuadre_reports::Format;
use cuadre_reports::predicate::{EndToEndFacts, ExceptionFacts};
use cuadre_rules::exception::{Evidence, Exception};
use serde_json::json;

use super::{print, screen};
use crate::error::{EngineError, exit};
use crate::judge::Judgement;

/// Tells what both sides differ in: `endToEnd` and `exceptions` as in a manifest, and in `evidence`
/// an object per row of `exceptions.csv`. Exits as a night with these gaps would.
pub fn tell(judgement: Judgement) -> Result<u8, EngineError> {
    let day = &judgement.day;
    screen::end_to_end_alone(day);
    let end_to_end = day.end_to_end.as_ref().map(|days| days.iter().map(EndToEndFacts::try_from).collect());
    let end_to_end: Option<Vec<EndToEndFacts>> = end_to_end.transpose()?;
    let exception = |exception: &Exception| ExceptionFacts::of(exception, Format::NEWEST, Vec::new());
    let head = json!({
        "businessDate": day.business_date.to_string(),
        "endToEnd": end_to_end,
        "exceptions": day.exceptions.iter().map(exception).collect::<Vec<_>>(),
    });
    let head = head.to_string();
    let mut text = format!("{},\"evidence\":[", head.strip_suffix('}').unwrap_or(&head));
    let mut comma = "";
    for list in &judgement.evidence {
        for row in list.read()? {
            text += &format!("{comma}\n{}", evidence(&row?));
            comma = ",";
            if text.len() > 1 << 16 {
                print(&text)?;
                text.clear();
            }
        }
    }
    print(&(text + "]}\n"))?;
    Ok(if day.exceptions.is_empty() { exit::DONE } else { exit::PARTIAL })
}

/// A row of evidence for a machine.
pub fn evidence(row: &Evidence) -> serde_json::Value {
    json!({
        "exception": row.exception,
        "kind": row.kind,
        "source": row.source,
        "file": row.file,
        "record": row.record,
        "column": row.column,
        "sourceValue": row.source_value,
        "warehouseValue": row.warehouse_value,
        "amount": row.amount,
        "currency": row.currency,
        "reason": row.reason,
    })
}
