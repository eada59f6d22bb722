//! The files of a source as deliveries: twice, the same as the day before, too few, too late.

use cuadre_rules::config::time_of_day;
use cuadre_rules::exception::{Evidence, Kind};

use super::gaps::Gaps;
use super::source::Scope;
use crate::error::EngineError;
use crate::load::all::Extract;
use crate::manifest::morning_after;

/// States which files came twice, were filed the day before already, or did not come.
pub fn judge(scope: Scope<'_>, extracts: &[Extract<'_>], gaps: &mut Gaps) -> Result<(), EngineError> {
    // Two files without records have nothing to deliver twice: two branches without movements, say.
    let first_of = |extract: &Extract<'_>| {
        extracts.iter().find(|other| other.input.file.sha256 == extract.input.file.sha256 && other.records() > 0)
    };
    let twice: Vec<_> = extracts
        .iter()
        .filter(|extract| extract.loaded.is_none())
        .filter_map(|extract| Some((extract, &first_of(extract)?.input.file.name)))
        .collect();
    let repeated = twice.len();
    let distinct = extracts.len() - repeated;
    for (extract, first) in twice {
        let file = Some(extract.input.file.name.clone());
        let reason = format!("it and {first} have the very same bytes: delivered twice, loaded once");
        gaps.evidence(Kind::FileRepeated, scope.about, Evidence { file, reason, ..Evidence::default() })?;
    }
    if repeated > 0 {
        gaps.state(
            Kind::FileRepeated,
            scope.about,
            &format!("{repeated} of {} files were delivered twice", extracts.len()),
        );
    }
    for extract in extracts {
        if let Some(filing) = extract.input.filed_before.as_ref().filter(|_| extract.records() > 0) {
            let words = format!("{} has the very bytes of a file in filing {filing}", extract.input.file.name);
            gaps.state(Kind::PeriodRepeated, scope.about, &words);
        }
    }
    if let Some(expected) = scope.source.expected_files
        && !scope.declared_empty()
        && (distinct as u64) < u64::from(expected)
    {
        gaps.state(Kind::FilesMissing, scope.about, &format!("{distinct} of {expected} expected files arrived"));
    }
    Ok(())
}

/// States which files changed after the cut-off; whether any did.
pub fn is_late(scope: Scope<'_>, extracts: &[Extract<'_>], gaps: &mut Gaps) -> bool {
    let Some(cut_off) = scope.source.cut_off.as_deref().and_then(time_of_day) else { return false };
    let Ok(limit) = morning_after(scope.config, scope.inputs.business_date, cut_off) else { return false };
    let mut late = false;
    for extract in extracts.iter().filter(|extract| extract.input.changed_at > Some(limit)) {
        late = true;
        let name = &extract.input.file.name;
        gaps.state(Kind::SourceLate, scope.about, &format!("{name} changed after the cut-off at {cut_off}"));
    }
    late
}
