//! End-to-end tests against the public interface.

mod configuration;
mod databases;
mod demo;
mod determinism;
mod documentation;
mod end_to_end;
mod errors;
mod exactness;
mod first_night;
mod formats;
mod loading;
mod no_movements;
mod object_storage;
mod regenerate;
mod servers;
mod stock_tools;
mod supplements;
mod tamper;
mod ukspend;
