//! End-to-end tests against the public interface.

mod configuration;
mod demo;
mod documentation;
mod determinism;
mod end_to_end;
mod errors;
mod exactness;
mod first_night;
mod loading;
mod stock_tools;
mod tamper;
mod ukspend;
