//! The application: receives and loads sources and warehouse, runs the night, files it, and makes
//! a filed day again.

#![cfg_attr(test, allow(clippy::unwrap_used))]

pub mod asking;
pub mod changes;
pub mod clock;
pub mod commands;
pub mod database;
pub mod deliveries;
pub mod error;
pub mod filing;
pub mod inputs;
pub mod judge;
pub mod landing;
pub mod last_signed;
pub mod load;
pub mod manifest;
pub mod night;
pub mod progress;
pub mod receive;
pub mod received;
pub mod reconcile;
pub mod secret;
pub mod signing;
pub mod spool;
pub mod store;
pub mod telling;
pub mod time_stamp;
pub mod trust;
pub mod work;

pub use error::{EngineError, exit};
