//! Filings that no honest run would file, with every digest right.

use super::series::whole;
use super::{Mutant, Passes, complaints, tools_are_there};

#[test]
fn a_series_that_nobody_touched_passes() {
    let Some(series) = whole().filter(|_| tools_are_there()) else { return };
    assert_eq!(complaints(&[Mutant::new("untouched", series.clone(), Passes("untouched"))]), [""; 0]);
}
#[test]
fn scratch() {
    let Some(series) = whole() else { return };
    let _ = std::fs::remove_dir_all("/tmp/d/whole");
    series.write(std::path::Path::new("/tmp/d/whole"));
}
