//! End-to-end tests against the public interface.

mod asking_for_time_stamps;
mod configuration;
mod databases;
mod demo;
mod determinism;
mod documentation;
mod end_to_end;
mod errors;
mod exactness;
mod first_night;
mod loading;
mod object_storage;
mod servers;
mod signing;
mod tamper;
mod time_stamps;
mod two_verifiers;
mod ukspend;
