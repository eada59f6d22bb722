//! The files of a source as deliveries: twice, the same as the day before, too few, too late.

use cuadre_rules::config::time_of_day;
use cuadre_rules::exception::{Evidence, Kind};
use cuadre_rules::said;

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
        let reason = said!(
            "it and {first} have the very same bytes: delivered twice, loaded once",
            "tiene exactamente los mismos bytes que {first}: se entregó dos veces y se cargó una"
        );
        gaps.evidence(Kind::FileRepeated, scope.about, Evidence { file, ..Evidence::default() }, reason)?;
    }
    if repeated > 0 {
        let files = extracts.len();
        let words = said!(
            "{repeated} of {files} files were delivered twice",
            "entregados dos veces: {repeated} de {files} archivos"
        );
        gaps.state(Kind::FileRepeated, scope.about, words);
    }
    for extract in extracts {
        if let Some(filing) = extract.input.filed_before.as_ref().filter(|_| extract.records() > 0) {
            let name = &extract.input.file.name;
            let words = said!(
                "{name} has the very bytes of a file in filing {filing}",
                "{name} tiene exactamente los bytes de un archivo del reporte {filing}"
            );
            gaps.state(Kind::PeriodRepeated, scope.about, words);
        }
    }
    if let Some(expected) = scope.source.expected_files
        && !scope.declared_empty()
        && (distinct as u64) < u64::from(expected)
    {
        let words = said!(
            "{distinct} of {expected} expected files arrived",
            "archivos recibidos: {distinct} de {expected} esperados"
        );
        gaps.state(Kind::FilesMissing, scope.about, words);
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
        let words = said!(
            "{name} changed after the cut-off at {cut_off}",
            "{name} cambió después de la hora de corte ({cut_off})"
        );
        gaps.state(Kind::SourceLate, scope.about, words);
    }
    late
}
