//! The audit crate as its three users meet it: a run that files, a machine that crashes, and an
//! auditor who has only the folder, a key and the stock tools.

#![allow(clippy::unwrap_used)]

mod anchor;
mod crash;
mod forgery;
mod keys;
mod prune;
mod small_series;
mod stock_tools;
mod tamper;
mod trust;
mod writing;
