//! What must hold: the vocabulary of a night, its configuration, and the judgement of the three
//! reconciliations. Pure: no I/O, no clock, no randomness.

pub mod business;
pub mod cases;
pub mod cells;
pub mod config;
pub mod control;
pub mod dates;
pub mod day;
pub mod end_to_end;
pub mod exception;
pub mod explain;
pub mod money;
pub mod movement;
pub mod notation;
pub mod said;
pub mod sketch;
pub mod suggest;
pub mod usual;

pub use config::{Config, ConfigError};
