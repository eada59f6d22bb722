//! The application: receives and loads sources and warehouse, runs the night, files it, and makes
//! a filed day again.

#![cfg_attr(test, allow(clippy::unwrap_used))]

pub mod ahead;
pub mod asking;
pub mod carry;
pub mod changes;
pub mod clock;
pub mod commands;
pub mod database;
pub mod deliveries;
pub mod dispositions;
pub mod error;
pub mod filing;
pub mod forward;
pub mod http;
pub mod inputs;
pub mod judge;
pub mod landing;
pub mod last_signed;
pub mod load;
pub mod manifest;
pub mod matches;
pub mod movements;
pub mod night;
pub mod notices;
pub mod pace;
pub mod pages;
pub mod progress;
pub mod receive;
pub mod received;
pub mod reconcile;
pub mod run_id;
pub mod scratch;
pub mod secret;
pub mod signing;
pub mod spool;
pub mod status;
pub mod stop;
pub mod store;
pub mod telemetry;
pub mod telling;
pub mod time_stamp;
pub mod trial;
pub mod trust;
pub mod usual;
pub mod view;
pub mod watch;
pub mod work;

pub use error::{EngineError, exit};
